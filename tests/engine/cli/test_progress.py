"""The display of the command line during a run."""

from __future__ import annotations

import dataclasses
import io
import math
from typing import Any

import pytest
from rich.console import Console

from engine.cli.progress import ProgressDisplay, describe, format_duration, seconds_left, updated_rate
from engine.config.rows import Stage
from engine.config.settings import Settings
from engine.messages import Snapshot
from engine.run.snapshots import starting_snapshot
from tests.support.runs.fake_trainer import tiny_scene


def stage(iterations: int, rays: int, samples: int) -> Stage:
    return Stage(1, iterations, rays, samples, False, (1.0, 1.0), (1.0, 1.0), 0.0, name="s", downsample=1, voxels=1)


STAGES = (stage(100, 10, 10), stage(50, 20, 20))


def moment(**changes: Any) -> Snapshot:
    known = {"status": "running", "stage": "1/4", "iterations": 150} | changes
    return dataclasses.replace(starting_snapshot(tiny_scene(), Settings()), **known)


def test_the_time_left_depends_on_the_samples_of_the_stages() -> None:
    snapshot = moment(iteration=60)
    assert seconds_left(snapshot, STAGES, 10.0, None) == pytest.approx(4.0 + 50 * 4 / 10)
    assert seconds_left(moment(iteration=120, stage_index=1), STAGES, 10.0, None) == pytest.approx(3.0)
    assert seconds_left(moment(iteration=60, seconds=9.0), STAGES, 10.0, 10.0) == pytest.approx(1.0)
    assert seconds_left(moment(iteration=60, iterations=80), STAGES, 10.0, None) == pytest.approx(2.0)
    assert math.isnan(seconds_left(snapshot, STAGES, float("nan"), None))


def test_the_time_left_includes_the_extension_for_added_photos() -> None:
    late = moment(iteration=150, iterations=450, stage_index=1)
    assert seconds_left(late, STAGES, 10.0, None) == pytest.approx(30.0)


def test_the_rate_is_measured_anew_in_every_stage() -> None:
    before, now = moment(iteration=10, seconds=1.0), moment(iteration=20, seconds=2.0)
    assert updated_rate(math.nan, before, now) == pytest.approx(10.0)
    assert 10.0 < updated_rate(20.0, before, now) < 20.0
    assert math.isnan(updated_rate(20.0, before, dataclasses.replace(now, stage_index=1)))
    assert math.isnan(updated_rate(math.nan, moment(), now))  # the first step compiles and warms up


def test_a_line_has_the_most_important_numbers() -> None:
    line = describe(moment(iteration=60, skipped_steps=2), 21.5, 10.0, 75.0)
    assert line.startswith("60/150  21.50 dB  pose ")
    assert line.endswith("10.0 it/s  ETA 1:15  2 steps left out")
    bare = describe(dataclasses.replace(moment(), rotation_error_deg=None), math.nan, math.nan, math.nan)
    assert bare == "0/150"


def test_clock() -> None:
    assert [format_duration(seconds) for seconds in (0, 59.6, 3599, 3661)] == ["0:00", "1:00", "59:59", "1:01:01"]


@pytest.mark.parametrize("terminal", [True, False])
def test_it_shows_on_a_terminal_and_in_a_log(terminal: bool) -> None:
    text = io.StringIO()
    console = Console(file=text, force_terminal=terminal, width=100)
    with ProgressDisplay(console, STAGES) as display:
        for iteration in (0, 40, 90):
            display.show(moment(iteration=iteration, seconds=iteration / 10, psnr=20.0))
    assert "20.00 dB" in text.getvalue()
    assert ("\x1b[" in text.getvalue()) == terminal
    if not terminal:
        assert text.getvalue().count("\n") == 1  # lines in a log are rare


def test_what_is_done_in_place_of_optimising_is_said_in_place_of_the_speed() -> None:
    adjusting = moment(iteration=50, seconds=9.0, doing="adjusting cameras at 1/4: step 7 of 20")
    words = describe(adjusting, 20.0, 10.0, 30.0)
    assert "step 7 of 20" in words
    assert "it/s" not in words
    before = moment(iteration=50, seconds=5.0, doing=adjusting.doing)
    assert math.isnan(updated_rate(10.0, before, adjusting))
    after = moment(iteration=70, seconds=11.0)
    assert updated_rate(math.nan, adjusting, after) == pytest.approx(10.0)


def test_beyond_the_end_of_the_schedule_there_is_no_end_to_count_to() -> None:
    assert describe(moment(iteration=200, seconds=9.0), 20.0, 10.0, math.nan).startswith("200  20.00 dB")
