"""Kernels of the voxel grid for CUDA: the gradient of volume rendering, and the scatter; see `cuda_kernels`.

A thread goes back along a ray for what its samples learn; then all samples of all rays scatter at once. They add to
the voxels with atomics, so that sums run in any order and two runs agree to rounding errors only. Tiles are marked as
touched as on the CPU; all that do it write the same.
"""

from __future__ import annotations

import math

import numpy as np
from numba import cuda

from engine.fields.cuda_launch import make_kernel
from engine.fields.voxel_grid.cuda_kernels import HALF, NONE, ONE, _cell, _find_piece, _find_point, _place
from engine.fields.voxel_grid.kernels.activations import softplus_slope as _softplus_slope
from engine.fields.voxel_grid.kernels.layout import IN_BLOCK, TILE
from engine.fields.voxel_grid.kernels.limits import SKIPPED


@make_kernel
def march_backward(optical_length, opaque_end, edges, background, seen, colour_gradient, reached, slopes):
    """The first part of `kernels.march_backward`, a thread per ray: the gradients of the raw values at its samples.

    `slopes`, (rays, samples, 4), is what is written; nothing is for samples that were skipped. `reached`, (rays,
    samples), is room for the transmittance before each sample.
    """
    r = cuda.grid(1)
    if r >= edges.shape[0]:
        return
    count = edges.shape[1] - 1
    g_red, g_green, g_blue = colour_gradient[r, 0], colour_gradient[r, 1], colour_gradient[r, 2]
    transmittance = ONE
    for k in range(count):
        density = seen[r, k, 0]
        if density == SKIPPED:
            continue
        reached[r, k] = transmittance
        transmittance *= np.float32(math.exp(-density * (edges[r, k + 1] - edges[r, k]) * optical_length[r]))
        if opaque_end and k == count - 1:
            transmittance = NONE
    behind = transmittance * (g_red * background[0] + g_green * background[1] + g_blue * background[2])
    for back in range(count):
        k = count - 1 - back
        density = seen[r, k, 0]
        if density == SKIPPED:
            continue
        c1, c2, c3 = seen[r, k, 1], seen[r, k, 2], seen[r, k, 3]
        delta = (edges[r, k + 1] - edges[r, k]) * optical_length[r]
        passed = reached[r, k] * np.float32(math.exp(-density * delta))
        if opaque_end and k == count - 1:
            passed = NONE
        weight = reached[r, k] - passed
        value = g_red * c1 + g_green * c2 + g_blue * c3
        slopes[r, k, 0] = delta * (passed * value - behind) * _softplus_slope(density)
        behind += weight * value
        slopes[r, k, 1] = g_red * weight * c1 * (ONE - c1)
        slopes[r, k, 2] = g_green * weight * c2 * (ONE - c2)
        slopes[r, k, 3] = g_blue * weight * c3 * (ONE - c3)


@make_kernel
def scatter_samples(
    flat,
    table,
    blocks,
    size,
    tinted,
    tint_gradient,
    tint_size,
    basis,
    start,
    step,
    edges,
    seen,
    slopes,
    gathers,
    gradient,
    touched,
    tint_touched,
    moves,
    by_position,
):
    """As `kernels.scatter` and `scatter_tint`, and the second part of `kernels.march_backward`: four neighbouring
    threads per sample, one for each channel; the ray is `blockIdx.x`.

    The four add to neighbouring numbers, which the card's memory does in one go. `touched` and `tint_touched` are
    (rows, tiles): a row of a dense lattice, or a block, has its tiles side by side. Where the ray `moves`, each
    channel's part of the gradient of the sample's position, (rays, samples, 3, 4), is written for those not skipped.
    """
    r = cuda.blockIdx.x
    thread = cuda.blockIdx.y * cuda.blockDim.x + cuda.threadIdx.x
    k, channel = thread // 4, thread % 4
    if k >= edges.shape[1] - 1 or seen[r, k, 0] == SKIPPED:
        return
    depth, height, width = size[0], size[1], size[2]
    slope = slopes[r, k, channel]
    s = HALF * (edges[r, k] + edges[r, k + 1])
    x, y, z = _find_point(start, step, r, _find_piece(start, step, r, 0, s), s)
    i, fx = _cell(x, width)
    j, fy = _cell(y, height)
    level, fz = _cell(z, depth)
    px, py, pz = NONE, NONE, NONE
    for a in range(2):
        wz = fz if a == 1 else ONE - fz
        sz = ONE if a == 1 else -ONE
        for b in range(2):
            wy = fy if b == 1 else ONE - fy
            sy = ONE if b == 1 else -ONE
            for c in range(2):
                wx = fx if c == 1 else ONE - fx
                sx = ONE if c == 1 else -ONE
                v = _place(table, blocks, level + a, j + b, i + c, height, width)
                if moves:
                    product = slope * flat[v, channel]
                    px += sx * wy * wz * product
                    py += wx * sy * wz * product
                    pz += wx * wy * sz * product
                if gathers and not (blocks and v < IN_BLOCK):  # block 0 stands for all that are missing
                    if channel == 0 and (c == 0 or (i + 1) % TILE == 0):  # else both voxels are of one tile
                        if blocks:
                            touched[v // IN_BLOCK, v % IN_BLOCK // TILE] = 1
                        else:
                            touched[(level + a) * height + j + b, (i + c) // TILE] = 1
                    cuda.atomic.add(gradient, (v, channel), wx * wy * wz * slope)
    if moves:  # beyond the border the volume is constant
        by_position[r, k, 0, channel] = NONE if x < NONE or x > np.float32(width - 1) else px
        by_position[r, k, 1, channel] = NONE if y < NONE or y > np.float32(height - 1) else py
        by_position[r, k, 2, channel] = NONE if z < NONE or z > np.float32(depth - 1) else pz
    if not (gathers and tinted) or channel == 0 or slope == NONE:
        return
    tint_depth, tint_height, tint_width = tint_size[0], tint_size[1], tint_size[2]
    ti, tx = _cell(x * (np.float32(tint_width - 1) / np.float32(width - 1)), tint_width)
    tj, ty = _cell(y * (np.float32(tint_height - 1) / np.float32(height - 1)), tint_height)
    tl, tz = _cell(z * (np.float32(tint_depth - 1) / np.float32(depth - 1)), tint_depth)
    first = 3 * (channel - 1)
    for a in range(2):
        wz = tz if a == 1 else ONE - tz
        for b in range(2):
            wy = wz * (ty if b == 1 else ONE - ty)
            row = (tl + a) * tint_height + tj + b
            tint_touched[row, ti // TILE] = 1
            tint_touched[row, (ti + 1) // TILE] = 1
            for c in range(2):
                w = wy * (tx if c == 1 else ONE - tx)
                v = row * tint_width + ti + c
                for axis in range(3):
                    cuda.atomic.add(tint_gradient, (v, first + axis), w * basis[r, axis] * slope)


@make_kernel
def sum_positions(step, edges, seen, by_position, start_gradient, step_gradient):
    """The last part of `kernels.march_backward`, a thread per ray and axis, `blockIdx.y`: the gradients of the lines.

    These must be zero before: nothing is written for a piece without samples.
    """
    r = cuda.grid(1)
    axis = cuda.blockIdx.y
    if r >= edges.shape[0]:
        return
    count = edges.shape[1] - 1
    by_start, by_step = NONE, NONE
    p = start_gradient.shape[1] - 1
    for back in range(count):
        k = count - 1 - back
        if seen[r, k, 0] == SKIPPED:
            continue
        s = HALF * (edges[r, k] + edges[r, k + 1])
        before = p
        while before > 0 and not s > step[r, before - 1, 3]:
            before -= 1
        if before != p:
            start_gradient[r, p, axis] = by_start
            step_gradient[r, p, axis] = by_step
            by_start, by_step = NONE, NONE
            p = before
        moved = by_position[r, k, axis, 0] + by_position[r, k, axis, 1]
        moved += by_position[r, k, axis, 2] + by_position[r, k, axis, 3]
        by_start += moved
        by_step += s * moved
    start_gradient[r, p, axis] = by_start
    step_gradient[r, p, axis] = by_step
