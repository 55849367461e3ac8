"""Pictures are as fine as there is time for, and those that no one waits for take their share and no more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.render.scheduling.effort import COMPLETE, EFFORTS
from app.render.scheduling.quality import Allowance, Quality
from app.render.scheduling.timing import TIMING

PIXELS = 640 * 480


def drawn(quality: Quality, rate: float, pictures: int = 30) -> list[int]:
    """Levels of pictures drawn one after the other on a machine that takes `rate` seconds per pixel of cost 1."""
    levels = []
    for _ in range(pictures):
        effort = quality.choose(PIXELS)
        quality.record(effort, PIXELS, rate * PIXELS * effort.cost)
        levels.append(quality.level)
    return levels


def test_efforts_go_from_fine_to_coarse() -> None:
    costs = [effort.cost for effort in EFFORTS]
    assert costs == sorted(costs, reverse=True)
    assert EFFORTS[0] == COMPLETE


def assert_settled(quality: Quality, rate: float, levels: list[int]) -> None:
    """Pictures are in time, or as coarse as can be; the next finer ones would not clearly be; and they stay so."""
    assert len(set(levels[-10:])) == 1
    seconds = [rate * PIXELS * effort.cost for effort in EFFORTS]
    level = levels[-1]
    assert seconds[level] <= quality.target * 1.001 or level == len(EFFORTS) - 1
    assert level == 0 or seconds[level - 1] > TIMING.finer_below * quality.target * 0.999


rates = st.floats(1e-12, 1e-4)


@given(rates)
def test_it_settles(rate: float) -> None:
    quality = Quality()
    assert_settled(quality, rate, drawn(quality, rate))


@given(rates, rates)
def test_it_follows_a_machine_that_gets_busy_or_free(before: float, after: float) -> None:
    quality = Quality()
    drawn(quality, before)
    assert_settled(quality, after, drawn(quality, after, 60))


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.001, 0.5)), min_size=20, max_size=60))
def test_an_allowance_gives_its_share(steps: list[tuple[float, float]]) -> None:
    allowance, now, spent = Allowance(share=0.2), 0.0, 0.0
    for pause, work in steps:
        now += pause
        if allowance.update(now) > 0:
            now += work
            spent += work
            allowance.spend(work, now)
    assert spent <= 0.2 * now + 0.5 + 0.5  # what was saved at the start, and the last piece
    assert allowance.update(now + (TIMING.most_debt + 0.01) / 0.2) > 0  # the debt is paid off


def test_a_clock_that_goes_back_earns_nothing() -> None:
    allowance = Allowance()
    assert allowance.update(10.0) == pytest.approx(0.5)
    allowance.spend(0.3, 10.0)
    assert allowance.update(9.0) == pytest.approx(0.2)
