"""The cameras of several runs in one world."""

from __future__ import annotations

import numpy as np

from app.model.cameras.contestants import place_contestants
from app.model.cameras.drawn_reference import Gauge, invert_gauge, move_points, move_poses
from tests.support.runs.sfm_events import cameras

FRAMES = 6


def random_gauge(seed: int) -> Gauge:
    numbers = np.random.default_rng(seed)
    turn, _ = np.linalg.qr(numbers.normal(size=(3, 3)))
    turn *= np.sign(np.linalg.det(turn))
    return Gauge(float(np.exp(numbers.uniform(-1, 1))), turn, numbers.normal(size=3))


def test_an_inverted_gauge_takes_back_what_the_gauge_does() -> None:
    points = np.random.default_rng(1).normal(size=(5, 3))
    gauge = random_gauge(2)
    assert np.allclose(move_points(move_points(points, gauge), invert_gauge(gauge)), points)


def test_cameras_that_agree_lie_on_each_other_whatever_their_worlds() -> None:
    fitted = cameras(FRAMES).astype(np.float64)
    others = [(move_poses(fitted, random_gauge(seed)), colour) for seed, colour in ((1, "#ff0000"), (2, "#00ff00"))]
    for reference in (None, move_poses(fitted, random_gauge(3))):
        placed = place_contestants(fitted, others, reference)
        assert placed is not None
        assert np.allclose(placed.poses, np.concatenate([fitted, fitted]), atol=1e-3)
        assert np.allclose(placed.colours[0, :3], (1, 0, 0))
        assert np.allclose(placed.colours[-1, :3], (0, 1, 0))


def test_a_run_that_some_frames_have_not_joined_yet_is_left_out() -> None:
    fitted = cameras(FRAMES).astype(np.float64)
    assert place_contestants(fitted, [(fitted[:-1], "#ffffff")], None) is None


def test_cameras_that_all_stand_in_one_place_can_be_placed() -> None:
    fitted = cameras(FRAMES).astype(np.float64)
    start = np.tile(np.eye(3, 4), (FRAMES, 1, 1))
    placed = place_contestants(start, [(start, "#ffffff"), (fitted, "#ffffff")], fitted)
    assert placed is not None
    assert np.isfinite(placed.poses).all()
    assert np.allclose(placed.poses[:FRAMES], start, atol=1e-4)
