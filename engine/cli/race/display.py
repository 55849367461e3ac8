"""The display of a race: a bar per contestant on a terminal, a line every few seconds in a log."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from engine.lab.race.definition import Race
from engine.lab.race.runner import Entrant
from engine.run.history import mean_of

_BAR_PERIOD, _LINE_PERIOD = 0.2, 5.0  # seconds


class RaceDisplay:
    """A context that shows how far each contestant is."""

    def __init__(self, console: Console, race: Race) -> None:
        self._console, self._race = console, race
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[words]}"))
        self._bar = Progress(*columns, console=console, disable=not console.is_terminal)
        self._tasks = [
            self._bar.add_task(contestant.name, total=None, words="preparing") for contestant in race.contestants
        ]
        self._shown_at = -math.inf

    def __enter__(self) -> RaceDisplay:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, entrants: Sequence[Entrant]) -> None:
        """To be called after each step: what is shown changes some times a second."""
        period = _BAR_PERIOD if self._console.is_terminal else _LINE_PERIOD
        if time.monotonic() - self._shown_at < period:
            return
        self._shown_at = time.monotonic()
        for entrant, task in zip(entrants, self._tasks, strict=True):
            done, total = self._progress(entrant)
            self._bar.update(task, completed=done, total=total, words=describe(entrant))
        if not self._console.is_terminal:
            self._console.out("  |  ".join(f"{one.contestant.name}: {describe(one)}" for one in entrants))

    def _progress(self, entrant: Entrant) -> tuple[float, float | None]:
        if self._race.max_seconds is not None:
            return entrant.session.seconds, self._race.max_seconds
        trainer = entrant.session.trainer
        return entrant.standing.iterations, None if trainer is None else trainer.iterations


def describe(entrant: Entrant) -> str:
    """Iterations, seconds, errors, PSNR; or that it failed: the table says why."""
    session = entrant.session
    if session.error is not None:
        return "failed"
    trainer, rows = session.trainer, session.history.rows
    if trainer is None or not rows:
        return "preparing"
    parts, last = [f"{trainer.iteration}/{trainer.iterations}", f"{session.seconds:.1f} s"], rows[-1]
    if last.rotation_error_deg is not None:
        parts.append(f"pose {mean_of(last.rotation_error_deg):.2f}° {mean_of(last.translation_error):.4f} units")
    if last.corner_error_px is not None:
        parts.append(f"corners {mean_of(last.corner_error_px[1:]):.2f} px")
    if math.isfinite(last.psnr):
        parts.append(f"{last.psnr:.2f} dB")
    return "  ".join([*parts, trainer.doing] if trainer.doing else parts)
