"""Drags on their way to the engine, and what a slider shows meanwhile."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from app.model.common.throttle import Confirmed, Throttle


@given(st.lists(st.floats(0.001, 0.2), min_size=1, max_size=60))
def test_the_rate_is_limited_and_the_last_value_is_always_passed_on(pauses: list[float]) -> None:
    throttle: Throttle[int] = Throttle(1 / 15)
    now, arrived = 0.0, []
    for value, pause in enumerate(pauses):
        now += pause
        throttle.offer(value)
        taken = throttle.take(now)
        if taken is not None:
            arrived.append((now, taken))
    last = throttle.take(now + 1.0)
    values = [value for _, value in arrived] + ([last] if last is not None else [])
    assert values[-1] == len(pauses) - 1
    assert values == sorted(values)
    assert all(b - a >= 1 / 15 for (a, _), (b, _) in itertools.pairwise(arrived))


def test_a_value_is_taken_once() -> None:
    throttle: Throttle[float] = Throttle(0.1)
    throttle.offer(3.0)
    assert throttle.take(0.0) == 3.0
    assert throttle.take(5.0) is None


def test_a_slider_does_not_jump_back_before_the_engine_confirms() -> None:
    slider = Confirmed()
    assert slider.shown(2.0, None, 0.0) == 2.0
    assert slider.shown(2.0, 3.5, 0.1) == 3.5  # held
    slider.send(3.5, 0.1)
    assert slider.shown(2.0, None, 0.2) == 3.5  # let go, not confirmed yet
    assert slider.shown(3.5, None, 0.3) == 3.5  # confirmed
    assert slider.shown(1.0, None, 0.4) == 1.0  # it was changed elsewhere


def test_what_the_engine_refuses_goes_back() -> None:
    slider = Confirmed(patience=2.0)
    slider.send(99.0, 0.0)
    assert slider.shown(2.0, None, 1.9) == 99.0
    assert slider.shown(2.0, None, 2.1) == 2.0
