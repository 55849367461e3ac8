"""Moving a camera by hand: it goes where the sliders say, in its own axes."""

from __future__ import annotations

import math

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from app.model.perturb.camera_motion import (
    draw_random_twist,
    find_missing_motion,
    find_twist,
    make_motion,
    measure_spread,
)
from engine.geometry import se3
from engine.geometry.view_camera import centres
from tests.support.runs.history_rows import standing

ANGLE, SHIFT = st.floats(-60, 60), st.floats(-2, 2)
TRIPLES = st.tuples(ANGLE, ANGLE, ANGLE), st.tuples(SHIFT, SHIFT, SHIFT)


def kicked(pose: np.ndarray, moved: np.ndarray) -> np.ndarray:
    """What the engine makes of the twist."""
    rotation, translation = find_twist(moved)
    vector = torch.tensor([*rotation, *translation], dtype=torch.float64)
    return se3.compose(se3.exponential(vector), torch.from_numpy(pose.astype(np.float64))).numpy()


@given(*TRIPLES)
def test_the_engine_moves_the_centre_by_the_shift_in_the_cameras_axes(angles: tuple, shift: tuple) -> None:
    pose = se3.exponential(torch.tensor([0.3, -0.2, 0.5, 1.0, 2.0, 3.0], dtype=torch.float64)).numpy()
    after = kicked(pose, make_motion(angles, shift))
    step = centres(after[None])[0] - centres(pose[None])[0]
    assert np.allclose(pose[:, :3] @ step, shift, atol=1e-6)
    turned = math.degrees(math.acos(min(max((np.trace(after[:, :3] @ pose[:, :3].T) - 1) / 2, -1), 1)))
    assert math.isclose(turned, min(np.linalg.norm(angles), 360 - np.linalg.norm(angles)), abs_tol=1e-3)


def test_the_signs_are_those_of_the_tool_tips() -> None:
    pose = np.eye(3, 4)
    ahead = [kicked(pose, make_motion(angles, (0, 0, 0)))[2, :3] for angles in ((10, 0, 0), (0, 10, 0))]
    assert ahead[0][1] < -0.1  # rx tilts up: y is down
    assert ahead[1][0] > 0.1  # ry pans right
    right = kicked(pose, make_motion((0, 0, 10), (0, 0, 0)))[0, :3]
    assert right[1] > 0.1  # rz rolls clockwise: the right side goes down


@given(*TRIPLES, *TRIPLES)
def test_increments_of_a_drag_add_up_to_the_whole(angles: tuple, shift: tuple, others: tuple, other: tuple) -> None:
    first, second = make_motion(angles, shift), make_motion(others, other)
    pose = np.eye(3, 4)
    stepwise = kicked(kicked(pose, first), find_missing_motion(first, second))
    assert np.allclose(stepwise, kicked(pose, second), atol=1e-6)


def test_the_spread_is_a_length_also_where_all_cameras_stand_on_one_spot() -> None:
    assert math.isclose(measure_spread(standing()), math.sqrt(1.25), rel_tol=1e-6)
    assert measure_spread(np.tile(np.eye(3, 4, dtype=np.float32), (5, 1, 1)), near=2.0) == 0.1
    assert measure_spread(np.full((3, 3, 4), np.nan, np.float32)) == 0.05


def test_random_kicks_are_seeded_and_of_the_right_size() -> None:
    assert draw_random_twist(5.0, 0.1, 7) == draw_random_twist(5.0, 0.1, 7) != draw_random_twist(5.0, 0.1, 8)
    kicks = np.array([np.concatenate(draw_random_twist(5.0, 0.1, seed)) for seed in range(2000)])
    assert np.allclose(np.degrees(kicks[:, :3].std(axis=0)), 5.0, rtol=0.1)
    assert np.allclose(kicks[:, 3:].std(axis=0), 0.1, rtol=0.1)
