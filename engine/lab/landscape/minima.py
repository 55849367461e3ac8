"""Where a sampled loss is least, and which way it falls. Places that were not measured yet (NaN) are no minima."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

DEPTH = 0.01  # of the range of the loss that a minimum lies below what separates it from a lower one: less is noise
MAP_DEPTH = 0.02  # the same of a map, whose lattice cuts narrow valleys into pieces


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
    """(row, column) of the local minima inside a map, the lowest first; shallow ones are left out (`MAP_DEPTH`).

    The map is flooded from its lowest place on: where two pools meet, the one whose lowest place is higher ends, and
    how far the water has risen in it is its depth. A valley that runs across the lattice is one pool so, although
    many of its places are lower than all beside them.
    """
    if not np.isfinite(losses).all():
        return []
    flat, columns = losses.ravel(), losses.shape[1]
    least = MAP_DEPTH * float(np.ptp(flat))
    pool: dict[int, int] = {}  # of each place under water: a place nearer to the lowest one of its pool

    def find_lowest(place: int) -> int:
        while pool[place] != place:
            pool[place] = place = pool[pool[place]]
        return place

    ended: set[int] = set()
    for place in flat.argsort(kind="stable").tolist():
        pool[place] = place
        for beside in _list_beside(place, losses.shape):
            if beside not in pool:
                continue
            low, high = sorted((find_lowest(place), find_lowest(beside)), key=lambda at: (flat[at], at))
            if low != high:
                pool[high] = low
                if flat[place] - flat[high] < least:
                    ended.add(high)
    found = [at for at in pool if at not in ended and _is_lowest_beside(flat, at, losses.shape)]
    return [divmod(at, columns) for at in sorted(found, key=lambda at: float(flat[at]))]


def _list_beside(place: int, shape: tuple[int, ...]) -> list[int]:
    row, column = divmod(place, shape[1])
    rows = range(max(row - 1, 0), min(row + 2, shape[0]))
    columns = range(max(column - 1, 0), min(column + 2, shape[1]))
    return [down * shape[1] + across for down in rows for across in columns if (down, across) != (row, column)]


def _is_lowest_beside(flat: Float[np.ndarray, " places"], place: int, shape: tuple[int, ...]) -> bool:
    """Whether a place is inside the map and lower than all eight beside it."""
    beside = _list_beside(place, shape)
    return len(beside) == 8 and bool((flat[beside] > flat[place]).all())


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
