"""The gradient of volume rendering, from samples to voxels.

It is scattered by slabs of rows: a voxel belongs to one thread, and sums run in the order of the rays, so a run is
repeatable whatever the number of threads, without atomics. Slabs of blocks begin with a block.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from engine.fields.voxel_grid.kernels.compiling import compile_kernel
from engine.fields.voxel_grid.kernels.layout import (
    DENSE,
    TILE,
    find_cell,
    find_place,
    find_voxel,
    is_trained,
    touch_tile,
)
from engine.fields.voxel_grid.kernels.limits import SKIPPED
from engine.fields.voxel_grid.kernels.lines import find_coordinate, find_piece, passes_beside
from engine.fields.voxel_grid.kernels.prefetch import UNSCALED, fetch_cells


@compile_kernel
def scatter(gradient, touched, table, size, start, step, edges, seen, sample_gradient, rows):
    """Adds the gradients of samples to those of the voxels, a slab of rows per thread; marks the touched tiles."""
    rays, count = edges.shape[0], edges.shape[1] - 1
    depth, height, width = size
    flat = gradient.reshape(-1, 4)
    for slab in prange(rows.shape[0] - 1):
        first = rows[slab]
        last = rows[slab + 1]
        for r in range(rays):
            if r + 1 < rays:
                fetch_cells(flat, table, size, start, step, UNSCALED, edges, r + 1, first, last)
            if passes_beside(start, step, r, first, last, height):
                continue
            p = 0
            for k in range(count):
                if seen[r, k, 0] == SKIPPED:
                    continue
                s = np.float32(0.5) * (edges[r, k] + edges[r, k + 1])
                p = find_piece(step, r, p, s)
                j, fy = find_cell(find_coordinate(start, step, r, p, s, 1), height)
                if j + 1 < first or j >= last:
                    continue
                i, fx = find_cell(find_coordinate(start, step, r, p, s, 0), width)
                level_z, fz = find_cell(find_coordinate(start, step, r, p, s, 2), depth)
                d0 = sample_gradient[r, k, 0]
                d1 = sample_gradient[r, k, 1]
                d2 = sample_gradient[r, k, 2]
                d3 = sample_gradient[r, k, 3]
                for b in range(2):
                    if j + b < first or j + b >= last:
                        continue
                    wy = fy if b == 1 else np.float32(1.0) - fy
                    for a in range(2):
                        wz = wy * (fz if a == 1 else np.float32(1.0) - fz)
                        for c in range(2):
                            w = wz * (fx if c == 1 else np.float32(1.0) - fx)
                            v = find_place(table, level_z + a, j + b, i + c, height, width)
                            if not is_trained(table, v):
                                continue
                            touch_tile(touched, v, level_z + a, j + b, i + c)
                            flat[v, 0] += w * d0
                            flat[v, 1] += w * d1
                            flat[v, 2] += w * d2
                            flat[v, 3] += w * d3


@compile_kernel
def scatter_tint(gradient, touched, basis, start, step, scale, edges, seen, sample_gradient, rows):
    """`scatter` for the directional coefficients; `scale` converts voxel coordinates to those of the tint."""
    rays, count = edges.shape[0], edges.shape[1] - 1
    depth, height, width, _ = gradient.shape
    flat = gradient.reshape(-1, 9)
    size = (depth, height, width)
    for slab in prange(rows.shape[0] - 1):
        first = rows[slab]
        last = rows[slab + 1]
        slopes = np.empty(9, np.float32)
        for r in range(rays):
            if r + 1 < rays:
                fetch_cells(flat, DENSE, size, start, step, scale, edges, r + 1, first, last)
            p = 0
            for k in range(count):
                if seen[r, k, 0] == SKIPPED:
                    continue
                s = np.float32(0.5) * (edges[r, k] + edges[r, k + 1])
                p = find_piece(step, r, p, s)
                y = find_coordinate(start, step, r, p, s, 1) * scale[1]
                if y != y:
                    continue
                j, fy = find_cell(y, height)
                if j + 1 < first or j >= last:
                    continue
                if (
                    sample_gradient[r, k, 1] == 0.0
                    and sample_gradient[r, k, 2] == 0.0
                    and sample_gradient[r, k, 3] == 0.0
                ):
                    continue
                for term in range(9):
                    slopes[term] = sample_gradient[r, k, 1 + term // 3] * basis[r, term % 3]
                i, fx = find_cell(find_coordinate(start, step, r, p, s, 0) * scale[0], width)
                level_z, fz = find_cell(find_coordinate(start, step, r, p, s, 2) * scale[2], depth)
                for b in range(2):
                    if j + b < first or j + b >= last:
                        continue
                    wy = fy if b == 1 else np.float32(1.0) - fy
                    for a in range(2):
                        wz = wy * (fz if a == 1 else np.float32(1.0) - fz)
                        touched[level_z + a, j + b, i // TILE] = 1
                        touched[level_z + a, j + b, (i + 1) // TILE] = 1
                        for c in range(2):
                            w = wz * (fx if c == 1 else np.float32(1.0) - fx)
                            v = find_voxel(level_z + a, j + b, i + c, height, width)
                            for term in range(9):
                                flat[v, term] += w * slopes[term]
