"""Sizes and the first view of a scene."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from app.model.cameras.scene_scale import (
    frame_points,
    make_first_view,
    measure_scene,
    round_to_nice_number,
    snap_to_axis,
)
from app.model.common.orbit import OrbitCamera
from app.model.common.view_rays import project_to_screen, transform_to_view
from engine.geometry.view_camera import centres
from tests.support.runs.registered_scene import forward_facing

coordinates = st.floats(-50, 50)


@given(st.floats(1e-6, 1e6))
def test_nice_numbers_are_1_2_or_5_and_near(value: float) -> None:
    nice = round_to_nice_number(value)
    assert 0.6 < nice / value < 1.7
    digits = nice / 10.0 ** np.floor(np.log10(nice) + 1e-9)
    assert min(abs(digits - digit) for digit in (1, 2, 5)) < 1e-6


@given(
    st.lists(st.tuples(coordinates, coordinates, coordinates), min_size=1, max_size=20),
    st.floats(-3, 3),
    st.floats(-1.4, 1.4),
    st.sampled_from([(900, 600), (300, 900), (1600, 200)]),
)
def test_what_is_framed_is_seen_and_fills_the_picture(
    places: list[tuple[float, float, float]], azimuth: float, elevation: float, size: tuple[int, int]
) -> None:
    points = np.array(places)
    orbit = frame_points(OrbitCamera((0, 0, 0), 1.0, azimuth, elevation), points, size)
    seen = transform_to_view(orbit.view(size), points)
    assert (seen[:, 2] > 0).all()
    pixels = project_to_screen(orbit.view(size), seen)
    assert (pixels >= -1e-3 * size[0]).all()
    assert (pixels <= np.array(size) * 1.001).all()
    wide, high, deep = np.ptp(seen, axis=0)
    # Else they stand behind each other: a wide picture is filled from so near that depth counts for more.
    if max(wide / max(size[0] / size[1], 1.0), high) > max(1.0, deep):
        assert (np.ptp(pixels, axis=0) / size).max() > 0.6
    assert (orbit.azimuth, orbit.elevation) == pytest.approx((azimuth, elevation))


def test_a_forward_facing_scene_is_looked_at_from_behind_and_above_its_cameras() -> None:
    scene = forward_facing()
    scale = measure_scene(scene)
    assert np.allclose(scale.up, [0, -1, 0])
    assert np.allclose(scale.ahead, [0, 0, 1])
    places = centres(scene.reference_poses.numpy())  # type: ignore[union-attr]
    orbit = frame_points(make_first_view(scale, OrbitCamera()), np.concatenate([places, scale.landmarks]), (900, 600))
    assert orbit.position[2] < places[:, 2].min()
    assert orbit.position @ scale.up > (places @ scale.up).max()
    assert orbit.direction[2] > 0.7
    assert np.array(scale.ground.origin) @ scale.up < (places @ scale.up).min()


def test_an_object_is_looked_at_from_above_the_horizon() -> None:
    scene = replace(forward_facing(), kind="object", box_centre=(1.0, 2.0, 3.0), box_half_extent=0.5)
    scale = measure_scene(scene)
    orbit = frame_points(make_first_view(scale, OrbitCamera()), scale.landmarks, (900, 600))
    assert (orbit.position - np.array(scene.box_centre)) @ scale.up > 0
    assert np.allclose(scale.landmarks.mean(axis=0), scene.box_centre)


@pytest.mark.parametrize("scene", ["one place", "one frame", "not finite"])
def test_sizes_exist_whatever_the_cameras(scene: str) -> None:
    poses = {
        "one place": torch.eye(3, 4).repeat(6, 1, 1),
        "one frame": torch.eye(3, 4)[None],
        "not finite": torch.full((6, 3, 4), torch.nan),
    }[scene]
    given_scene = replace(forward_facing(len(poses)), initial_poses=poses, reference_poses=None)
    scale = measure_scene(given_scene)
    assert 0 < scale.frustum_depth <= given_scene.near
    assert np.isfinite(scale.landmarks).all()
    assert np.isfinite(scale.ground.origin).all()
    assert scale.ground.spacing > 0


def test_frusta_grow_with_the_scene() -> None:
    scene = forward_facing()
    assert scene.reference_poses is not None
    larger = scene.reference_poses * torch.tensor([1.0, 1.0, 1.0, 10.0])
    small, large = measure_scene(scene), measure_scene(replace(scene, reference_poses=larger, near=10.0))
    assert large.frustum_depth == pytest.approx(10 * small.frustum_depth, rel=1e-3)
    assert large.ground.spacing == pytest.approx(10 * small.ground.spacing)


def test_up_snaps_to_a_nearby_axis_only() -> None:
    assert np.array_equal(snap_to_axis(np.array([0.1, 0.2, 0.97])), [0, 0, 1])
    assert np.array_equal(snap_to_axis(np.array([0.1, -0.97, 0.2])), [0, -1, 0])
    slanted = np.array([0.6, 0.0, 0.8])
    assert np.array_equal(snap_to_axis(slanted), slanted)
