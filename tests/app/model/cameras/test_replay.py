"""Going back in a run's history."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from app.model.cameras.replay import TRAILS, interpolate_moment, interpolate_poses, make_trails
from engine.geometry import se3
from engine.geometry.view_camera import centres
from engine.run.history import History
from tests.support.runs.registered_scene import FRAMES, forward_facing, snapshot_of, state_of

twists = st.lists(st.floats(-2, 2), min_size=6, max_size=6)


def pose(twist: list[float]) -> np.ndarray:
    return se3.exponential(torch.tensor([twist], dtype=torch.float64)).numpy().astype(np.float32)


@given(twists, twists, st.floats(0, 1))
def test_poses_between_two_are_rigid_and_on_the_way(one: list[float], other: list[float], share: float) -> None:
    first, second = pose(one), pose(other)
    middle = interpolate_poses(first, second, share)
    rotation = middle[0, :, :3].astype(np.float64)
    assert np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-4)
    wanted = (1 - share) * centres(first) + share * centres(second)
    assert np.allclose(centres(middle), wanted, atol=1e-3)
    assert np.allclose(interpolate_poses(first, second, 0.0), first)
    assert np.allclose(interpolate_poses(first, second, 1.0), second, atol=1e-4)


def test_moments_lie_on_rows_between_them_and_never_beyond() -> None:
    state, _ = state_of(forward_facing(), share=1.0)
    rows = state.run.history.rows  # type: ignore[union-attr]
    assert np.allclose(interpolate_moment(rows, 2.0).poses, rows[2].poses, atol=1e-6)  # type: ignore[union-attr]
    assert np.allclose(interpolate_moment(rows, -5.0).poses, rows[0].poses)  # type: ignore[union-attr]
    assert np.allclose(interpolate_moment(rows, 99.0).poses, rows[-1].poses)  # type: ignore[union-attr]
    half = interpolate_moment(rows, 2.5)
    assert half is not None
    expected = (centres(rows[2].poses) + centres(rows[3].poses)) / 2
    assert np.allclose(centres(half.poses), expected, atol=1e-4)
    assert half.rotation_error_deg is not None
    assert interpolate_moment([], 1.0) is None


def long_history(frames: int, rows: int) -> History:
    history = History(limit=10_000)
    scene = forward_facing(frames)
    for row in range(rows):
        # nearly all of the way at once, then hardly anything for a long time
        history.record(snapshot_of(scene, min(row, 40) / 40 + 1e-5 * row, float(row)))
    return history


def test_trails_follow_the_way_in_even_steps_from_the_oldest_to_the_newest() -> None:
    history = long_history(FRAMES, 220)
    found = make_trails(history.rows)
    assert found is not None
    assert found.shape[0] == FRAMES
    assert found.shape[1] <= TRAILS.moments
    assert np.allclose(found[:, 0], centres(history.rows[0].poses), atol=1e-5)
    assert np.allclose(found[:, -1], centres(history.rows[-1].poses), atol=1e-4)
    steps = np.linalg.norm(np.diff(found, axis=1), axis=-1).mean(axis=0)
    assert steps.max() < 0.1 * steps.sum()
    early = make_trails(history.rows, until=20.0)
    assert early is not None
    assert np.allclose(early[:, -1], centres(history.rows[20].poses), atol=1e-5)


def test_trails_of_many_frames_stay_affordable() -> None:
    found = make_trails(long_history(200, 60).rows)
    assert found is not None
    assert found.shape[0] * found.shape[1] <= 1.1 * TRAILS.segments


def test_no_trail_without_movement() -> None:
    history = History()
    scene = forward_facing()
    history.record(snapshot_of(scene, 0.5, 0.0))
    assert make_trails(history.rows) is None
    history.record(snapshot_of(scene, 0.5, 1.0))
    assert make_trails(history.rows) is None
