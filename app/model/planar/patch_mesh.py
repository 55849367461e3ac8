"""The local warp of a patch as a mesh over the quadrilateral that is fitted to it. Pure functions."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from app.model.warp.warp_drawing import choose_magnification
from engine.messages import PatchWarpSnapshot

Points = Float[np.ndarray, "points 2"]


def bend_lattice(warp: PatchWarpSnapshot, factor: float) -> Points:
    """The points of the lattice by their local warps, residuals drawn `factor` times longer; pixels of the image."""
    return warp.global_points + factor * (warp.local_points - warp.global_points)


def list_mesh_lines(points: Points, shape: tuple[int, int]) -> list[Points]:
    """The lines of a lattice of (rows, columns) points: its rows, then its columns."""
    grid = points.reshape(*shape, 2)
    return [*grid, *grid.transpose(1, 0, 2)]


def measure_cell(warp: PatchWarpSnapshot) -> float:
    """Mean distance between neighbouring points of the fitted lattice, pixels of the image, at least 1."""
    grid = warp.global_points.reshape(*warp.shape, 2).astype(np.float64)
    steps = [np.linalg.norm(np.diff(grid, axis=axis), axis=-1).ravel() for axis in (0, 1)]
    lengths = np.concatenate(steps)
    known = lengths[np.isfinite(lengths)]
    return max(float(known.mean()), 1.0) if len(known) else 1.0


def choose_arrow_scale(warp: PatchWarpSnapshot) -> float:
    """The round factor (1, 2, 5, 10, ...), at least 1, by which residuals are drawn longer to be seen."""
    return max(choose_magnification(warp.local_points - warp.global_points, measure_cell(warp)), 1.0)


def thin_lattice(shape: tuple[int, int], apart: int) -> np.ndarray:
    """Indices of every `apart`-th point of a lattice along rows and columns, the last ones included."""
    rows, columns = (np.unique(np.append(np.arange(0, count, apart), count - 1)) for count in shape)
    return (rows[:, None] * shape[1] + columns).ravel()
