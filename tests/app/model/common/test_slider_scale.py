"""Log sliders: the way there and back, what they catch, what they show."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.model.common.slider_scale import (
    LAMBDA,
    MU,
    find_exponent,
    find_factor,
    find_fraction,
    format_value,
    snap_exponent,
)
from engine.config.settings import Settings


@given(st.floats(LAMBDA.lowest, LAMBDA.highest))
def test_the_text_says_the_value_to_three_digits(exponent: float) -> None:
    assert float(format_value(exponent)) == pytest.approx(10**exponent, rel=0.006)


def test_round_values_are_written_out() -> None:
    assert [format_value(x) for x in (2, 0, -2, 4, 6)] == ["100", "1", "0.01", "10000", "1.00e+06"]


@given(st.floats(LAMBDA.lowest, LAMBDA.highest))
def test_a_slider_follows_the_mouse_and_snaps_only_to_its_mark(exponent: float) -> None:
    stands = snap_exponent(exponent)
    assert abs(stands - exponent) <= 0.06
    assert stands == LAMBDA.default or abs(stands - exponent) <= 0.005 + 1e-9


@given(st.floats(0.1, 10.0))
def test_a_factor_survives_the_slider(factor: float) -> None:
    assert find_factor(find_exponent(factor)) == pytest.approx(factor, rel=0.05)


def test_the_middle_of_a_factor_slider_is_exactly_one_and_its_ends_hold() -> None:
    assert find_factor(0.0) == 1.0
    assert find_factor(0.004) == 1.0
    assert find_factor(find_exponent(1e9)) == 10.0
    assert find_factor(find_exponent(1e-9)) == 0.1


@given(st.floats(-100, 100))
def test_a_fraction_is_one(value: float) -> None:
    assert 0.0 <= find_fraction(value, -4, 6) <= 1.0


def test_the_defaults_are_those_of_the_settings_and_on_the_scale() -> None:
    assert LAMBDA.default == Settings().lambda_exponent
    assert MU.default == Settings().mu_exponent
    assert all(limits.lowest < limits.default < limits.highest for limits in (LAMBDA, MU))
