"""Whether what shall be drawn is what was uploaded last."""

from __future__ import annotations

from typing import Any


class Remembered:
    """The inputs of the last upload.

    Values are the same where they are equal, arrays where they are the same object: nobody writes to them.
    """

    def __init__(self) -> None:
        self._inputs: tuple[Any, ...] | None = None

    def changed(self, *inputs: Any) -> bool:
        """Whether these are others than the last time; they are remembered."""
        before, self._inputs = self._inputs, inputs
        return before is None or len(before) != len(inputs) or not all(map(_same, before, inputs))


def _same(before: Any, now: Any) -> bool:
    if before is now:
        return True
    try:
        return hash(before) == hash(now) and before == now
    except TypeError:  # arrays, and what is made of them
        return False
