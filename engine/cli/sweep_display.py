"""The display of `l2g-sweep`: a bar on a terminal, a line per run in a log."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from engine.lab.sweep.definition import SweptRun
from engine.lab.sweep.rows import Row
from engine.lab.sweep.runner import PreparedSweep
from engine.system.durations import format_duration


class SweepDisplay:
    """A context that shows the rows that come.

    Args:
        console: to show them on.
        sweep: of which.
        workers: how many runs are trained at a time.
    """

    def __init__(self, console: Console, sweep: PreparedSweep, workers: Callable[[], int]) -> None:
        self._console, self._sweep, self._workers = console, sweep, workers
        self._failed = 0
        self._earlier, self._ended, self._begun = list(sweep.rows.values()), list[Row](), time.monotonic()
        columns = (TextColumn("runs"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Progress(
            *columns, TextColumn("{task.fields[words]}"), console=console, disable=not console.is_terminal
        )
        self._task = self._bar.add_task("", total=len(sweep.runs), completed=len(sweep.rows), words="")

    def __enter__(self) -> SweepDisplay:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, row: Row) -> None:
        """Shows a row that has come."""
        self._failed += row.state == "failed"
        self._ended.append(row)
        elapsed = time.monotonic() - self._begun
        left = estimate_seconds_left(self._ended, self._earlier, self._sweep.waiting, self._workers(), elapsed)
        words = [f"{format_duration(left)} left"] if left is not None and self._sweep.waiting else []
        words += [f"{self._failed} failed"] if self._failed else []
        done = len(self._sweep.rows)
        self._bar.update(self._task, completed=done, words=", ".join([*words, row.run]))
        if not self._console.is_terminal:
            self._console.out(f"{done}/{len(self._sweep.runs)}  {row.run}: {describe(row)}", *words[:1], sep="  ")


def describe(row: Row) -> str:
    """What a run has come to, in a few words."""
    if row.state == "failed":
        return f"failed: {row.reason}"
    parts = []
    if row.rotation_mean_deg is not None:
        parts.append(f"pose {row.rotation_mean_deg:.2f}° {row.translation_mean or 0.0:.4f}")
    if row.corner_mean_px is not None:
        parts.append(f"corners {row.corner_mean_px:.2f} px")
    for psnr in (row.test_psnr, row.train_psnr):
        if psnr is not None:
            parts.append(f"{psnr:.2f} dB")
            break
    return "  ".join([*parts, f"{row.seconds or 0.0:.0f} s"])


KIND = ("scene", "field", "method", "assist")


def estimate_seconds_left(
    ended: Sequence[Row], earlier: Sequence[Row], waiting: Sequence[SweptRun], workers: int, elapsed: float
) -> float | None:
    """How long the rest takes, seconds; None where no run has finished yet.

    A network takes many times as long as a grid, and scenes differ as much: a run is expected to take as long as the
    finished ones of the same scene, field, method and help do on average, else as all. What the workers get done in a
    second is known from what they did; runs under way count as half done.

    Args:
        ended: rows that came since the command began.
        earlier: rows from before.
        waiting: runs that have not ended, those under way too.
        workers: how many runs are trained at a time.
        elapsed: seconds since the command began.
    """
    times: dict[tuple[object, ...], list[float]] = {}
    for row in (*ended, *earlier):
        if row.seconds is not None:
            times.setdefault(tuple(getattr(row, name) for name in KIND), []).append(row.seconds)
    done = sum(row.seconds or 0.0 for row in ended)
    if not done:
        return None
    usual = sum(map(sum, times.values())) / sum(map(len, times.values()))
    expected = {kind: sum(found) / len(found) for kind, found in times.items()}
    rest = sum(expected.get(tuple(run.values[name] for name in KIND), usual) for run in waiting)
    under_way = usual * min(workers - 1, len(waiting)) / 2  # one has just begun
    return max(rest - under_way, 0.0) * elapsed / (done + under_way)
