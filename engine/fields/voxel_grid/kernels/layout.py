"""Where voxels lie in memory: dense, or in blocks.

Voxels are interleaved, (depth, height, width, channel), so that one corner of a cell is one cache line. A lattice of
`size` voxels is dense, and its `table` is `DENSE`; or it is stored in blocks of 8 x 8 x 8, (blocks, 8, 8, 8, channel),
and the table, with three dimensions, says which stored block a block of the lattice is. Block 0 stands for all that
are missing; it is never trained, and a sample whose cell begins in one is empty.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numba.extending import overload

from engine.fields.voxel_grid.kernels.compiling import FAST

BLOCK = 8  # voxels along a side of a block
IN_BLOCK = BLOCK**3
TILE = 4  # voxels of a row that share a "touched" flag; four voxels fill a cache line
DENSE = np.zeros(0, np.int32)  # the table of a lattice that is not stored in blocks


@njit(fastmath=FAST)
def find_cell(x, size):
    """The first index of the cell and the fraction within it, clamped to the volume."""
    limit = np.float32(size - 1)
    if x < 0.0:
        x = np.float32(0.0)
    elif x > limit:
        x = limit
    # A NaN must stay in the fraction, to be detected, and must not get into the index, which addresses memory.
    i = int(x) if x > 0.0 else 0
    if i > size - 2:
        i = size - 2
    return i, x - np.float32(i)


@njit(inline="always", fastmath=FAST)
def is_inside(x, y, z, width, height, depth):
    """False for positions outside the volume; NaN counts as inside, so that it gets into the colour."""
    least, most = np.float32(-1e-3), np.float32(-0.999)
    outside = x < least or x > np.float32(width) + most or y < least or y > np.float32(height) + most
    outside = outside or z < least or z > np.float32(depth) + most
    return not outside


@njit
def find_voxel(level_z, j, i, height, width):
    """Index of a voxel in the flattened volume; unsigned, because Numba tests other indices for negative values."""
    return np.uintp((level_z * height + j) * width + i)


def find_place(table, level_z, j, i, height, width):
    """Index of a voxel of a lattice that is dense or stored in blocks."""


@overload(find_place, inline="never")
def _choose_find_place(table, level_z, j, i, height, width):
    def dense(table, level_z, j, i, height, width):
        return find_voxel(level_z, j, i, height, width)

    def in_blocks(table, level_z, j, i, height, width):
        block = table[np.uintp(level_z >> 3), np.uintp(j >> 3), np.uintp(i >> 3)]
        return np.uintp(block * IN_BLOCK + (((level_z & 7) << 6) | ((j & 7) << 3) | (i & 7)))

    return dense if table.ndim == 1 else in_blocks


def is_stored(table, level_z, j, i):
    """Whether a cell's first voxel is stored."""


@overload(is_stored, inline="never")
def _choose_is_stored(table, level_z, j, i):
    def dense(table, level_z, j, i):
        return True

    def in_blocks(table, level_z, j, i):
        return table[np.uintp(level_z >> 3), np.uintp(j >> 3), np.uintp(i >> 3)] != 0

    return dense if table.ndim == 1 else in_blocks


def is_trained(table, v):
    """Whether a voxel may be changed: those of block 0 stand for many."""


@overload(is_trained, inline="never")
def _choose_is_trained(table, v):
    return (lambda table, v: True) if table.ndim == 1 else (lambda table, v: v >= np.uintp(IN_BLOCK))


def touch_tile(touched, v, level_z, j, i):
    """Marks the tile of a voxel as touched."""


@overload(touch_tile, inline="never")
def _choose_touch_tile(touched, v, level_z, j, i):
    def dense(touched, v, level_z, j, i):
        touched[level_z, j, i // TILE] = 1

    def in_blocks(touched, v, level_z, j, i):
        touched[v // np.uintp(IN_BLOCK), (v % np.uintp(IN_BLOCK)) // np.uintp(TILE)] = 1

    return dense if touched.ndim == 3 else in_blocks
