"""Which pairs of photos are matched. Pure functions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import combinations
from typing import TypeVar

import numpy as np
from jaxtyping import Bool, Float

from engine.sfm.events import Pair
from engine.sfm.quick.connections import find_largest_group
from engine.sfm.quick.options import OPTIONS

One = TypeVar("One")


def choose_pairs(photos: int, similarity: Float[np.ndarray, "photos photos"] | None = None) -> list[Pair]:
    """The pairs (first < second) to match, ascending.

    Of a few photos all; of many each with the next few, with others at distances that double, and with those that are
    most similar to it.

    Args:
        photos: how many, in the order in which they were taken.
        similarity: of all pairs; needed for more than `OPTIONS.exhaustive_photos`.
    """
    if photos <= OPTIONS.exhaustive_photos or similarity is None:
        return list(combinations(range(photos), 2))
    steps = [*range(1, OPTIONS.next_photos + 1)]
    while 2 * steps[-1] < photos:
        steps.append(2 * steps[-1])
    by_order = {(first, first + step) for step in steps for first in range(photos - step)}
    return sorted(by_order | find_most_similar(range(photos), similarity, OPTIONS.similar_photos))


def choose_first_photos(photos: int) -> list[int]:
    """The photos that are mapped before the others, ascending: neighbours in order, which overlap most likely; none
    of a few photos."""
    if photos < OPTIONS.first_from:
        return []
    step = max(photos // OPTIONS.first_steps, 1)
    return list(range(0, photos, step))[: OPTIONS.first_photos]


def find_most_similar(
    photos: Collection[int], similarity: Float[np.ndarray, "photos photos"], count: int
) -> set[Pair]:
    """The pairs of some photos with the `count` others that are most similar to each."""
    others = similarity.copy()
    np.fill_diagonal(others, -np.inf)
    pairs = set()
    for photo in photos:
        for other in np.argsort(-others[photo], kind="stable")[: min(count, len(others) - 1)].tolist():
            pairs.add((min(photo, other), max(photo, other)))
    return pairs


def find_unchecked(
    overlapping: Bool[np.ndarray, "photos photos"],
    checked: Collection[Pair],
    similarity: Float[np.ndarray, "photos photos"] | None,
) -> list[Pair]:
    """Pairs that were not matched, of photos that do not belong to the largest group: with all others, or, of many
    photos, with those that are most similar.

    Args:
        overlapping: pairs whose matches agree, symmetric.
        checked: pairs that were matched.
        similarity: of all pairs; None for few photos.
    """
    count = len(overlapping)
    alone = np.nonzero(~find_largest_group(overlapping))[0].tolist()
    if similarity is not None:
        return sorted(find_most_similar(alone, similarity, OPTIONS.similar_photos_if_alone) - set(checked))
    pairs = {(min(one, other), max(one, other)) for one in alone for other in range(count) if one != other}
    return sorted(pairs - set(checked))


def split_pairs(pairs: Sequence[One], size: int) -> Iterator[list[One]]:
    """The pairs in parts of at most `size`."""
    for start in range(0, len(pairs), size):
        yield list(pairs[start : start + size])
