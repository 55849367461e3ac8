"""Where a sampled loss is least, and which way it falls. Places that were not measured yet (NaN) are no minima."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

DEPTH = 0.01  # of the range of the loss that a minimum lies below what separates it from a lower one: less is noise


def find_minima(losses: Float[np.ndarray, " steps"]) -> Int[np.ndarray, " minima"]:
    """Indices of the local minima inside a curve, the lowest first; shallow ones are left out (`DEPTH`)."""
    if not np.isfinite(losses).all() or len(losses) < 3:
        return np.zeros(0, np.int64)
    inner = np.nonzero((losses[1:-1] < losses[:-2]) & (losses[1:-1] <= losses[2:]))[0] + 1
    least = DEPTH * float(np.ptp(losses))
    kept = [at for at in inner if _measure_depth(losses, int(at)) >= least]
    return np.array(sorted(kept, key=lambda at: float(losses[at])), dtype=np.int64)


def _measure_depth(losses: Float[np.ndarray, " steps"], at: int) -> float:
    """How far the loss has to rise from a minimum before it falls below it, on the side where that is less."""
    rises = []
    for side in (losses[at::-1], losses[at:]):
        lower = np.nonzero(side < side[0])[0]
        rises.append(float(side[: lower[0] if len(lower) else None].max() - side[0]))
    return min(rises)


def find_map_minima(losses: Float[np.ndarray, "rows columns"]) -> list[tuple[int, int]]:
    """(row, column) of the places inside a map that are lower than all eight beside them, the lowest first."""
    if not np.isfinite(losses).all():
        return []
    inner = losses[1:-1, 1:-1]
    lower = np.ones_like(inner, dtype=bool)
    rows, columns = losses.shape
    for down in (0, 1, 2):
        for across in (0, 1, 2):
            if (down, across) != (1, 1):
                lower &= inner < losses[down : rows - 2 + down, across : columns - 2 + across]
    found = [(int(row) + 1, int(column) + 1) for row, column in np.argwhere(lower)]
    return sorted(found, key=lambda place: float(losses[place]))


def find_descent(
    losses: Float[np.ndarray, "rows columns"], every: int
) -> tuple[Int[np.ndarray, "arrows 2"], Float[np.ndarray, "arrows 2"]]:
    """Places (row, column) of a lattice over the map, and the direction (down, across) in which the loss falls there.

    Directions count in places of the map, and their lengths are relative to the longest. Only places whose neighbours
    are all measured have one.
    """
    by_row, by_column = np.gradient(losses)
    rows, columns = losses.shape
    first = every // 2
    places = np.stack(
        np.meshgrid(np.arange(first, rows, every), np.arange(first, columns, every), indexing="ij"), axis=-1
    ).reshape(-1, 2)
    fall = -np.stack([by_row[tuple(places.T)], by_column[tuple(places.T)]], axis=-1)
    known = np.isfinite(fall).all(axis=-1)
    places, fall = places[known], fall[known]
    longest = float(np.linalg.norm(fall, axis=-1).max()) if len(fall) else 0.0
    return places, fall / longest if longest > 0 else fall
