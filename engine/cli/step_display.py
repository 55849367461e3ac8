"""Progress of something with a known end: a bar on a terminal, lines that people and programs can read elsewhere."""

from __future__ import annotations

import re

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

LINE = re.compile(r"^\s*(\d{1,3}) %  (.*)$")


class StepDisplay:
    """A context that shows how far something is."""

    def __init__(self, console: Console) -> None:
        self._console = console
        columns = (TextColumn("{task.percentage:>3.0f} %"), BarColumn(), TextColumn("{task.description}"))
        self._bar = Progress(*columns, console=console, disable=not console.is_terminal)
        self._task = self._bar.add_task("", total=1.0)
        self._said = ""

    def __enter__(self) -> StepDisplay:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, fraction: float, what: str) -> None:
        """Brings the display up to date; where there is no bar, a line for every whole per cent."""
        self._bar.update(self._task, completed=fraction, description=what)
        words = f"{int(100 * min(max(fraction, 0.0), 1.0)):3d} %  {what}"
        if not self._console.is_terminal and words != self._said:
            self._said = words
            self._console.out(words)
            self._console.file.flush()


def read_line(line: str) -> tuple[float, str] | None:
    """Fraction and words of such a line; None where it is another one."""
    match = LINE.match(line)
    return (int(match[1]) / 100, match[2]) if match else None
