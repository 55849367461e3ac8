"""Progress of a task with a known end: a bar on a terminal, elsewhere lines, which the window reads."""

from __future__ import annotations

import re

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

_LINE = re.compile(r"^\s*(\d{1,3}) %  (.*)$")


class StepDisplay:
    """A context that shows the progress of a task."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (TextColumn("{task.percentage:>3.0f} %"), BarColumn(), TextColumn("{task.description}"))
        self._bar = Progress(*columns, console=console, disable=not console.is_terminal)
        self._task = self._bar.add_task("", total=1.0)
        self._last_line = ""

    def __enter__(self) -> StepDisplay:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, fraction: float, what: str) -> None:
        """Shows the fraction done, in [0, 1], and the part under way; without a bar, a line for every percent."""
        self._bar.update(self._task, completed=fraction, description=what)
        words = f"{int(100 * min(max(fraction, 0.0), 1.0)):3d} %  {what}"
        if not self._console.is_terminal and words != self._last_line:
            self._last_line = words
            self._console.out(words)
            self._console.file.flush()


def read_line(line: str) -> tuple[float, str] | None:
    """The fraction and the part in a line of a `StepDisplay`; None for other lines."""
    match = _LINE.match(line)
    return (int(match[1]) / 100, match[2]) if match else None
