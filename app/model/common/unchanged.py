"""Whether inputs are those of the last call, so that work for them can be left out."""

from __future__ import annotations

from typing import Any


class Remembered:
    """Keeps the inputs of the last call.

    Arrays, which are never written to, are the same where they are one object; other values where they are equal.
    """

    def __init__(self) -> None:
        self._inputs: tuple[Any, ...] | None = None

    def changed(self, *inputs: Any) -> bool:
        """Whether these inputs differ from those of the last call; they are kept for the next."""
        before, self._inputs = self._inputs, inputs
        return before is None or len(before) != len(inputs) or not all(map(_same, before, inputs))


def _same(before: Any, now: Any) -> bool:
    if before is now:
        return True
    try:
        return hash(before) == hash(now) and before == now
    except TypeError:  # arrays, and what contains arrays
        return False
