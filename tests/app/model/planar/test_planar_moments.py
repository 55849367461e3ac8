"""A planar run at an earlier moment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.model.planar.planar_moments import interpolate_moment, make_trails
from tests.support.runs.history_rows import row
from tests.support.runs.planar_runs import planar, shifted

REFERENCE = np.stack([shifted(0, 0), shifted(50, 0)])


def rows(*shifts: float) -> list:
    """One every half second, in which the second patch is so far to the right of where it belongs."""
    found = []
    for iteration, shift in enumerate(shifts):
        corners = REFERENCE.astype(np.float32).copy()
        corners[1, :, 0] += shift
        found.append(replace(row(iteration), corners=corners))
    return found


def test_between_two_rows_corners_go_straight_and_the_error_with_them() -> None:
    now = planar(REFERENCE, REFERENCE)
    found = interpolate_moment(rows(40, 20, 0), 0.25, now)
    assert found is not None
    assert found.corner_error_px.tolist() == pytest.approx([0, 30])
    np.testing.assert_allclose(found.corners[1], REFERENCE[1] + (30, 0))
    for seconds, error in ((-1.0, 40), (0.5, 20), (9.0, 0)):
        earlier = interpolate_moment(rows(40, 20, 0), seconds, now)
        assert earlier is not None
        assert earlier.corner_error_px[1] == pytest.approx(error)


def test_without_rows_there_is_no_past() -> None:
    now = planar(REFERENCE, REFERENCE)
    assert interpolate_moment([], 1.0, now) is None
    assert interpolate_moment([row(0), row(1)], 0.2, now) is None  # of cameras


def test_trails_are_the_ways_of_the_middles_until_a_time() -> None:
    found = make_trails(rows(40, 20, 0))
    assert found is not None
    np.testing.assert_allclose(found[1], [(110, 15), (90, 15), (70, 15)])
    until = make_trails(rows(40, 20, 0), 0.5)
    assert until is not None
    assert until.shape == (2, 2, 2)
    assert make_trails(rows(40)) is None
