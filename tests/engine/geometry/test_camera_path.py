"""Camera paths: they pass through the keyframes, are smooth, and return to the start if closed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.geometry.camera_path import interpolate_cameras, make_orbit, make_spiral, make_tour
from engine.geometry.view_camera import ViewCamera, centres, look_along, pinhole


def view(x: float, turn: float, opening: float = 0.8) -> ViewCamera:
    direction = np.array([math.sin(turn), 0.1 * x, math.cos(turn)])
    return pinhole(look_along(np.array([x, x * x, -x]), direction, np.array([0.0, -1.0, 0.0])), opening, (64, 48))


def turned(one: ViewCamera, other: ViewCamera) -> float:
    """Angle between two cameras, radians."""
    turn = one.world_to_camera[:, :3].astype(np.float64) @ other.world_to_camera[:, :3].T
    return float(np.linalg.norm(turn - np.eye(3)) / math.sqrt(2))


@given(st.lists(st.tuples(st.floats(-3, 3), st.floats(-1.2, 1.2)), min_size=2, max_size=6))
def test_every_keyframe_is_met(keys: list[tuple[float, float]]) -> None:
    keyframes = [view(*key) for key in keys]
    path = interpolate_cameras(keyframes, 10 * (len(keys) - 1) + 1)
    for index, key in enumerate(keyframes):
        np.testing.assert_allclose(path[10 * index].world_to_camera, key.world_to_camera, atol=1e-4)
        assert path[10 * index].focal == pytest.approx(key.focal)
    for camera in path:
        rotation = camera.world_to_camera[:, :3]
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-5)


def test_the_path_is_smooth() -> None:
    keyframes = [view(0, 0), view(1, 0.5, 0.6), view(2, -0.3), view(2.5, 0.9)]
    path = interpolate_cameras(keyframes, 301)
    positions = centres(np.stack([camera.world_to_camera for camera in path]))
    speeds = np.diff(positions, axis=0)
    assert np.linalg.norm(np.diff(speeds, axis=0), axis=1).max() < 0.05 * np.linalg.norm(speeds, axis=1).max()
    turns = np.array([turned(one, other) for one, other in zip(path[1:], path[:-1], strict=True)])
    assert turns.max() < 4 * turns.mean()


def test_a_closed_path_returns_without_stopping() -> None:
    keyframes = [view(0, 0), view(1, 0.5), view(2, -0.3)]
    path = interpolate_cameras(keyframes, 90, closed=True)
    np.testing.assert_allclose(path[0].world_to_camera, keyframes[0].world_to_camera, atol=1e-5)
    around = [*path, path[0]]
    steps = np.linalg.norm(np.diff(centres(np.stack([one.world_to_camera for one in around])), axis=0), axis=1)
    assert 0 < steps[-1] < 3 * steps.mean()


def test_one_keyframe_gives_a_camera_that_does_not_move() -> None:
    rest = interpolate_cameras([view(1, 0.2)], 3)
    assert len(rest) == 3
    assert all(np.array_equal(one.world_to_camera, view(1, 0.2).world_to_camera) for one in rest)


def forward_facing() -> np.ndarray:
    generator = np.random.default_rng(0)
    positions = generator.uniform(-1, 1, (20, 3)) * [0.6, 0.3, 0.05]
    return np.stack([look_along(at, np.array([0, 0, 5.0]) - at, np.array([0, -1.0, 0])) for at in positions])


def test_the_spiral_stays_among_the_cameras_and_looks_ahead() -> None:
    poses = forward_facing()
    path = make_spiral(poses, focus=5.0, count=60)
    positions = centres(path)
    assert (np.abs(positions).max(axis=0) < [0.6, 0.3, 0.06]).all()
    assert np.ptp(positions[:, 0]) > 0.5
    target = np.concatenate([[0, 0, 5.0], [1]])
    seen = path.astype(np.float64) @ target
    assert np.abs(seen[:, :2]).max() < 0.15
    steps = np.linalg.norm(np.diff(np.concatenate([positions, positions[:1]]), axis=0), axis=1)
    assert steps[-1] < 2 * steps.mean()


def test_the_orbit_goes_round_the_object_and_sees_it() -> None:
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    at = np.stack([4 * np.cos(angles) + 1, np.full(12, -2.0), 4 * np.sin(angles)], axis=1)
    poses = np.stack([look_along(one, np.array([1.0, 0, 0]) - one, np.array([0, -1.0, 0])) for one in at])
    path = make_orbit(poses, (1.0, 0.0, 0.0), 36)
    offsets = centres(path) - [1.0, 0.0, 0.0]
    np.testing.assert_allclose(np.linalg.norm(offsets, axis=1), math.hypot(4, 2), rtol=0.02)
    assert (offsets[:, 1] < -1).all()  # above: y points down
    np.testing.assert_allclose(offsets.mean(axis=0)[[0, 2]], 0, atol=0.05)
    seen = path.astype(np.float64) @ [1.0, 0, 0, 1]
    np.testing.assert_allclose(seen[:, :2], 0, atol=1e-4)
    assert (seen[:, 2] > 0).all()


@pytest.mark.parametrize("count", [1, 9, 40])
def test_a_tour_stays_between_the_cameras_and_returns(count: int) -> None:
    """Half a walk around something, the photos in any order."""
    angles = np.random.default_rng(0).permutation(np.linspace(0, np.pi, count))
    at = np.stack([4 * np.cos(angles), np.zeros(count), 4 * np.sin(angles)], axis=1)
    poses = np.stack([look_along(one, -one, np.array([0, -1.0, 0])) for one in at]).astype(np.float32)
    path = make_tour(poses, 120)
    assert path.shape == (120, 3, 4)
    places = centres(path)
    apart = np.linalg.norm(places[:, None] - at[None], axis=-1)
    assert apart.min(axis=1).max() < 1.0
    assert apart.min(axis=0).max() < 1.0  # no part of the walk is left out
    steps = np.linalg.norm(np.diff(np.concatenate([places, places[:1]]), axis=0), axis=1)
    assert steps.max() < 0.6
    seen = path.astype(np.float64)[:, :, 3]
    np.testing.assert_allclose(seen[:, :2], 0, atol=0.3)  # it looks at the middle
    assert (seen[:, 2] > 3).all()
