"""Kernels of the voxel grid for CUDA: volume rendering; `cuda_backward_kernels` has its gradient and the scatter.

They do what `kernels` does on the CPU, and call the same functions for what is computed at a sample: Numba compiles
these for either. What differs is how the work is divided, for a step has too few rays to keep a card busy with one
thread for each. What lies at a sample is looked up for all samples of all rays at once; then a thread renders a ray
from front to back.

All rays have pieces here, straight ones a single one: start is (rays, pieces, 3), step (rays, pieces, 3), or (rays,
pieces, 4) with the s at which a piece ends where there are several. The table of a dense lattice has one entry, which
is never read.

With NUMBA_ENABLE_CUDASIM=1 Numba runs them in Python, on arrays of the host.
"""

from __future__ import annotations

import math

import numpy as np
from numba import config, cuda, njit

from engine.fields.cuda_launch import make_kernel
from engine.fields.voxel_grid.kernels.activations import sigmoid as _sigmoid
from engine.fields.voxel_grid.kernels.activations import softplus as _softplus
from engine.fields.voxel_grid.kernels.layout import IN_BLOCK, find_cell
from engine.fields.voxel_grid.kernels.layout import is_inside as _inside
from engine.fields.voxel_grid.kernels.limits import CELL, CLEAR, OPAQUE, SKIPPED, TINT_THRESHOLD, VISIBLE

ONE = np.float32(1.0)
HALF = np.float32(0.5)
NONE = np.float32(0.0)


def _inlined(function):
    """A function for kernels, of arrays; in the simulator it stays what it is."""
    return function if config.ENABLE_CUDASIM else njit(inline="always")(function)


_cell = _inlined(find_cell.py_func)  # the CPU's is not inlined by Numba


@_inlined
def _place(table, blocks, z, j, i, height, width):
    """Index of a voxel of a lattice that is dense or stored in blocks."""
    if blocks:
        block = table[z >> 3, j >> 3, i >> 3]
        return block * IN_BLOCK + (((z & 7) << 6) | ((j & 7) << 3) | (i & 7))
    return (z * height + j) * width + i


@_inlined
def _find_piece(start, step, r, p, s):
    """The piece of ray r on which the point at s lies: p or a later one."""
    while p + 1 < start.shape[1] and s > step[r, p, 3]:
        p += 1
    return p


@_inlined
def _find_point(start, step, r, p, s):
    """The point at s of ray r, which lies on piece p: its coordinates along x, y and z."""
    x = start[r, p, 0] + s * step[r, p, 0]
    y = start[r, p, 1] + s * step[r, p, 1]
    z = start[r, p, 2] + s * step[r, p, 2]
    return x, y, z


@make_kernel
def look_up(flat, table, blocks, size, start, step, closed, edges, seen):
    """The first part of `kernels.march_forward`: four neighbouring threads per sample, one for each channel; the ray
    is `blockIdx.x`. Writes density and raw colour of each sample, or that it is skipped: outside, or where nothing is.
    """
    r = cuda.blockIdx.x
    thread = cuda.blockIdx.y * cuda.blockDim.x + cuda.threadIdx.x
    k, channel = thread // 4, thread % 4
    if k >= edges.shape[1] - 1:
        return
    depth, height, width = size[0], size[1], size[2]
    s = HALF * (edges[r, k] + edges[r, k + 1])
    x, y, z = _find_point(start, step, r, _find_piece(start, step, r, 0, s), s)
    i, fx = _cell(x, width)
    j, fy = _cell(y, height)
    level, fz = _cell(z, depth)
    outside = closed and not _inside(x, y, z, width, height, depth)
    if outside or (blocks and table[level >> 3, j >> 3, i >> 3] == 0):
        seen[r, k, channel] = SKIPPED
        return
    value = NONE
    for a in range(2):
        wz = fz if a == 1 else ONE - fz
        for b in range(2):
            wy = wz * (fy if b == 1 else ONE - fy)
            for c in range(2):
                w = wy * (fx if c == 1 else ONE - fx)
                value += w * flat[_place(table, blocks, level + a, j + b, i + c, height, width), channel]
    seen[r, k, channel] = _softplus(value) if channel == 0 else value


@make_kernel
def march_forward(
    size,
    tinted,
    tint,
    tint_size,
    basis,
    start,
    step,
    optical_length,
    opaque_end,
    edges,
    background,
    marks,
    visible,
    colour,
    opacity,
    depth_s,
    seen,
):
    """The second part of `kernels.march_forward`, a thread per ray, after `look_up`, which has filled `seen`.

    `tint` is (voxels, channels), and `size`, `tint_size` (depth, height, width). What is not `tinted` has coefficients
    that are never read, and where nothing `marks`, cells likewise.
    """
    r = cuda.grid(1)
    if r >= edges.shape[0]:
        return
    count = edges.shape[1] - 1
    depth, height, width = size[0], size[1], size[2]
    tint_depth, tint_height, tint_width = tint_size[0], tint_size[1], tint_size[2]
    scale_x = np.float32(tint_width - 1) / np.float32(width - 1)
    scale_y = np.float32(tint_height - 1) / np.float32(height - 1)
    scale_z = np.float32(tint_depth - 1) / np.float32(depth - 1)
    transmittance = ONE
    red, green, blue, mean_s = NONE, NONE, NONE, NONE
    p = 0
    for k in range(count):
        density = seen[r, k, 0]
        if transmittance < OPAQUE or density == SKIPPED:
            seen[r, k, 0] = SKIPPED
            continue
        v1, v2, v3 = seen[r, k, 1], seen[r, k, 2], seen[r, k, 3]
        s = HALF * (edges[r, k] + edges[r, k + 1])
        delta = (edges[r, k + 1] - edges[r, k]) * optical_length[r]
        survives = np.float32(math.exp(-density * delta))
        if opaque_end and k == count - 1:
            survives = NONE
        weight = transmittance * (ONE - survives)
        if (marks and weight > VISIBLE) or (tinted and weight > TINT_THRESHOLD):
            p = _find_piece(start, step, r, p, s)
            x, y, z = _find_point(start, step, r, p, s)
            if marks and weight > VISIBLE:  # all threads write the same
                i, _ = _cell(x, width)
                j, _ = _cell(y, height)
                level, _ = _cell(z, depth)
                visible[0, level // CELL, j // CELL, i // CELL] = 1
                if weight > CLEAR:
                    visible[1, level // CELL, j // CELL, i // CELL] = 1
            if tinted and weight > TINT_THRESHOLD:
                ti, tx = _cell(x * scale_x, tint_width)
                tj, ty = _cell(y * scale_y, tint_height)
                tl, tz = _cell(z * scale_z, tint_depth)
                across, down, along = basis[r, 0], basis[r, 1], basis[r, 2]
                for a in range(2):
                    wz = tz if a == 1 else ONE - tz
                    for b in range(2):
                        wy = wz * (ty if b == 1 else ONE - ty)
                        for c in range(2):
                            w = wy * (tx if c == 1 else ONE - tx)
                            v = ((tl + a) * tint_height + tj + b) * tint_width + ti + c
                            v1 += w * (across * tint[v, 0] + down * tint[v, 1] + along * tint[v, 2])
                            v2 += w * (across * tint[v, 3] + down * tint[v, 4] + along * tint[v, 5])
                            v3 += w * (across * tint[v, 6] + down * tint[v, 7] + along * tint[v, 8])
        c1 = _sigmoid(v1)
        c2 = _sigmoid(v2)
        c3 = _sigmoid(v3)
        seen[r, k, 1] = c1
        seen[r, k, 2] = c2
        seen[r, k, 3] = c3
        red += weight * c1
        green += weight * c2
        blue += weight * c3
        mean_s += weight * s
        transmittance *= survives
    colour[r, 0] = red + transmittance * background[0]
    colour[r, 1] = green + transmittance * background[1]
    colour[r, 2] = blue + transmittance * background[2]
    opacity[r] = ONE - transmittance
    depth_s[r] = mean_s + transmittance
