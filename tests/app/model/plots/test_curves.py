"""Curves: few points that still show every extreme, in order; what is unknown is left out."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.model.plots.curves import (
    MOST_DECADES,
    MOST_POINTS,
    Curve,
    choose_log_ticks,
    choose_ticks_about_zero,
    decimate_curve,
    find_limits,
    find_row_at,
    make_curves,
)
from tests.support.runs.history_rows import row


@given(st.integers(1, 5000), st.integers(4, 700), st.integers(0, 2**31))
def test_decimation_keeps_extremes_ends_and_order(count: int, limit: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    curve = Curve(np.cumsum(generator.random(count)), generator.standard_normal(count) ** 3)
    few = decimate_curve(curve, limit)
    assert len(few.x) <= max(limit, 4)
    assert (np.diff(few.x) > 0).all()
    assert (few.x[0], few.x[-1]) == (curve.x[0], curve.x[-1])
    if limit >= 6:
        assert (few.y.min(), few.y.max()) == (curve.y.min(), curve.y.max())
    assert set(zip(few.x, few.y, strict=True)) <= set(zip(curve.x, curve.y, strict=True))


def test_a_spike_of_one_row_among_many_is_drawn() -> None:
    rows = [row(i, photometric=9.0 if i == 3333 else 0.01) for i in range(5000)]
    drawn = make_curves(rows, "iterations", False, 0)["photometric"]
    assert len(drawn.x) <= MOST_POINTS
    assert drawn.x[drawn.y == 9.0].tolist() == [3333]


def test_the_selected_frame_has_a_curve_of_its_own() -> None:
    rows = [row(i) for i in range(10)]
    found = make_curves(rows, "seconds", True, 2)
    assert np.allclose(found["rotation frame"].y, 3.0)
    assert np.allclose(found["rotation mean"].y, 2.5)
    assert np.allclose(found["rotation max"].y, 4.0)
    assert np.allclose(found["translation frame"].y, 0.03)
    assert found["psnr"].x[-1] == 4.5  # seconds


def test_without_a_reference_there_are_no_error_curves() -> None:
    found = make_curves([row(i, error=None) for i in range(5)], "seconds", True, 0)
    assert len(found["rotation mean"].x) == 0
    assert len(found["psnr"].x) == 5


def test_alignment_is_drawn_as_it_enters_the_loss_and_only_where_there_is_one() -> None:
    assert np.allclose(make_curves([row(0), row(1)], "seconds", True, 0)["alignment"].y, 1e-4)
    assert len(make_curves([row(0, alignment=0.0)], "seconds", False, 0)["alignment"].x) == 0


def test_what_is_unknown_or_not_positive_is_left_out() -> None:
    rows = [row(0, photometric=float("nan")), row(1, photometric=0.0), row(2)]
    assert make_curves(rows, "iterations", True, 0)["photometric"].x.tolist() == [2]
    assert make_curves(rows, "iterations", False, 0)["photometric"].x.tolist() == [1, 2]
    assert make_curves([], "seconds", True, 0) == {}


def test_the_row_of_a_moment_is_the_last_one_before_it() -> None:
    rows = [row(i) for i in (0, 2, 4)]  # at 0, 1, 2 seconds
    assert [find_row_at(rows, s) for s in (-1.0, 0.0, 0.9, 1.0, 99.0)] == [0, 0, 0, 1, 2]


@given(st.lists(st.floats(1e-8, 1e4), min_size=1, max_size=20), st.booleans())
def test_limits_hold_everything_with_air_around(values: list[float], logarithmic: bool) -> None:
    ends = find_limits([Curve(np.arange(len(values)), np.array(values)), Curve()], logarithmic)
    assert ends is not None
    lowest = max(min(values), max(values) / 10**MOST_DECADES) if logarithmic else min(values)
    assert ends[0] < lowest <= max(values) < ends[1]
    assert not logarithmic or ends[0] > 0


def test_what_is_zero_but_for_rounding_leaves_the_others_their_room() -> None:
    ends = find_limits([Curve(np.arange(3), np.array([0.4, 2.0, 1e-16]))], True)
    assert ends is not None
    assert 1e-7 < ends[0] < 2e-6


@given(st.floats(1e-9, 1e3), st.floats(1.3, 1e9))
def test_log_ticks_are_round_few_and_inside(low: float, ratio: float) -> None:
    ticks = choose_log_ticks(low, low * ratio)
    assert len(ticks) <= 4
    assert all(low <= tick <= low * ratio for tick in ticks)
    assert ratio < 3 or len(ticks) >= 1


def test_nothing_has_no_limits() -> None:
    assert find_limits([], True) is None
    assert find_limits([Curve()], False) is None


def test_tracks_have_curves_of_their_own() -> None:
    known = dataclasses.replace(
        row(5, error=None),
        reprojection_px=np.array([0.5, 1.0, np.nan, 3.0], np.float32),
        track_share=np.array([0.9, 1.0, np.nan, 0.2], np.float32),
        match_loss=0.02,
        mu_exponent=-1.0,
    )
    found = make_curves([row(0, error=None), known], "iterations", True, 3)
    assert found["reprojection mean"].x.tolist() == [5]
    assert np.allclose([found[f"reprojection {kind}"].y[0] for kind in ("mean", "max", "frame")], [1.5, 3.0, 3.0])
    assert np.allclose([found[f"fit {kind}"].y[0] for kind in ("mean", "min", "frame")], [70, 20, 20])
    assert np.allclose(found["matches"].y, 2e-3)
    assert len(make_curves([row(0)], "iterations", True, 0)["matches"].x) == 0


@pytest.mark.parametrize(
    ("farthest", "largest"), [(20.0, 20.0), (8.73, 5.0), (0.2, 0.2), (199.9, 100.0), (45.0, 20.0)]
)
def test_ticks_about_zero_are_round_and_inside(farthest: float, largest: float) -> None:
    ticks = choose_ticks_about_zero(farthest)
    assert ticks == pytest.approx([-largest, -largest / 2, 0.0, largest / 2, largest])
