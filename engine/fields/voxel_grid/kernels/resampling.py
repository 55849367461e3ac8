"""A lattice's values at points between its voxels, and averaged over cubes of them."""

from __future__ import annotations

import numpy as np
from numba import prange

from engine.fields.voxel_grid.kernels.activations import sigmoid, softplus
from engine.fields.voxel_grid.kernels.compiling import compile_kernel
from engine.fields.voxel_grid.kernels.layout import BLOCK, IN_BLOCK, find_cell, find_place


@compile_kernel
def interpolate(voxels, table, size, positions, values):
    """Raw values of a lattice, dense or in blocks, at positions (x, y, z) in its voxel coordinates."""
    depth, height, width = size
    channels = values.shape[1]
    flat = voxels.reshape(-1, channels)
    for n in prange(positions.shape[0]):
        i, fx = find_cell(positions[n, 0], width)
        j, fy = find_cell(positions[n, 1], height)
        level_z, fz = find_cell(positions[n, 2], depth)
        for channel in range(channels):
            values[n, channel] = np.float32(0.0)
        for a in range(2):
            wz = fz if a == 1 else np.float32(1.0) - fz
            for b in range(2):
                wy = wz * (fy if b == 1 else np.float32(1.0) - fy)
                for c in range(2):
                    w = wy * (fx if c == 1 else np.float32(1.0) - fx)
                    v = find_place(table, level_z + a, j + b, i + c, height, width)
                    for channel in range(channels):
                        values[n, channel] += w * flat[v, channel]


@compile_kernel
def average_blocks(voxels, places, factor, averages):
    """Density, and colour times density, averaged over cubes of `factor` voxels a side (1, 2, 4 or 8).

    `averages`, (depth, height, width, 4) of the coarser lattice, is 0 where blocks are missing; what it has too little
    room for, at the ends of a lattice whose size no multiple of a block is, is left out.
    """
    cubes = BLOCK // factor
    share = np.float32(1.0) / np.float32(factor**3)
    flat = voxels.reshape(-1, 4)
    depth, height, width, _ = averages.shape
    for block in prange(1, voxels.shape[0]):
        for inner in range(IN_BLOCK):
            z = places[block, 0] * cubes + (inner >> 6) // factor
            y = places[block, 1] * cubes + ((inner >> 3) & 7) // factor
            x = places[block, 2] * cubes + (inner & 7) // factor
            if z >= depth or y >= height or x >= width:
                continue
            v = np.uintp(block * IN_BLOCK + inner)
            density = share * softplus(flat[v, 0])
            averages[z, y, x, 0] += density
            for channel in range(1, 4):
                averages[z, y, x, channel] += density * sigmoid(flat[v, channel])
