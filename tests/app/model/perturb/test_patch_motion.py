"""Moving a patch by numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.model.perturb.patch_motion import PatchMotion, draw_random_motion, move_patch
from app.model.planar.patch_handles import is_convex, make_perturb_command
from tests.support.runs.planar_runs import shifted


def test_each_family_makes_the_motions_that_it_can() -> None:
    corners = shifted(30, 25)
    motion = PatchMotion((3.0, -4.0), 90.0, ((1.0, 0.0), (0.0, 0.0), (0.0, 2.0), (0.0, 0.0)))
    middle = corners.mean(axis=0)
    np.testing.assert_allclose(move_patch(corners, motion, "translation"), corners + np.array((3, -4)))
    np.testing.assert_allclose(move_patch(corners, motion, "rotation").mean(axis=0), middle)
    rigid = move_patch(corners, motion, "rigid")
    np.testing.assert_allclose(rigid[0], middle + np.array((15, -20)) + np.array((3, -4)))
    np.testing.assert_allclose(move_patch(corners, motion, "homography") - rigid, motion.bend)


def test_nothing_to_do_is_not_a_kick() -> None:
    assert not PatchMotion()
    assert PatchMotion(turn_deg=1.0)
    assert PatchMotion(bend=((0.0, 0.0), (0.0, 1.0), (0.0, 0.0), (0.0, 0.0)))


@given(st.integers(0, 10_000), st.floats(0, 40))
def test_random_motions_never_fold_a_patch(seed: int, bend: float) -> None:
    motion = draw_random_motion(10.0, 20.0, bend, seed)
    assert is_convex(move_patch(shifted(0, 0), motion, "homography"))
    assert motion == draw_random_motion(10.0, 20.0, bend, seed)
    assert motion != draw_random_motion(10.0, 20.0, bend, seed + 1)


def test_random_motions_have_the_size_that_is_asked_for() -> None:
    motions = [draw_random_motion(10.0, 5.0, 2.0, seed) for seed in range(400)]
    assert np.std([motion.shift for motion in motions]) == pytest.approx(10, rel=0.15)
    assert np.std([motion.turn_deg for motion in motions]) == pytest.approx(5, rel=0.15)
    assert np.std([motion.bend for motion in motions]) == pytest.approx(2, rel=0.15)


def test_the_command_carries_the_corners() -> None:
    told = make_perturb_command(2, shifted(30, 25))
    assert told.frame == 2
    assert told.corners == ((30.0, 25.0), (70.0, 25.0), (70.0, 55.0), (30.0, 55.0))
