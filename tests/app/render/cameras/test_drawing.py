"""The volume among the cameras: where it is, what it hides and what hides it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from app.model.common.pictures import CameraSet, CamerasPicture, Thumbnails
from app.render.cameras.drawing import BACKGROUND
from app.render.gl.overview_density import OverviewDensity, compute_overview_density
from app.render.scheduling.effort import COMPLETE
from app.render.studio import Pixels, Studio
from engine.fields.baking import FieldVolume, VolumeSpace
from engine.geometry.view_camera import ViewCamera
from tests.support.worlds import fields
from tests.support.worlds.blocks import fine_volume

SIZE = (160, 120)
RED = np.tile(np.array([255, 0, 0], np.uint8), (1, 8, 8, 1))


def looking_along_z(z: float) -> ViewCamera:
    """From z on the axis, towards what is at z = 4."""
    pose = np.concatenate([np.eye(3), [[0], [0], [-z]]], axis=1).astype(np.float32)
    return ViewCamera(pose, (140.0, 140.0), (80.0, 60.0), SIZE)


def picture(photo_at: float | None = None, **changes: object) -> CamerasPicture:
    """Seen from z = -2. A red photo, small or large enough, may stand at a depth before or behind the volume."""
    poses = np.tile(np.eye(3, 4, dtype=np.float32), (1, 1, 1))
    depth = 0.5
    poses[0, 2, 3] = -((photo_at or 0.0) - depth)
    values: dict[str, object] = {
        "camera": looking_along_z(-2.0),
        "fitted": CameraSet(poses, np.array([[0, 1, 0, 1]], np.float32)),
        "image_plane": (2.0, 2.0),
        "frustum_depth": depth,
        "thumbnails": None if photo_at is None else Thumbnails("red", RED),
        "links": False,
    }
    return CamerasPicture(**(values | changes))  # type: ignore[arg-type]


def drawn(studio: Studio, volume: FieldVolume | None, wanted: CamerasPicture) -> Pixels:
    studio.forget_volume()
    studio.forget_marched("cameras")
    if volume is not None:
        for _ in studio.upload(volume):
            pass
        for _ in studio.march("cameras", wanted, COMPLETE, 2):
            pass
    return studio.show("cameras", wanted)


def middle(pixels: Pixels) -> np.ndarray:
    """Mean colour of what lies right of the picture's centre, where no line of the frustum passes."""
    return pixels[58:63, 89:94, :3].mean(axis=(0, 1))


WHITE = fields.even_volume("box", density=20.0, colour=6.0)  # a cube from z = 3 to 5


def test_an_opaque_volume_is_seen_where_it_stands(studio: Studio) -> None:
    pixels = drawn(studio, WHITE, picture(photo_at=None))
    assert middle(pixels).min() > 0.95
    half = 140 * 1.0 / 5  # the front face: half a unit wide, 5 units away
    assert pixels[60, int(80 + half - 3), :3].min() > 0.9
    np.testing.assert_allclose(pixels[60, int(80 + half + 4), :3], BACKGROUND, atol=0.02)
    assert pixels[int(60 - half + 3), 100, :3].min() > 0.9


def test_of_an_unbounded_volume_the_near_part_is_seen_where_it_stands(studio: Studio) -> None:
    """Opaque all over, and yet only the box is drawn: the same cube as above."""
    outer = 0.5
    volume = replace(WHITE, space="contracted", outer=outer)
    pixels = drawn(studio, volume, picture(photo_at=None))
    assert middle(pixels).min() > 0.95
    half = 140 * 1.0 / 5
    assert pixels[60, int(80 + half - 3), :3].min() > 0.9
    np.testing.assert_allclose(pixels[60, int(80 + half + 4), :3], BACKGROUND, atol=0.02)


def test_a_photo_before_it_hides_it(studio: Studio) -> None:
    red, green, _ = middle(drawn(studio, WHITE, picture(photo_at=2.0)))
    assert red > 0.5
    assert green < 0.3


def test_it_hides_a_photo_behind_it(studio: Studio) -> None:
    assert middle(drawn(studio, None, picture(photo_at=7.0)))[1] < 0.3
    assert middle(drawn(studio, WHITE, picture(photo_at=7.0))).min() > 0.9


def test_its_opacity_lets_things_through(studio: Studio) -> None:
    half = middle(drawn(studio, WHITE, picture(photo_at=7.0, volume_opacity=0.5)))
    assert half[0] > half[1] + 0.2
    assert half[1] > 0.4
    assert middle(drawn(studio, WHITE, picture(photo_at=7.0, volume_opacity=0.0)))[1] < 0.3


def test_a_photo_inside_thin_density_is_seen_dimly(studio: Studio) -> None:
    fog = fields.even_volume("box", density=-0.2, colour=6.0)
    before, within, behind = (middle(drawn(studio, fog, picture(photo_at=at)))[1] for at in (2.0, 3.5, 6.5))
    assert before + 0.1 < within < behind - 0.1


def test_a_projective_volume_ends_at_its_reach(studio: Studio) -> None:
    wall = fields.even_volume("projective", density=-30.0, colour=6.0, size=16)
    voxels = wall.voxels.copy()
    voxels[4, :, :, 0] = 30.0  # the plane of disparity 4 / 15: z = 3.75
    volume = FieldVolume(**(vars(wall) | {"voxels": voxels}))
    assert middle(drawn(studio, volume, picture(volume_reach=8.0))).min() > 0.8
    np.testing.assert_allclose(middle(drawn(studio, volume, picture(volume_reach=2.0))), BACKGROUND, atol=0.05)


def test_seen_along_z_its_opacity_is_the_engines(studio: Studio) -> None:
    raw = 0.4
    volume = fields.even_volume("projective", density=raw, colour=6.0, size=8)
    camera = looking_along_z(0.0)
    wanted = picture(
        camera=camera,
        volume_reach=1e6,
        fitted=CameraSet(np.zeros((0, 3, 4), np.float32), np.zeros((0, 4), np.float32)),
    )
    drawn(studio, volume, wanted)
    marched = studio._drawings["cameras"]._marched.last
    assert marched is not None
    opacity = np.frombuffer(marched.textures[0].read(), np.float32).reshape(SIZE[1], SIZE[0], 4)[60, 80, 3]
    shown = compute_overview_density(volume)[:, 0, 0].astype(np.float64).mean() * 8
    assert opacity == pytest.approx(1 - np.exp(-shown), abs=0.02)


def test_of_a_volume_with_detail_the_coarse_copy_is_seen(studio: Studio) -> None:
    """Its pooled density counts per voxel of the detail: as thin as haze where the coarse copy is opaque."""
    detail = fine_volume(torch.from_numpy(WHITE.voxels.astype(np.float32)))
    volume = replace(WHITE, detail=detail, proposal_density=np.full((4, 4, 4), 0.05, np.float16))
    assert middle(drawn(studio, volume, picture(photo_at=None))).min() > 0.95


class TestOverviewDensity:
    def test_haze_is_not_shown_and_surfaces_are(self) -> None:
        assert compute_overview_density(fields.even_volume("box", density=-3.0)).max() == 0
        shown = compute_overview_density(fields.even_volume("box", density=5.0))
        np.testing.assert_allclose(shown.astype(np.float32), 5.0, rtol=1e-2)

    def test_what_the_cameras_cannot_see_is_not_shown(self) -> None:
        volume = fields.even_volume("projective", density=4.0, size=10)
        shown = compute_overview_density(volume)[:, 5, 5].astype(np.float32)
        assert shown[-1] == pytest.approx(4.0, rel=0.02)  # the nearest plane
        assert shown[:6].max() < 0.01
        assert compute_overview_density(volume).shape == (10, 10, 10)

    @pytest.mark.parametrize("space", ["projective", "box"])
    def test_planes_computed_some_at_a_time_are_those_computed_at_once(self, space: VolumeSpace) -> None:
        values = np.random.default_rng(1).normal(0, 3, (11, 4, 5, 4)).astype(np.float16)
        volume = replace(fields.even_volume(space, density=0.0), voxels=values)
        expected = compute_overview_density(volume).astype(np.float32)
        for voxels in (values, torch.from_numpy(values)):  # on the host, or as on a GPU
            overview = OverviewDensity(replace(volume, voxels=voxels))
            parts = [overview.next_planes(count) for count in (2, 1, 5, 3)]
            assert [first for first, _ in parts] == [9, 8, 3, 0]
            found = np.concatenate([np.asarray(part, np.float32) for _, part in reversed(parts)])
            np.testing.assert_allclose(found, expected, rtol=2e-3, atol=1e-4)
