"""Which pairs of photos are matched. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from engine.sfm.events import Pair
from engine.sfm.quick.options import OPTIONS


def choose_pairs(photos: int) -> list[Pair]:
    """The pairs (first < second) to match, ascending: all of a few photos; of many, each with the next few and with
    others at distances that double."""
    if photos <= OPTIONS.exhaustive_photos:
        return list(combinations(range(photos), 2))
    steps = [*range(1, 6), *(2**power for power in range(3, photos.bit_length()))]
    return sorted((first, first + step) for step in steps for first in range(photos - step))


def split_pairs(pairs: Sequence[Pair], size: int) -> Iterator[list[Pair]]:
    """The pairs in parts of at most `size`."""
    for start in range(0, len(pairs), size):
        yield list(pairs[start : start + size])
