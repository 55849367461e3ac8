"""How an export reports its progress."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[float, str], None]
"""Called with the fraction done, in [0, 1], and the name of the part under way."""


def part_of(progress: Progress, start: float, end: float) -> Progress:
    """Progress of one part of an export, which takes it from `start` to `end`."""
    return lambda fraction, what: progress(start + fraction * (end - start), what)
