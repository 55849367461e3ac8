"""A schedule that is fitted to a time: simulated runs, whose steps take as long as the test says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from engine.config.rows import Stage
from engine.training.pacing import OPTIONS, Pacing, spread_time
from tests.support.runs.short_runs import stage, trainer

TABLE = (
    stage(4, 200, rays=1000, samples=10),
    stage(2, 100, rays=1000, samples=20),
    stage(1, 400, rays=2000, samples=20),
)


def simulate(
    limit: float, seconds: Callable[[int, int], float], table: tuple[Stage, ...] = TABLE
) -> tuple[list[int], float, tuple[Stage, ...]]:
    """Steps of each stage, seconds until the end of the schedule, and the last plan.

    `seconds` says what a step takes, by the stage and the iteration.
    """
    pacing, stages, clock, index, start, iteration = Pacing(table), table, 0.0, 0, 0, 0
    steps = [0] * len(table)
    while iteration < sum(each.iterations for each in stages):
        stages = pacing.fit(stages, index, iteration - start, iteration, limit - clock)
        if iteration - start >= stages[index].iterations and index + 1 < len(stages):
            index, start = index + 1, iteration
            continue
        clock += seconds(index, iteration)
        iteration += 1
        steps[index] += 1
    return steps, clock, stages


def proportional(index: int, iteration: int) -> float:
    return TABLE[index].cost * 1e-6


def test_a_short_run_takes_the_same_share_of_every_stage_and_ends_in_time():
    whole = sum(each.iterations * each.cost * 1e-6 for each in TABLE)
    steps, seconds, _ = simulate(whole / 2, proportional)
    assert seconds == pytest.approx(whole / 2 - OPTIONS.reserve, abs=0.1)
    for done, usual in zip(steps, TABLE, strict=True):
        assert done == pytest.approx(usual.iterations / 2, rel=0.1)


def test_a_long_run_gives_the_rest_to_the_last_stage():
    whole = sum(each.iterations * each.cost * 1e-6 for each in TABLE)
    steps, seconds, stages = simulate(3 * whole, proportional)
    assert steps[:2] == [200, 100]
    assert steps[2] > 1000
    assert seconds == pytest.approx(3 * whole - OPTIONS.reserve, abs=0.1)
    assert stages[2].settle == TABLE[2].settle


@pytest.mark.parametrize("last", [0.3, 3.0])
def test_a_last_stage_whose_steps_take_other_times_than_expected_still_ends_in_time(last):
    def seconds(index: int, iteration: int) -> float:
        return proportional(index, iteration) * (last if index == 2 else 1.0)

    _, taken, _ = simulate(12.0, seconds)
    assert taken == pytest.approx(12.0 - OPTIONS.reserve, abs=0.2)


def test_steps_that_wait_for_a_compilation_or_a_checkpoint_do_not_shorten_a_stage():
    def seconds(index: int, iteration: int) -> float:
        return proportional(index, iteration) + (3.0 if iteration in (0, 150) else 0.0)

    steps, taken, _ = simulate(30.0, seconds)
    assert steps[0] > 0.9 * TABLE[0].iterations
    assert taken == pytest.approx(30.0 - OPTIONS.reserve, abs=0.1)


def test_where_time_is_very_short_the_last_stage_is_left_out_and_its_time_goes_to_the_others():
    steps, seconds, _ = simulate(2.6, proportional)
    assert steps[2] == 0
    assert steps[0] >= 0.4 * TABLE[0].iterations
    assert steps[1] >= 0.4 * TABLE[1].iterations
    assert seconds == pytest.approx(2.6 - OPTIONS.reserve, abs=0.1)


def test_poses_stand_still_for_as_large_a_part_of_a_stage_as_usual():
    table = (*TABLE[:2], stage(1, 400, rays=2000, samples=20, settle=100))
    whole = sum(each.iterations * each.cost * 1e-6 for each in table)
    _, _, stages = simulate(whole / 2, proportional, table)
    assert stages[2].settle == pytest.approx(stages[2].iterations / 4, abs=2)


def test_a_stage_that_was_left_out_has_its_usual_steps_where_the_user_goes_on():
    pacing = Pacing(TABLE)
    out = (*TABLE[:2], replace(TABLE[2], iterations=0))
    assert pacing.fit(out, 2, 0, 300, 0.4) == TABLE


def test_after_the_limit_the_usual_schedule_holds_again():
    pacing = Pacing(TABLE)
    assert pacing.fit(TABLE, 0, 10, 10, -1.0) == TABLE


def test_spread_time_without_anything_usual_left_gives_all_to_the_last():
    assert spread_time([0, 0], [0.1, 0.5], 10.0) == [0, 20]


def test_a_trainer_ends_its_schedule_when_the_time_is_over_at_its_last_rates():
    made = trainer((stage(8, 50, rays=100), stage(4, 50, rays=100)))
    seconds, each = 0.0, 0.04  # as if a step took so long: time for half of the steps
    while not made.finished:
        made.fit_to_time(OPTIONS.reserve + 50 * each - seconds)
        made.step()
        seconds = each * made.iteration
    assert made.stage_index == 1
    assert made._stage_fraction == 1.0
    assert made.iteration == pytest.approx(50, abs=2)


def test_the_plan_of_a_limited_run_survives_a_checkpoint():
    limited, whole = trainer(), trainer()
    seconds = 0.0
    while limited.iteration < 30:
        limited.fit_to_time(OPTIONS.reserve + 5.0 - seconds)
        limited.step()
        seconds += 0.005
    assert limited.iterations != whole.iterations
    continued = trainer()
    continued.load_state(*limited.state())
    assert continued.iterations == limited.iterations  # not those of the usual schedule
    continued.fit_to_time(0.0)  # the limit is over: the user lets it go on as usual
    assert continued.iterations == whole.iterations
