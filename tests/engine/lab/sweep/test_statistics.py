"""Intervals against published values and against scipy; what success is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binomtest

from engine.errors import UserError
from engine.lab.sweep.statistics import Success, bootstrap_interval, find_unmeasured_scenes, wilson_interval
from tests.support.runs.swept_runs import swept_row


@pytest.mark.parametrize(("successes", "trials"), [(0, 20), (1, 20), (13, 20), (20, 20), (3, 7), (81, 263), (1, 1)])
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_wilson_intervals_are_those_of_scipy(successes: int, trials: int, confidence: float) -> None:
    found = wilson_interval(successes, trials, confidence)
    expected = binomtest(successes, trials).proportion_ci(confidence, method="wilson")
    assert found == pytest.approx((successes / trials, expected.low, expected.high), abs=1e-12)


def test_a_wilson_interval_is_the_published_one() -> None:
    """R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3: 81 of 263 and 0 of 20."""
    assert wilson_interval(81, 263)[1:] == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson_interval(0, 20)[1:] == pytest.approx((0.0, 0.1611), abs=5e-5)


def test_of_no_trials_nothing_is_known() -> None:
    rate, low, high = wilson_interval(0, 0)
    assert math.isnan(rate)
    assert (low, high) == (0.0, 1.0)


def test_a_bootstrap_interval_of_a_mean_is_about_that_of_the_normal_distribution() -> None:
    values = np.random.default_rng(0).normal(5.0, 2.0, size=400)
    found = bootstrap_interval(values.tolist())
    half = 1.96 * values.std(ddof=1) / 20
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.15 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.15 * half)
    assert bootstrap_interval(values.tolist()) == found


def test_a_bootstrap_interval_of_two_groups_reaches_to_both() -> None:
    median = bootstrap_interval([0.1] * 11 + [90.0] * 9, np.median)
    assert median.value == 0.1
    assert (median.low, median.high) == (0.1, 90.0)
    assert all(math.isnan(number) for number in bootstrap_interval([]))


@pytest.mark.parametrize(
    ("changes", "by_errors", "by_verdict"),
    [
        ({"verdict": "registered"}, True, True),
        ({"rotation_mean_deg": 1.1, "verdict": "registered"}, False, True),
        ({"translation_share": 0.03, "verdict": "doubtful"}, False, False),
        ({"rotation_mean_deg": None, "verdict": "registered"}, False, True),
        ({"state": "failed", "verdict": "registered"}, False, False),
        ({"corner_mean_px": 0.9, "rotation_mean_deg": None, "verdict": "doubtful"}, True, False),
        ({"corner_mean_px": 1.1, "rotation_mean_deg": None, "verdict": "registered"}, False, True),
    ],
)
def test_what_success_is(changes: dict, by_errors: bool, by_verdict: bool) -> None:
    row = swept_row(**changes)
    assert Success()(row) is by_errors
    assert Success("verdict")(row) is by_verdict


def test_the_definition_is_a_sentence() -> None:
    words = Success(rotation_deg=0.5, translation_share=0.05, corner_px=2).explain(planar=True, cameras=True)
    for word in ("0.5°", "5 % of their spread", "2 px", "A run that failed has not succeeded"):
        assert word in words
    by_verdict = Success("verdict").explain(planar=True, cameras=True)
    assert "verdict" in by_verdict
    assert "px" not in by_verdict
    with pytest.raises(UserError, match="rotation deg of success is 0"):
        Success(rotation_deg=0)


def test_scenes_without_a_reference_are_named_where_success_is_by_errors() -> None:
    photos = swept_row("photos", scene="my/photos", rotation_mean_deg=None, translation_share=None)
    failed = swept_row("broken", scene="my/broken", state="failed", rotation_mean_deg=None)
    patches = swept_row("cat", scene="cat", rotation_mean_deg=None, corner_mean_px=3.0)
    rows = [swept_row("fern", scene="fern"), photos, failed, patches]
    assert find_unmeasured_scenes(rows, Success()) == ["my/photos"]
    assert find_unmeasured_scenes(rows, Success("verdict")) == []
