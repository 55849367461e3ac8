"""Kernels for CUDA of the pooled density that proposals are drawn from, and of the drawing; see `kernels`.

What the CPU does for a ray in one go is two kernels here: all bins of all rays are looked up at once, then a thread
goes along the bins of its ray. In between their optical depths lie as (bins, rays), so that neighbouring threads read
neighbouring values. Lines are those of `cuda_kernels`: all rays have pieces.
"""

from __future__ import annotations

import numpy as np
from numba import cuda

from engine.fields.cuda_launch import make_kernel
from engine.fields.voxel_grid.cuda_kernels import HALF, NONE, ONE, _cell, _find_piece, _find_point, _inlined
from engine.fields.voxel_grid.kernels.activations import absorbed as _absorbed
from engine.fields.voxel_grid.kernels.activations import clamp as _clamp
from engine.fields.voxel_grid.kernels.activations import larger as _larger
from engine.fields.voxel_grid.kernels.activations import seen_through as _seen_through
from engine.fields.voxel_grid.kernels.activations import sigmoid as _sigmoid
from engine.fields.voxel_grid.kernels.activations import softplus as _softplus
from engine.fields.voxel_grid.kernels.layout import BLOCK, IN_BLOCK
from engine.fields.voxel_grid.kernels.layout import is_inside as _inside
from engine.fields.voxel_grid.kernels.limits import NOTHING, OPAQUE


@make_kernel
def mark_occupied(coarse, occupied):
    """As `kernels.mark_occupied`, a thread per cell; row y of plane z is row z * height + y of the grid of threads."""
    depth, height, width = coarse.shape
    z = cuda.blockIdx.x // height
    y = cuda.blockIdx.x - z * height
    x = cuda.blockIdx.y * cuda.blockDim.x + cuda.threadIdx.x
    if x >= width:
        return
    far = z + 1 if z + 1 < depth else z
    below = y + 1 if y + 1 < height else y
    behind = x + 1 if x + 1 < width else x
    nothing = (
        coarse[z, y, x] <= NOTHING
        and coarse[z, y, behind] <= NOTHING
        and coarse[z, below, x] <= NOTHING
        and coarse[z, below, behind] <= NOTHING
        and coarse[far, y, x] <= NOTHING
        and coarse[far, y, behind] <= NOTHING
        and coarse[far, below, x] <= NOTHING
        and coarse[far, below, behind] <= NOTHING
    )
    occupied[z, y, x] = 0 if nothing else 1  # a NaN counts as something


@make_kernel
def measure_bins(coarse, occupied, start, step, optical_length, closed, depths):
    """The optical depth of each bin of each ray, (bins, rays), a thread per bin; bin k is row k of the grid."""
    k = cuda.blockIdx.x
    r = cuda.blockIdx.y * cuda.blockDim.x + cuda.threadIdx.x
    bins, rays = depths.shape
    if r >= rays:
        return
    depth, height, width = coarse.shape
    s = (np.float32(k) + HALF) / np.float32(bins)
    x, y, z = _find_point(start, step, r, _find_piece(start, step, r, 0, s), s)
    density = NONE
    if not closed or _inside(x, y, z, width, height, depth):
        i, fx = _cell(x, width)
        j, fy = _cell(y, height)
        level, fz = _cell(z, depth)
        if occupied[level, j, i] != 0:
            for a in range(2):
                wz = fz if a == 1 else ONE - fz
                for b in range(2):
                    wy = wz * (fy if b == 1 else ONE - fy)
                    here, behind = coarse[level + a, j + b, i], coarse[level + a, j + b, i + 1]
                    density += wy * ((ONE - fx) * here + fx * behind)
    depths[k, r] = density * optical_length[r] / np.float32(bins)


@_inlined
def _ahead(depths, k, r):
    """What lies at a bin that is looked at later, if there is one: memory takes longer than the work on a bin."""
    return depths[k, r] if k < depths.shape[0] else NONE


@make_kernel
def draw_edges(depths, opaque_end, floor, jitter, edges):
    """The second half of `kernels.proposal_edges`, a thread per ray; `depths` holds the bins' weights afterwards.

    It goes through the bins twice. Each time what is read is asked for four bins before, so that four reads are under
    way at a time: a ray has up to some hundred bins, and a multiprocessor has few rays to turn to meanwhile.
    """
    r = cuda.grid(1)
    bins, rays = depths.shape
    if r >= rays:
        return
    count = edges.shape[1] - 1
    share = floor / np.float32(bins)
    transmittance = ONE
    total, previous, here = NONE, NONE, NONE  # weights of the two bins before
    one, two, three, four = depths[0, r], _ahead(depths, 1, r), _ahead(depths, 2, r), _ahead(depths, 3, r)
    for k in range(bins):
        optical_depth = one
        one, two, three, four = two, three, four, _ahead(depths, k + 4, r)
        following = NONE
        if not transmittance < OPAQUE:
            alpha = ONE if opaque_end and k == bins - 1 else _absorbed(optical_depth)
            following = transmittance * alpha
            transmittance *= _seen_through(optical_depth)
        if k > 0:
            widened = _larger(previous, _larger(here, following)) + share
            depths[k - 1, r] = widened
            total += widened
        previous, here = here, following
    widened = _larger(previous, _larger(here, NONE)) + share
    depths[bins - 1, r] = widened
    total += widened
    cumulative = NONE
    k = 0
    weight, one, two, three = depths[0, r], _ahead(depths, 1, r), _ahead(depths, 2, r), _ahead(depths, 3, r)
    for e in range(count + 1):
        target = _clamp((np.float32(e) + jitter[r] - HALF) / np.float32(count)) * total
        while k < bins - 1 and cumulative + weight < target:
            cumulative += weight
            k += 1
            weight, one, two, three = one, two, three, _ahead(depths, k + 3, r)
        edges[r, e] = (np.float32(k) + _clamp((target - cumulative) / weight)) / np.float32(bins)
    edges[r, 0] = NONE
    edges[r, count] = ONE


@make_kernel
def average_blocks(flat, places, factor, averages):
    """As `kernels.average_blocks`, a thread per cube of a block; block n is row n - 1 of the grid of threads.

    `flat` is (voxels, 4).
    """
    block = cuda.blockIdx.x + 1  # block 0 stands for all that are missing
    cube = cuda.blockIdx.y * cuda.blockDim.x + cuda.threadIdx.x
    side = BLOCK // factor
    if cube >= side * side * side:
        return
    inner_z = cube // (side * side)
    inner_y = cube // side - inner_z * side
    inner_x = cube - (inner_z * side + inner_y) * side
    z = places[block, 0] * side + inner_z
    y = places[block, 1] * side + inner_y
    x = places[block, 2] * side + inner_x
    if z >= averages.shape[0] or y >= averages.shape[1] or x >= averages.shape[2]:
        return
    share = ONE / np.float32(factor * factor * factor)
    total, red, green, blue = NONE, NONE, NONE, NONE
    for a in range(factor):
        for b in range(factor):
            for c in range(factor):
                row = (inner_z * factor + a) * BLOCK + inner_y * factor + b
                v = block * IN_BLOCK + row * BLOCK + inner_x * factor + c
                density = share * _softplus(flat[v, 0])
                total += density
                red += density * _sigmoid(flat[v, 1])
                green += density * _sigmoid(flat[v, 2])
                blue += density * _sigmoid(flat[v, 3])
    averages[z, y, x, 0] = total
    averages[z, y, x, 1] = red
    averages[z, y, x, 2] = green
    averages[z, y, x, 3] = blue
