"""The display of the command line during a run: a bar on a terminal, a line every few seconds in a log."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from engine.config.rows import AnyStage
from engine.messages import Snapshot
from engine.run.history import mean_of
from engine.system.durations import format_duration

_LINE_PERIOD = 5.0  # seconds between lines, where no bar can be drawn
_RATE_MEMORY = 5.0  # seconds over which iterations per second are smoothed


class ProgressDisplay:
    """A context that shows snapshots of a run."""

    def __init__(self, console: Console, stages: Sequence[AnyStage], max_seconds: float | None = None) -> None:
        self._console, self._stages, self._max_seconds = console, stages, max_seconds
        columns = (TextColumn("{task.fields[stage]:>9}"), BarColumn(), TextColumn("{task.fields[numbers]}"))
        self._bar = Progress(*columns, console=console, disable=not console.is_terminal)
        self._task = self._bar.add_task("", total=None, stage="", numbers="preparing")
        self._before: Snapshot | None = None
        self._rate = math.nan
        self._psnr = math.nan
        self._line_at = -math.inf

    def __enter__(self) -> ProgressDisplay:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, snapshot: Snapshot) -> None:
        """Shows a snapshot."""
        if snapshot is self._before:
            return
        self._rate = updated_rate(self._rate, self._before, snapshot)
        if math.isfinite(snapshot.psnr):  # it is not at the beginning of a stage
            self._psnr = snapshot.psnr
        self._before = snapshot
        left = seconds_left(snapshot, self._stages, self._rate, self._max_seconds)
        numbers = describe(snapshot, self._psnr, self._rate, left)
        total = snapshot.iterations or None
        self._bar.update(self._task, completed=snapshot.iteration, total=total, stage=snapshot.stage, numbers=numbers)
        if not self._console.is_terminal and time.monotonic() - self._line_at >= _LINE_PERIOD and snapshot.stage:
            self._line_at = time.monotonic()
            self._console.out(f"{snapshot.seconds:7.1f} s  {snapshot.stage:>9}  {numbers}")


def describe(snapshot: Snapshot, psnr: float, rate: float, left: float) -> str:
    """Iteration, PSNR, pose error, iterations per second (or what is done instead) and time left, in one line."""
    beyond = snapshot.iteration > snapshot.iterations > 0  # of a schedule that has ended
    parts = [f"{snapshot.iteration}" if beyond else f"{snapshot.iteration}/{snapshot.iterations}"]
    if math.isfinite(psnr):
        parts.append(f"{psnr:.2f} dB")
    if snapshot.rotation_error_deg is not None and snapshot.translation_error is not None:
        rotation, translation = mean_of(snapshot.rotation_error_deg), mean_of(snapshot.translation_error)
        parts.append(f"pose {rotation:.2f}° {translation:.4f}")
    if snapshot.planar is not None:
        parts.append(f"corners {np.mean(snapshot.planar.corner_error_px):.2f} px")
    if snapshot.doing:
        parts.append(snapshot.doing)
    elif math.isfinite(rate):
        parts.append(f"{rate:.1f} it/s")
    if math.isfinite(left) and not snapshot.doing:
        parts.append(f"ETA {format_duration(left)}")
    if snapshot.skipped_steps:
        parts.append(f"{snapshot.skipped_steps} steps left out")
    return "  ".join(parts)


def updated_rate(rate: float, before: Snapshot | None, now: Snapshot) -> float:
    """Iterations per second, smoothed over some seconds of one stage; NaN while unknown, and after cameras were
    adjusted: what is done in place of optimising says nothing of how fast that is."""
    if before is None or before.stage_index != now.stage_index:
        return math.nan
    if (now.doing or before.doing) and now.iteration <= before.iteration + 1:
        return math.nan
    seconds = now.seconds - before.seconds
    if seconds <= 0:
        return rate
    if before.iteration == 0:
        return rate  # the first step includes the compilation of kernels
    found = (now.iteration - before.iteration) / seconds
    keep = math.exp(-seconds / _RATE_MEMORY) if math.isfinite(rate) else 0.0
    return keep * rate + (1 - keep) * found if keep else found


def seconds_left(snapshot: Snapshot, stages: Sequence[AnyStage], rate: float, max_seconds: float | None) -> float:
    """Seconds until the end of the schedule or the time limit; NaN while unknown.

    The seconds per step of a later stage are estimated from those of this one, in proportion to `Stage.cost`.
    """
    limit = math.inf if max_seconds is None else max(max_seconds - snapshot.seconds, 0.0)
    if not math.isfinite(rate) or rate <= 0 or snapshot.stage_index >= len(stages):
        return limit if math.isfinite(limit) else math.nan
    now = stages[snapshot.stage_index].cost
    ends = [
        *itertools.accumulate(stage.iterations for stage in stages[:-1]),
        math.inf,
    ]  # the last stage may be extended
    at, left = float(snapshot.iteration), 0.0
    for stage, end in list(zip(stages, ends, strict=True))[snapshot.stage_index :]:
        until = min(end, snapshot.iterations)
        left += max(until - at, 0) * stage.cost / now / rate
        at = max(at, until)
    return min(left, limit)
