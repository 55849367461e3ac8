"""The optimiser: smoothness and Adam, of dense lattices and of blocks.

What is computed of numbers alone (`roughness`, `decay`, `change`,
`neighbour`) is the same for the CPU and for CUDA: Numba compiles it for either.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

from engine.fields.voxel_grid.kernels.compiling import FAST, compile_kernel
from engine.fields.voxel_grid.kernels.layout import IN_BLOCK, TILE
from engine.fields.voxel_grid.kernels.prefetch import fetch

GROUP = 64  # blocks that one thread optimises at a time
AHEAD = 6  # tiles that the optimiser fetches before their turn: they lie far apart in memory


@njit(inline="always", fastmath=FAST)
def roughness(here, before, behind, above, below, nearer, farther):
    """Six times a value minus its six neighbours."""
    return np.float32(6.0) * here - (before + behind) - above - below - nearer - farther


@njit(inline="always", fastmath=FAST)
def decay(moment, value, beta):
    """A moment of Adam after one more value."""
    return beta * moment + (np.float32(1.0) - beta) * value


@njit(inline="always", fastmath=FAST)
def change(mean, square, rate, correction2, epsilon):
    """What Adam takes off a value; `rate` is multiplied with the correction of the first moment already."""
    return rate * mean / (math.sqrt(square * correction2) + epsilon)


@njit(inline="always")
def neighbour(block, other, inner, within, step, around):
    """Index of a voxel's neighbour in its own block or in the `other`; its own where there is none."""
    if within:
        return np.uintp(block * IN_BLOCK + inner + step)
    if other == 0:
        return np.uintp(block * IN_BLOCK + inner)
    return np.uintp(other * IN_BLOCK + inner + around)


@njit(inline="always")
def _run(touched, level_z, j, tile):
    """The next consecutive touched tiles of a row, from `tile` on: the first one, and the one after the last."""
    tiles = touched.shape[2]
    while tile < tiles and touched[level_z, j, tile] == 0:
        tile += 1
    end = tile
    while end < tiles and touched[level_z, j, end] != 0:
        end += 1
    return tile, end


@njit(inline="always", fastmath=FAST)
def _laplacian(flat, at, before, behind, above, below, nearer, farther):
    """Six times a value minus its six neighbours; their distances in memory are given, 0 beyond a border."""
    return roughness(
        flat[at],
        flat[at - before],
        flat[at + behind],
        flat[at - above],
        flat[at + below],
        flat[at - nearer],
        flat[at + farther],
    )


@compile_kernel
def add_smoothness(voxels, gradient, touched, weight, density_weight):
    """Adds the gradient of the squared differences between neighbouring voxels, on the touched tiles only."""
    depth, height, width, channels = voxels.shape
    flat, slopes = voxels.reshape(-1), gradient.reshape(-1)
    weights = np.full(width * channels, weight, np.float32)
    weights[::channels] = density_weight
    row, none = np.uintp(width * channels), np.uintp(0)
    one, plane = np.uintp(channels), np.uintp(height * width * channels)
    for j in prange(height):
        above = row if j > 0 else none
        below = row if j < height - 1 else none
        for level_z in range(depth):
            nearer = plane if level_z > 0 else none
            farther = plane if level_z < depth - 1 else none
            base = np.uintp((level_z * height + j) * width) * one
            tile, end = _run(touched, level_z, j, 0)
            while tile < end:
                first, last = tile * TILE * channels, min(end * TILE, width) * channels
                inner, outer = max(first, channels), min(last, (width - 1) * channels)
                for e in range(first, inner):
                    at = base + np.uintp(e)
                    slopes[at] += weights[e] * _laplacian(flat, at, none, one, above, below, nearer, farther)
                for e in range(inner, outer):
                    at = base + np.uintp(e)
                    slopes[at] += weights[e] * _laplacian(flat, at, one, one, above, below, nearer, farther)
                for e in range(outer, last):
                    at = base + np.uintp(e)
                    slopes[at] += weights[e] * _laplacian(flat, at, one, none, above, below, nearer, farther)
                tile, end = _run(touched, level_z, j, end)


@njit(inline="always")
def _fetch_tile(values, slopes, means, squares, at):
    """Prefetches all that Adam needs of a tile."""
    fetch(values, at)
    fetch(slopes, at)
    fetch(means, at)
    fetch(squares, at)


@njit(inline="always", fastmath=FAST)
def _step_value(values, slopes, means, squares, at, rate, beta1, beta2, correction2, epsilon):
    """Adam's step of one value; clears its gradient."""
    slope = slopes[at]
    mean = decay(means[at], slope, beta1)
    square = decay(squares[at], slope * slope, beta2)
    means[at] = mean
    squares[at] = square
    slopes[at] = np.float32(0.0)
    values[at] -= change(mean, square, rate, correction2, epsilon)


@compile_kernel
def adam(
    voxels, gradient, first, second, touched, rate, beta1, beta2, correction1, correction2, epsilon, density_rate
):
    """One Adam step on the touched tiles; clears their gradients and flags."""
    depth, height, width, channels = voxels.shape
    tiles = touched.shape[2]
    values, slopes = voxels.reshape(-1), gradient.reshape(-1)
    means, squares = first.reshape(-1), second.reshape(-1)
    rates = np.full(width * channels, rate * correction1, np.float32)
    rates[::channels] *= density_rate
    for j in prange(height):
        listed = np.empty(depth * tiles + AHEAD, np.int64)  # where the touched tiles of these rows begin
        count = 0
        for level_z in range(depth):
            row = (level_z * height + j) * width
            for t in range(tiles):
                if touched[level_z, j, t] != 0:
                    touched[level_z, j, t] = 0
                    listed[count] = (row + t * TILE) * channels
                    count += 1
        for n in range(count, count + AHEAD):
            listed[n] = listed[count - 1] if count > 0 else 0
        for n in range(count):
            _fetch_tile(values, slopes, means, squares, np.uintp(listed[n + AHEAD]))
            at = np.uintp(listed[n])
            begin = listed[n] % (width * channels)
            for e in range(begin, min(begin + TILE * channels, width * channels)):
                _step_value(values, slopes, means, squares, at, rates[e], beta1, beta2, correction2, epsilon)
                at += np.uintp(1)


@compile_kernel
def add_smoothness_in_blocks(voxels, gradient, touched, table, places, weight, density_weight):
    """`add_smoothness` for blocks, of which `places` says where in the lattice of blocks they lie.

    Voxels of missing blocks are not neighbours.
    """
    blocks, channels = voxels.shape[0], voxels.shape[4]
    flat, slopes = voxels.reshape(-1, channels), gradient.reshape(-1, channels)
    table_depth, table_height, table_width = table.shape
    for block in prange(1, blocks):
        bz, by, bx = places[block, 0], places[block, 1], places[block, 2]
        nearer = table[bz - 1, by, bx] if bz > 0 else 0
        farther = table[bz + 1, by, bx] if bz + 1 < table_depth else 0
        above = table[bz, by - 1, bx] if by > 0 else 0
        below = table[bz, by + 1, bx] if by + 1 < table_height else 0
        before = table[bz, by, bx - 1] if bx > 0 else 0
        behind = table[bz, by, bx + 1] if bx + 1 < table_width else 0
        for tile in range(IN_BLOCK // TILE):
            if touched[block, tile] == 0:
                continue
            for inner in range(tile * TILE, (tile + 1) * TILE):
                z, y, x = inner >> 6, (inner >> 3) & 7, inner & 7
                at = np.uintp(block * IN_BLOCK + inner)
                left = neighbour(block, before, inner, x > 0, -1, 7)
                right = neighbour(block, behind, inner, x < 7, 1, -7)
                up = neighbour(block, above, inner, y > 0, -8, 56)
                down = neighbour(block, below, inner, y < 7, 8, -56)
                front = neighbour(block, nearer, inner, z > 0, -64, 448)
                back = neighbour(block, farther, inner, z < 7, 64, -448)
                for c in range(channels):
                    total = roughness(
                        flat[at, c],
                        flat[left, c],
                        flat[right, c],
                        flat[up, c],
                        flat[down, c],
                        flat[front, c],
                        flat[back, c],
                    )
                    slopes[at, c] += (density_weight if c == 0 else weight) * total


@compile_kernel
def adam_in_blocks(
    voxels, gradient, first, second, touched, rate, beta1, beta2, correction1, correction2, epsilon, density_rate
):
    """`adam` for blocks."""
    blocks, channels = voxels.shape[0], voxels.shape[4]
    tiles = IN_BLOCK // TILE
    values, slopes = voxels.reshape(-1), gradient.reshape(-1)
    means, squares = first.reshape(-1), second.reshape(-1)
    rates = np.full(TILE * channels, rate * correction1, np.float32)
    rates[::channels] *= density_rate
    for group in prange((blocks + GROUP - 1) // GROUP):
        listed = np.empty(GROUP * tiles + AHEAD, np.int64)  # where the touched tiles of these blocks begin
        count = 0
        for block in range(max(group * GROUP, 1), min((group + 1) * GROUP, blocks)):
            for tile in range(tiles):
                if touched[block, tile] != 0:
                    touched[block, tile] = 0
                    listed[count] = (block * IN_BLOCK + tile * TILE) * channels
                    count += 1
        for n in range(count, count + AHEAD):
            listed[n] = listed[count - 1] if count > 0 else 0
        for n in range(count):
            _fetch_tile(values, slopes, means, squares, np.uintp(listed[n + AHEAD]))
            at = np.uintp(listed[n])
            for e in range(TILE * channels):
                _step_value(values, slopes, means, squares, at, rates[e], beta1, beta2, correction2, epsilon)
                at += np.uintp(1)
