"""The marched field against the engine's own pictures, and against what can be computed by hand."""

from __future__ import annotations

import ctypes
import math
from dataclasses import replace

import numpy as np
import pytest

from app.model.common.pictures import NovelPicture, Photo
from app.render.scheduling.effort import COMPLETE, Effort
from app.render.studio import Pixels, Studio
from engine.fields.baking import FieldVolume
from engine.fields.spaces import Space
from engine.geometry.view_camera import ViewCamera
from tests.support.worlds import fields


def upload(studio: Studio, volume: FieldVolume) -> None:
    for _ in studio.upload(volume):
        pass


def drawn(studio: Studio, picture: NovelPicture, effort: Effort = COMPLETE, bands: int = 1) -> Pixels:
    for _ in studio.march("novel", picture, effort, bands):
        pass
    return studio.show("novel", picture)


def agreement(pixels: Pixels, engine: object) -> float:
    """dB."""
    return -10 * math.log10(max(float(((pixels[..., :3] - np.asarray(engine)) ** 2).mean()), 1e-12))


def depths(studio: Studio, picture: NovelPicture) -> np.ndarray:
    """What the shader says, before it becomes a colour."""
    drawn(studio, picture)
    target = studio._drawings["novel"]._marched.last
    assert target is not None
    width, height = target.size
    return np.frombuffer(target.textures[1].read(), np.float32).reshape(height, width)


@pytest.mark.parametrize("proposals", [False, True], ids=["even", "proposals"])
@pytest.mark.parametrize("tinted", [False, True], ids=["plain", "tinted"])
@pytest.mark.parametrize(
    "space", [fields.PROJECTIVE, fields.BOX, fields.UNBOUNDED], ids=["projective", "box", "unbounded"]
)
class TestAgainstTheEngine:
    def test_colours_agree(self, studio: Studio, space: Space, tinted: bool, proposals: bool) -> None:
        field = fields.grid(space, tinted, proposals)
        upload(studio, fields.volume_of(field))
        for at in (fields.camera(), fields.camera((50, 61), turn=-0.2, step=(-0.4, 0.3, 0.4))):
            engine = fields.seen_by_engine(field, at)
            assert engine.opacity.max() > 0.9
            assert engine.opacity.min() < 0.6 or space == fields.UNBOUNDED  # infinity is opaque
            assert agreement(drawn(studio, NovelPicture(at)), engine.colour) > 55

    def test_depth_and_opacity_agree(self, studio: Studio, space: Space, tinted: bool, proposals: bool) -> None:
        field = fields.grid(space, tinted, proposals, seed=3)
        upload(studio, fields.volume_of(field))
        at = fields.camera()
        engine = fields.seen_by_engine(field, at)
        hit = engine.opacity.numpy() > 0.01  # where nothing is hit, depth is arbitrary
        seen = depths(studio, NovelPicture(at))
        np.testing.assert_allclose(seen[hit], engine.depth.numpy()[hit], rtol=1e-2, atol=1e-3)
        opacity = drawn(studio, NovelPicture(at, channel="opacity"))[..., 0]
        np.testing.assert_allclose(opacity, engine.opacity, atol=5e-3)


@pytest.mark.parametrize(
    "step", [(0.0, 0.0, 2.5), (1.5, 0.5, -1.0), (0.3, 0.0, -3.0)], ids=["behind", "aside", "inside"]
)
def test_a_box_is_seen_from_where_the_engine_would_see_it(studio: Studio, step: tuple[float, ...]) -> None:
    field = fields.grid(fields.BOX, tinted=True, proposals=True)
    upload(studio, fields.volume_of(field))
    at = fields.camera(step=step)
    assert agreement(drawn(studio, NovelPicture(at)), fields.seen_by_engine(field, at).colour) > 50


@pytest.mark.parametrize(
    "step",
    [(0.0, 0.0, 2.5), (1.5, 0.5, -1.0), (0.3, 0.0, -3.0), (-4.0, 2.0, -8.0)],
    ids=["before", "aside", "inside the box", "far behind"],
)
def test_all_of_space_is_seen_from_anywhere(studio: Studio, step: tuple[float, ...]) -> None:
    field = fields.grid(fields.UNBOUNDED, tinted=True, proposals=True)
    upload(studio, fields.volume_of(field))
    for turn in (0.08, -0.6):
        at = fields.camera(turn=turn, step=step)
        assert agreement(drawn(studio, NovelPicture(at)), fields.seen_by_engine(field, at).colour) > 50


def test_a_projective_volume_is_seen_from_far_behind(studio: Studio) -> None:
    field = fields.grid(fields.PROJECTIVE, proposals=True)
    upload(studio, fields.volume_of(field))
    at = fields.camera(step=(0.5, 0.2, 2.0))
    assert agreement(drawn(studio, NovelPicture(at)), fields.seen_by_engine(field, at).colour) > 50


def test_rays_away_from_the_volume_show_the_background(studio: Studio) -> None:
    upload(studio, fields.even_volume("projective", density=20.0))
    backwards = np.diag([-1.0, 1.0, -1.0])
    pose = np.concatenate([backwards, np.zeros((3, 1))], axis=1).astype(np.float32)
    at = replace(fields.camera(), world_to_camera=pose)
    np.testing.assert_allclose(drawn(studio, NovelPicture(at))[..., :3], np.full((56, 72, 3), [0, 0, 1]), atol=1e-3)


def straight(space: str, z: float) -> ViewCamera:
    pose = np.concatenate([np.eye(3), [[0], [0], [-z]]], axis=1).astype(np.float32)
    return ViewCamera(pose, (100.0, 100.0), (4.0, 4.0), (8, 8))


class TestByHand:
    @pytest.mark.parametrize("space", ["projective", "box"])
    def test_an_opaque_volume_hides_the_background(self, studio: Studio, space: str) -> None:
        upload(studio, fields.even_volume(space, density=30.0, colour=2.0))
        expected = 1 / (1 + math.exp(-2.0))
        np.testing.assert_allclose(drawn(studio, NovelPicture(straight(space, 0.0)))[..., :3], expected, atol=2e-3)

    @pytest.mark.parametrize("space", ["projective", "box"])
    def test_an_empty_volume_shows_it(self, studio: Studio, space: str) -> None:
        upload(studio, fields.even_volume(space, density=-30.0, colour=2.0))
        pixels = drawn(studio, NovelPicture(straight(space, 0.0)))
        np.testing.assert_allclose(pixels[..., :3], np.full((8, 8, 3), [0, 0, 1]), atol=1e-4)

    def test_transmittance_falls_exponentially(self, studio: Studio) -> None:
        raw = -2.0
        density = math.log1p(math.exp(raw))
        upload(studio, fields.even_volume("box", density=raw))
        opacity = drawn(studio, NovelPicture(straight("box", 0.0), channel="opacity"))[4, 4, 0]
        assert opacity == pytest.approx(1 - math.exp(-density * 7), abs=1e-3)
        upload(studio, fields.even_volume("projective", density=raw))
        for z, passed in ((0.0, 1.0), (2.0, 0.5), (4.0, 0.25)):  # beyond z = 1 only what lies before the camera counts
            opacity = drawn(studio, NovelPicture(straight("projective", z), channel="opacity"))[4, 4, 0]
            assert opacity == pytest.approx(1 - math.exp(-density * 8 * passed), abs=1e-3)


class TestPictures:
    def test_bands_make_the_same_picture(self, studio: Studio) -> None:
        upload(studio, fields.volume_of(fields.grid(fields.PROJECTIVE, tinted=True)))
        picture = NovelPicture(fields.camera())
        whole = drawn(studio, picture)
        np.testing.assert_array_equal(drawn(studio, picture, bands=7), whole)

    def test_until_the_last_band_the_picture_before_stays(self, studio: Studio) -> None:
        upload(studio, fields.volume_of(fields.grid(fields.PROJECTIVE)))
        before = drawn(studio, NovelPicture(fields.camera()))
        marching = studio.march("novel", NovelPicture(fields.camera(turn=0.3)), COMPLETE, 4)
        next(marching)
        next(marching)
        np.testing.assert_array_equal(studio.show("novel", NovelPicture(fields.camera())), before)

    def test_a_quick_one_is_as_large_and_alike(self, studio: Studio) -> None:
        upload(studio, fields.volume_of(fields.grid(fields.BOX, proposals=True)))
        picture = NovelPicture(fields.camera((120, 90)))
        whole, quick = drawn(studio, picture), drawn(studio, picture, Effort(0.5, 0.5, tint=False))
        assert quick.shape == whole.shape
        assert agreement(quick, whole[..., :3]) > 18

    def test_the_wipe_shows_the_photo_on_the_left(self, studio: Studio) -> None:
        upload(studio, fields.even_volume("projective", density=-30.0))
        photo = Photo("green", np.tile(np.array([0, 255, 0], np.uint8), (56, 72, 1)))
        pixels = drawn(studio, NovelPicture(fields.camera(), photo=photo, wipe=0.5))
        np.testing.assert_allclose(pixels[:, :34, :3], np.full((56, 34, 3), [0, 1, 0]), atol=1e-3)
        np.testing.assert_allclose(pixels[:, 38:, :3], np.full((56, 34, 3), [0, 0, 1]), atol=1e-3)
        without = drawn(studio, NovelPicture(fields.camera(), photo=photo, wipe=0.0))
        np.testing.assert_allclose(without[..., :3], np.full((56, 72, 3), [0, 0, 1]), atol=1e-3)

    def test_the_photo_stands_upright(self, studio: Studio) -> None:
        upload(studio, fields.even_volume("projective", density=-30.0))
        pixels = np.zeros((56, 72, 3), np.uint8)
        pixels[:28] = 255
        shown = drawn(studio, NovelPicture(fields.camera(), photo=Photo("upper half", pixels), wipe=1.0))
        assert shown[:20, :, :3].min() > 0.99
        assert shown[36:, :, :3].max() < 0.01

    def test_the_residual_is_dark_where_photo_and_field_agree(self, studio: Studio) -> None:
        upload(studio, fields.even_volume("projective", density=-30.0))
        pixels = np.tile(np.array([0, 0, 255], np.uint8), (56, 72, 1))
        pixels[:, 36:] = [255, 255, 0]
        picture = NovelPicture(fields.camera(), channel="residual", photo=Photo("half right", pixels))
        shown = drawn(studio, picture)[..., :3].sum(axis=-1)
        assert shown[:, :34].max() < 0.1
        assert shown[:, 38:].min() > 2

    def test_depth_is_lighter_where_it_is_nearer(self, studio: Studio) -> None:
        upload(studio, fields.even_volume("box", density=30.0))
        near, far = (
            drawn(studio, NovelPicture(straight("box", z), channel="depth", depth_range=(1.0, 8.0)))[4, 4, :3].sum()
            for z in (1.5, -3.0)
        )
        assert near > far + 0.5


def test_textures_are_reused_and_released(studio: Studio) -> None:
    is_texture = ctypes.CFUNCTYPE(ctypes.c_ubyte, ctypes.c_uint)(studio._context.mglo._context.load("glIsTexture"))
    made = [fields.volume_of(fields.grid(fields.PROJECTIVE, tinted, tinted)) for tinted in (False, True)]
    made += [fields.even_volume("box", 0.0, size=size) for size in (4, 6, 8)]
    alive = []
    for turn in range(200):
        upload(studio, made[turn % len(made)])
        drawn(studio, NovelPicture(fields.camera((8, 6))))
        if turn % len(made) == 0:
            alive.append(sum(is_texture(name) for name in range(1, 3000)))
    assert max(alive) < 60
    assert alive[-1] <= alive[1]


def test_an_abandoned_upload_keeps_the_volume_before(studio: Studio) -> None:
    upload(studio, fields.even_volume("box", 30.0, colour=2.0, size=6))
    before = drawn(studio, NovelPicture(straight("box", 0.0)))
    leaving = studio.upload(fields.even_volume("box", -30.0, size=9))
    next(leaving)
    np.testing.assert_array_equal(drawn(studio, NovelPicture(straight("box", 0.0))), before)
    leaving.close()
    np.testing.assert_array_equal(drawn(studio, NovelPicture(straight("box", 0.0))), before)
