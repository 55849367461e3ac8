"""Pairs of photos in which one part stands still while another moves. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from engine.sfm.quick.features import Features
from engine.sfm.quick.matching import MatchedPair


@dataclass(frozen=True)
class StillOptions:
    """Thresholds; pixels are those of an image whose longer side is 640.

    Attributes:
        still_px: matches no farther apart than this stand still; keypoints are right to half a pixel.
        moving_px: matches farther apart than this move.
        fewest: matches of either part, for a pair to have parts at all.
        neighbours: of a match, that have to move alike for it to count as moving: wrong matches do not.
        alike: relative difference of two motions that are alike.
    """

    still_px: float = 1.0
    moving_px: float = 6.0
    fewest: int = 12
    neighbours: int = 3
    alike: float = 0.3


OPTIONS = StillOptions()
REFERENCE_SIDE = 640  # pixels along the longer side of an image that thresholds are given for


def measure_still_parts(pairs: Iterable[MatchedPair], features: Sequence[Features], longer_side: int) -> float:
    """The share of matches that stand still where others move, in the pairs of a set of photos; 0 for none.

    Args:
        pairs: of photos; those without a geometry are passed over.
        features: of all photos.
        longer_side: of the small copies, pixels.
    """
    shares = []
    for pair in pairs:
        if pair.geometry is not None:
            first, second = (features[photo].points[pair.raw[:, side]] for side, photo in enumerate(pair.pair))
            shares.append(measure_still_part(first, second, pair.agrees, longer_side / REFERENCE_SIDE))
    return summarise_still_parts(shares)


def measure_still_part(
    first: Float[np.ndarray, "matches 2"],
    second: Float[np.ndarray, "matches 2"],
    agrees: Bool[np.ndarray, " matches"],
    unit: float,
    options: StillOptions = OPTIONS,
) -> float:
    """The share of a pair's matches that stand still where others move and one motion cannot be both; 0 for no such.

    A camera that moves, moves everything; what is very far away seems to stand still, but agrees with the geometry of
    the pair. What stands still and does not agree, or agrees where what moves does not, shows that the camera stood
    still and something else was moved.

    Args:
        first, second: matched positions, pixels.
        agrees: matches that agree with the geometry of the pair.
        unit: pixels per pixel of an image of 640.
        options: thresholds.
    """
    apart = np.linalg.norm(second - first, axis=1) / unit
    still, moving = apart < options.still_px, apart > options.moving_px
    if still.sum() < options.fewest or moving.sum() < options.fewest:
        return 0.0
    if (still & agrees).sum() > (moving & agrees).sum():
        one, other = still & agrees, moving & ~agrees
        other = _moves_with_neighbours(first, second - first, other, options)
        parts = int(one.sum()), int(other.sum())
    else:
        parts = int((still & ~agrees).sum()), int((moving & agrees).sum())
    return parts[0] / sum(parts) if min(parts) >= options.fewest else 0.0


def _moves_with_neighbours(
    at: Float[np.ndarray, "matches 2"],
    motion: Float[np.ndarray, "matches 2"],
    chosen: Bool[np.ndarray, " matches"],
    options: StillOptions,
) -> Bool[np.ndarray, " matches"]:
    """Those of the chosen matches whose nearest neighbours among them mostly move as they do."""
    numbers = np.nonzero(chosen)[0]
    found: NDArray[np.bool_] = np.zeros(len(chosen), dtype=bool)
    if len(numbers) <= options.neighbours:
        return found
    distance = np.linalg.norm(at[numbers, None] - at[None, numbers], axis=-1)
    np.fill_diagonal(distance, np.inf)
    near = np.argpartition(distance, options.neighbours, axis=1)[:, : options.neighbours]
    moved = motion[numbers]
    difference = np.linalg.norm(moved[near] - moved[:, None], axis=-1)
    alike = difference < options.alike * np.linalg.norm(moved, axis=-1)[:, None]
    found[numbers] = 2 * alike.sum(axis=1) > options.neighbours
    return found


def summarise_still_parts(shares: Iterable[float], fewest: int = 3) -> float:
    """Over the pairs of a set: the median share of those that have a still part, if these are at least a tenth of all
    pairs with matches and so many in number; else 0."""
    values = np.array(list(shares))
    parts = values[values > 0]
    return float(np.median(parts)) if len(parts) >= max(fewest, 0.1 * len(values)) else 0.0
