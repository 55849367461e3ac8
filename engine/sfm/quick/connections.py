"""What pairs of photos say about a set of them: which belong together, and which are upside down. Pure functions."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int


def find_largest_group(overlapping: Bool[np.ndarray, "photos photos"]) -> Bool[np.ndarray, " photos"]:
    """The photos of the largest group that is connected by overlapping pairs."""
    group = np.arange(len(overlapping))
    for one, other in zip(*np.nonzero(overlapping), strict=True):
        group[group == group[other]] = group[one]
    return group == np.bincount(group).argmax()


def measure_turn(
    first: Float[np.ndarray, " first"], second: Float[np.ndarray, " second"], matches: Int[np.ndarray, "matches 2"]
) -> float:
    """Mean rotation of the second photo's features relative to the first's, radians in (-pi, pi].

    Args:
        first, second: orientations of the features of both photos, radians.
        matches: indices of matched features.
    """
    difference = second[matches[:, 1]] - first[matches[:, 0]]
    return float(np.angle(np.exp(1j * difference).mean()))


def find_turns(
    inliers: Int[np.ndarray, "photos photos"], turns: Float[np.ndarray, "photos photos"]
) -> Float[np.ndarray, " photos"]:
    """Each photo's rotation in its plane relative to most others, radians in (-pi, pi]; NaN where it has no pair.

    Rotations of pairs are added up along the pairs with most inliers (a maximum spanning tree).

    Args:
        inliers: verified matches of each pair, symmetric.
        turns: rotation of the column's photo relative to the row's, radians; NaN where a pair was not verified.
    """
    turned = np.full(len(inliers), np.nan)
    turned[inliers.sum(axis=1).argmax()] = 0.0
    while True:
        known = np.isfinite(turned)
        candidates = np.where(known[:, None] & ~known[None] & np.isfinite(turns), inliers, 0)
        one, other = np.unravel_index(candidates.argmax(), candidates.shape)
        if candidates[one, other] == 0:
            break
        turned[other] = turned[one] + turns[one, other]
    angles = np.angle(np.exp(1j * turned[np.isfinite(turned)]))
    upright = angles[np.argmax([np.cos(angles - angle).round().sum() for angle in angles])]  # most agree with it
    return np.angle(np.exp(1j * (turned - upright)))
