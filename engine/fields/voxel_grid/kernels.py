"""Compiled kernels of the voxel grid for the CPU: volume rendering and its gradient.

A ray is cut into intervals at `edges`, from s = 0 to 1. It is a straight line in voxel coordinates, `start + s * step`
with arrays (rays, 3), or it is bent: a few straight pieces, with arrays (rays, pieces, 3) and (rays, pieces, 4) whose
fourth number is the s at which a piece ends, and the next one begins. Numba compiles each kernel for either. A
projective volume and a box differ only in `optical_length`, which turns an interval of s into the length that the
density is multiplied with. A bent ray reaches infinity: its last interval is opaque. Interpolation is trilinear,
between the raw values; density is softplus of the raw value, colour its sigmoid, both after interpolation (as a GL
shader does with a texture). A second, coarser volume may add a colour linear in the viewing direction, three
coefficients per channel.

Voxels are interleaved, (depth, height, width, channel), so that one corner of a cell is one cache line. A lattice of
`size` voxels is dense, and its `table` is `DENSE`; or it is stored in blocks of 8 x 8 x 8, (blocks, 8, 8, 8, channel),
and the table, with three dimensions, says which stored block a block of the lattice is. Block 0 stands for all that
are missing; it is never trained, and a sample whose cell begins in one is empty.

Gradients are scattered by slabs of rows: a voxel belongs to one thread, and sums run in the order of the rays, so a
run is repeatable whatever the number of threads, without atomics. Slabs of blocks begin with a block.

All of them are in one file because Numba's cache depends only on the file of a kernel: a function inlined from another
file would not be compiled anew after a change. (The optimiser's share nothing with them but constants.)
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange
from numba.extending import overload

from engine.fields.voxel_grid.prefetch import fetch

BLOCK = 8  # voxels along a side of a block
IN_BLOCK = BLOCK**3
TILE = 4  # voxels of a row that share a "touched" flag; four voxels fill a cache line
TINT_THRESHOLD = np.float32(1e-3)  # weight of a sample in its ray below which its directional colour is left out
CELL = 2  # voxels along a side of the cells in which it is noted whether a ray sees something
VISIBLE = np.float32(0.04)  # weight of a sample in its ray from which it is seen: fog along a ray is not
CLEAR = np.float32(0.25)  # from which it is seen clearly
DENSE = np.zeros(0, np.int32)  # the table of a lattice that is not stored in blocks
NOTHING = np.float32(1e-5)  # pooled density, per voxel, up to which there is nothing: a ray meets hundreds of voxels
OPAQUE = np.float32(1e-4)  # transmittance below which what lies behind is left out
# Proposals see so much of the pooled density's optical depth: blocks at the edge of a thing are half full, and many
# rays pass through them to what lies behind; those would find hardly a sample there, and show the background.
SEEN_THROUGH = np.float32(0.25)
SKIPPED = np.float32(-1.0)  # in the place of the density of a sample that was left out
UNSCALED = (np.float32(1.0), np.float32(1.0), np.float32(1.0))  # scale of coordinates that are the volume's already
THIN = np.float32(0.03)  # below it a series is more precise than a logarithm or a difference, in single precision
FAINT = np.float32(1e-3)  # optical depth below which two terms of a series are as precise as an exponential
# All of LLVM's fast-math except "no NaNs" and "no infinities": a NaN must reach the loss, where it is detected.
FAST = {"reassoc", "contract", "arcp", "afn", "nsz"}


@njit(inline="always", fastmath=FAST)
def _softplus(x):
    if x > 15.0:
        return x
    e = math.exp(x)
    if e < THIN:
        return e * (np.float32(1.0) - e * (np.float32(0.5) - e * (np.float32(1 / 3) - e * np.float32(0.25))))
    return math.log(np.float32(1.0) + e)


@njit(inline="always", fastmath=FAST)
def _softplus_slope(density):
    """The derivative of softplus at the argument for which softplus is `density`."""
    if density < THIN:
        return density * (np.float32(1.0) - density * (np.float32(0.5) - density * np.float32(1 / 6)))
    return np.float32(1.0) - math.exp(-density)


@njit(inline="always", fastmath=FAST)
def _sigmoid(x):
    return np.float32(1.0) / (np.float32(1.0) + math.exp(-x))


@njit(inline="always", fastmath=FAST)
def _absorbed(optical_depth):
    """1 - exp(-optical depth); most bins of a ray are empty, and there it is cheaper than an exponential."""
    if optical_depth > FAINT:
        return np.float32(1.0) - math.exp(-optical_depth)
    return optical_depth * (np.float32(1.0) - np.float32(0.5) * optical_depth)


@njit(inline="always", fastmath=FAST)
def _seen_through(optical_depth):
    """How much of the light proposals take for passing through a bin."""
    if optical_depth > FAINT:
        return math.exp(-SEEN_THROUGH * optical_depth)
    return np.float32(1.0) - SEEN_THROUGH * optical_depth


# Not `min` and `max`, which Numba's CUDA target does not compile in functions of the CPU. A NaN stays one.
@njit(inline="always", fastmath=FAST)
def _larger(one, other):
    return other if other > one else one


@njit(inline="always", fastmath=FAST)
def _clamp(x):
    """To 0 to 1."""
    if x < np.float32(0.0):
        return np.float32(0.0)
    return np.float32(1.0) if x > np.float32(1.0) else x


@njit(inline="always", fastmath=FAST)
def _cell(x, size):
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


@njit(inline="always")
def _voxel(level_z, j, i, height, width):
    """Index of a voxel in the flattened volume; unsigned, because Numba tests other indices for negative values."""
    return np.uintp((level_z * height + j) * width + i)


def _place(table, level_z, j, i, height, width):
    """Index of a voxel of a lattice that is dense or stored in blocks."""


@overload(_place, inline="never")
def _find_place(table, level_z, j, i, height, width):
    def dense(table, level_z, j, i, height, width):
        return _voxel(level_z, j, i, height, width)

    def in_blocks(table, level_z, j, i, height, width):
        block = table[np.uintp(level_z >> 3), np.uintp(j >> 3), np.uintp(i >> 3)]
        return np.uintp(block * IN_BLOCK + (((level_z & 7) << 6) | ((j & 7) << 3) | (i & 7)))

    return dense if table.ndim == 1 else in_blocks


def _stored(table, level_z, j, i):
    """Whether a cell's first voxel is stored."""


@overload(_stored, inline="never")
def _find_stored(table, level_z, j, i):
    def dense(table, level_z, j, i):
        return True

    def in_blocks(table, level_z, j, i):
        return table[np.uintp(level_z >> 3), np.uintp(j >> 3), np.uintp(i >> 3)] != 0

    return dense if table.ndim == 1 else in_blocks


def _trained(table, v):
    """Whether a voxel may be changed: those of block 0 stand for many."""


@overload(_trained, inline="never")
def _find_trained(table, v):
    return (lambda table, v: True) if table.ndim == 1 else (lambda table, v: v >= np.uintp(IN_BLOCK))


def _touch(touched, v, level_z, j, i):
    """Marks the tile of a voxel as touched."""


@overload(_touch, inline="never")
def _find_touch(touched, v, level_z, j, i):
    def dense(touched, v, level_z, j, i):
        touched[level_z, j, i // TILE] = 1

    def in_blocks(touched, v, level_z, j, i):
        touched[v // np.uintp(IN_BLOCK), (v % np.uintp(IN_BLOCK)) // np.uintp(TILE)] = 1

    return dense if touched.ndim == 3 else in_blocks


@njit(inline="always", fastmath=FAST)
def _inside(x, y, z, width, height, depth):
    """False for positions outside the volume; NaN counts as inside, so that it gets into the colour."""
    least, most = np.float32(-1e-3), np.float32(-0.999)
    outside = x < least or x > np.float32(width) + most or y < least or y > np.float32(height) + most
    outside = outside or z < least or z > np.float32(depth) + most
    return not outside


def _piece(step, r, p, s):
    """The piece of ray r in which s lies, where that is p or a later one."""


@overload(_piece, inline="never", jit_options={"fastmath": FAST})
def _find_piece(step, r, p, s):
    def straight(step, r, p, s):
        return 0

    def bent(step, r, p, s):
        while p + 1 < step.shape[1] and s > step[r, p, 3]:
            p += 1
        return p

    return straight if step.ndim == 2 else bent


def _earlier_piece(step, r, p, s):
    """The piece of ray r in which s lies, where that is p or an earlier one."""


@overload(_earlier_piece, inline="never", jit_options={"fastmath": FAST})
def _find_earlier_piece(step, r, p, s):
    def straight(step, r, p, s):
        return 0

    def bent(step, r, p, s):
        while p > 0 and not s > step[r, p - 1, 3]:
            p -= 1
        return p

    return straight if step.ndim == 2 else bent


def _last_piece(step):
    """The number of the last piece of a ray."""


@overload(_last_piece, inline="never")
def _find_last_piece(step):
    return (lambda step: 0) if step.ndim == 2 else (lambda step: step.shape[1] - 1)


def _at(start, step, r, p, s, axis):
    """A coordinate of the point at s of ray r, which lies on piece p."""


@overload(_at, inline="never", jit_options={"fastmath": FAST})
def _find_point(start, step, r, p, s, axis):
    def straight(start, step, r, p, s, axis):
        return start[r, axis] + s * step[r, axis]

    def bent(start, step, r, p, s, axis):
        return start[r, p, axis] + s * step[r, p, axis]

    return straight if step.ndim == 2 else bent


def _opaque_end(step):
    """Whether rays end opaque."""


@overload(_opaque_end, inline="never")
def _find_opaque_end(step):
    return (lambda step: False) if step.ndim == 2 else (lambda step: True)


def _beside(start, step, r, first, last, height):
    """Whether ray r lies beside the rows from `first` to before `last`; False where that is not known."""


@overload(_beside, inline="never", jit_options={"fastmath": FAST})
def _find_beside(start, step, r, first, last, height):
    def straight(start, step, r, first, last, height):
        y0 = start[r, 1]
        y1 = start[r, 1] + step[r, 1]
        before = max(y0, y1) < np.float32(first - 1) and first > 0
        return before or (min(y0, y1) > np.float32(last + 1) and last < height)

    def bent(start, step, r, first, last, height):
        return False

    return straight if step.ndim == 2 else bent


def _store(gradient, r, p, x, y, z):
    """Writes the gradient of piece p of ray r."""


@overload(_store, inline="never")
def _find_store(gradient, r, p, x, y, z):
    def straight(gradient, r, p, x, y, z):
        gradient[r, 0] = x
        gradient[r, 1] = y
        gradient[r, 2] = z

    def bent(gradient, r, p, x, y, z):
        gradient[r, p, 0] = x
        gradient[r, p, 1] = y
        gradient[r, p, 2] = z

    return straight if gradient.ndim == 2 else bent


@njit(inline="always", fastmath=FAST)
def _fetch_cells(flat, table, size, start, step, scale, edges, r, first, last):
    """Prefetches the voxels around the samples of a ray, of the rows from `first` to before `last`.

    They lie far apart in memory; without it a ray would spend most of its time waiting for them one after the other.
    """
    depth, height, width = size
    channels = flat.shape[1]
    p = 0
    for k in range(edges.shape[1] - 1):
        s = np.float32(0.5) * (edges[r, k] + edges[r, k + 1])
        p = _piece(step, r, p, s)
        j, _ = _cell(_at(start, step, r, p, s, 1) * scale[1], height)
        if j + 1 < first or j >= last:
            continue
        i, _ = _cell(_at(start, step, r, p, s, 0) * scale[0], width)
        level_z, _ = _cell(_at(start, step, r, p, s, 2) * scale[2], depth)
        for a in range(2):
            for b in range(2):
                for c in range(2):
                    fetch(flat, _place(table, level_z + a, j + b, i + c, height, width) * np.uintp(channels))


@njit(parallel=True, cache=True)
def mark_occupied(coarse, occupied):
    """Marks the cells of a pooled volume at one of whose corners there is something."""
    depth, height, width = coarse.shape
    for z in prange(depth):
        far = min(z + 1, depth - 1)
        for y in range(height):
            below = min(y + 1, height - 1)
            for x in range(width):
                behind = min(x + 1, width - 1)
                most = max(coarse[z, y, x], coarse[z, y, behind], coarse[z, below, x], coarse[z, below, behind])
                most = max(most, coarse[far, y, x], coarse[far, y, behind])
                most = max(most, coarse[far, below, x], coarse[far, below, behind])
                # A NaN counts as something, so that it gets where it is detected.
                occupied[z, y, x] = 0 if most <= NOTHING else 1


@njit(parallel=True, fastmath=FAST, cache=True)
def proposal_edges(coarse, occupied, start, step, optical_length, closed, floor, jitter, edges):
    """Draws interval edges from the density of a pooled volume: most near surfaces, some everywhere.

    `coarse` is density after softplus, (depth, height, width), and `occupied` that of `mark_occupied`; start and step
    are in its voxel coordinates. The weights of one sample per bin along s, behind a quarter of the density before it,
    are widened to their neighbours by the maximum, a floor is added, and their distribution is inverted at evenly
    spaced, jittered levels; see `engine.fields.sampling.edges_from_weights`.
    """
    rays, count = edges.shape[0], edges.shape[1] - 1
    depth, height, width = coarse.shape
    bins = 2 * depth if closed and not _opaque_end(step) else depth
    for r in prange(rays):
        weight = np.empty(bins, np.float32)
        transmittance = np.float32(1.0)
        p = 0
        for k in range(bins):
            s = np.float32((k + 0.5) / bins)
            p = _piece(step, r, p, s)
            x = _at(start, step, r, p, s, 0)
            y = _at(start, step, r, p, s, 1)
            z = _at(start, step, r, p, s, 2)
            density = np.float32(0.0)
            if not closed or _inside(x, y, z, width, height, depth):
                i, fx = _cell(x, width)
                j, fy = _cell(y, height)
                level_z, fz = _cell(z, depth)
                if occupied[level_z, j, i] == 0 and not (_opaque_end(step) and k == bins - 1):
                    weight[k] = np.float32(0.0)
                    continue
                for a in range(2):
                    wz = fz if a == 1 else np.float32(1.0) - fz
                    for b in range(2):
                        wy = wz * (fy if b == 1 else np.float32(1.0) - fy)
                        density += wy * (
                            (np.float32(1.0) - fx) * coarse[level_z + a, j + b, i]
                            + fx * coarse[level_z + a, j + b, i + 1]
                        )
            depth_of_bin = density * optical_length[r] / np.float32(bins)
            alpha = _absorbed(depth_of_bin)
            if _opaque_end(step) and k == bins - 1:
                alpha = np.float32(1.0)
            weight[k] = transmittance * alpha
            transmittance *= _seen_through(depth_of_bin)
            if transmittance < OPAQUE:
                weight[k + 1 :] = np.float32(0.0)
                break
        total = np.float32(0.0)
        previous = np.float32(0.0)
        for k in range(bins):
            here = weight[k]
            following = weight[k + 1] if k + 1 < bins else np.float32(0.0)
            widened = _larger(previous, _larger(here, following)) + floor / np.float32(bins)
            previous = here
            weight[k] = widened
            total += widened
        cumulative = np.float32(0.0)
        k = 0
        for e in range(count + 1):
            target = _clamp((np.float32(e) + jitter[r] - np.float32(0.5)) / np.float32(count)) * total
            while k < bins - 1 and cumulative + weight[k] < target:
                cumulative += weight[k]
                k += 1
            edges[r, e] = (np.float32(k) + _clamp((target - cumulative) / weight[k])) / np.float32(bins)
        edges[r, 0] = 0.0
        edges[r, count] = 1.0


@njit(inline="always", fastmath=FAST)
def _tint(flat, height, width, depth, across, down, along, x, y, z):
    """Directional colour: red, green and blue along the unit direction (across, down, along)."""
    i, fx = _cell(x, width)
    j, fy = _cell(y, height)
    level_z, fz = _cell(z, depth)
    red = np.float32(0.0)
    green = np.float32(0.0)
    blue = np.float32(0.0)
    for a in range(2):
        wz = fz if a == 1 else np.float32(1.0) - fz
        for b in range(2):
            wy = wz * (fy if b == 1 else np.float32(1.0) - fy)
            for c in range(2):
                w = wy * (fx if c == 1 else np.float32(1.0) - fx)
                v = _voxel(level_z + a, j + b, i + c, height, width)
                red += w * (across * flat[v, 0] + down * flat[v, 1] + along * flat[v, 2])
                green += w * (across * flat[v, 3] + down * flat[v, 4] + along * flat[v, 5])
                blue += w * (across * flat[v, 6] + down * flat[v, 7] + along * flat[v, 8])
    return red, green, blue


@njit(parallel=True, fastmath=FAST, cache=True)
def march_forward(
    voxels,
    table,
    size,
    tint,
    basis,
    start,
    step,
    optical_length,
    closed,
    edges,
    background,
    visible,
    colour,
    opacity,
    depth_s,
    seen,
):
    """Renders rays; writes density and colour of every sample to `seen`, for the backward pass.

    `tint` is the volume of directional coefficients (width 0 without one), `basis` the unit viewing directions.
    `visible` gets a 1 in the cells (`CELL` voxels a side) that a ray has seen something in, and in its second half in
    those where it has seen it clearly; it may have no cells.
    """
    rays, count = edges.shape[0], edges.shape[1] - 1
    depth, height, width = size
    flat = voxels.reshape(-1, 4)
    tint_depth, tint_height, tint_width, _ = tint.shape
    tint_size = (tint_depth, tint_height, tint_width)
    tint_flat = tint.reshape(-1, 9)
    marks = visible.shape[1] > 0
    tinted = tint_width > 0
    scale_x = np.float32((tint_width - 1) / (width - 1))
    scale_y = np.float32((tint_height - 1) / (height - 1))
    scale_z = np.float32((tint_depth - 1) / (depth - 1))
    scale = (scale_x, scale_y, scale_z)
    for r in prange(rays):
        if r + 1 < rays:
            _fetch_cells(flat, table, size, start, step, UNSCALED, edges, r + 1, 0, height)
            if tinted:
                _fetch_cells(tint_flat, DENSE, tint_size, start, step, scale, edges, r + 1, 0, tint_height)
        transmittance = np.float32(1.0)
        red = np.float32(0.0)
        green = np.float32(0.0)
        blue = np.float32(0.0)
        mean_s = np.float32(0.0)
        p = 0
        for k in range(count):
            s = np.float32(0.5) * (edges[r, k] + edges[r, k + 1])
            delta = (edges[r, k + 1] - edges[r, k]) * optical_length[r]
            p = _piece(step, r, p, s)
            x = _at(start, step, r, p, s, 0)
            y = _at(start, step, r, p, s, 1)
            z = _at(start, step, r, p, s, 2)
            if transmittance < OPAQUE or (closed and not _inside(x, y, z, width, height, depth)):
                seen[r, k, 0] = SKIPPED
                continue
            i, fx = _cell(x, width)
            j, fy = _cell(y, height)
            level_z, fz = _cell(z, depth)
            if not _stored(table, level_z, j, i):
                seen[r, k, 0] = SKIPPED
                continue
            v0 = np.float32(0.0)
            v1 = np.float32(0.0)
            v2 = np.float32(0.0)
            v3 = np.float32(0.0)
            for a in range(2):
                wz = fz if a == 1 else np.float32(1.0) - fz
                for b in range(2):
                    wy = wz * (fy if b == 1 else np.float32(1.0) - fy)
                    for c in range(2):
                        w = wy * (fx if c == 1 else np.float32(1.0) - fx)
                        v = _place(table, level_z + a, j + b, i + c, height, width)
                        v0 += w * flat[v, 0]
                        v1 += w * flat[v, 1]
                        v2 += w * flat[v, 2]
                        v3 += w * flat[v, 3]
            density = _softplus(v0)
            survives = math.exp(-density * delta)
            if _opaque_end(step) and k == count - 1:
                survives = np.float32(0.0)
            weight = transmittance * (np.float32(1.0) - survives)
            if marks and weight > VISIBLE:
                visible[0, level_z // CELL, j // CELL, i // CELL] = 1
                if weight > CLEAR:
                    visible[1, level_z // CELL, j // CELL, i // CELL] = 1
            if tinted and weight > TINT_THRESHOLD:
                t1, t2, t3 = _tint(
                    tint_flat,
                    tint_height,
                    tint_width,
                    tint_depth,
                    basis[r, 0],
                    basis[r, 1],
                    basis[r, 2],
                    x * scale_x,
                    y * scale_y,
                    z * scale_z,
                )
                v1 += t1
                v2 += t2
                v3 += t3
            c1 = _sigmoid(v1)
            c2 = _sigmoid(v2)
            c3 = _sigmoid(v3)
            seen[r, k, 0] = density
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
        opacity[r] = np.float32(1.0) - transmittance
        depth_s[r] = mean_s + transmittance


@njit(parallel=True, fastmath=FAST, cache=True)
def march_backward(
    voxels,
    table,
    size,
    start,
    step,
    optical_length,
    closed,
    edges,
    background,
    seen,
    colour_gradient,
    sample_gradient,
    start_gradient,
    step_gradient,
):
    """From the gradient of the colours to the gradients of the raw values of every sample, and of the rays.

    Softplus and sigmoid are not computed again: their slopes follow from the density and the colour in `seen`.
    """
    rays, count = edges.shape[0], edges.shape[1] - 1
    depth, height, width = size
    flat = voxels.reshape(-1, 4)
    for r in prange(rays):
        if r + 1 < rays:
            _fetch_cells(flat, table, size, start, step, UNSCALED, edges, r + 1, 0, height)
        g_red = colour_gradient[r, 0]
        g_green = colour_gradient[r, 1]
        g_blue = colour_gradient[r, 2]
        transmittance = np.float32(1.0)
        value = np.empty(count, np.float32)
        reached = np.empty(count, np.float32)
        passed = np.empty(count, np.float32)
        for k in range(count):
            density = seen[r, k, 0]
            if density == SKIPPED:
                continue
            value[k] = g_red * seen[r, k, 1] + g_green * seen[r, k, 2] + g_blue * seen[r, k, 3]
            reached[k] = transmittance
            transmittance *= math.exp(-density * (edges[r, k + 1] - edges[r, k]) * optical_length[r])
            if _opaque_end(step) and k == count - 1:
                transmittance = np.float32(0.0)
            passed[k] = transmittance
        behind = transmittance * (g_red * background[0] + g_green * background[1] + g_blue * background[2])
        gs0 = np.float32(0.0)
        gs1 = np.float32(0.0)
        gs2 = np.float32(0.0)
        gv0 = np.float32(0.0)
        gv1 = np.float32(0.0)
        gv2 = np.float32(0.0)
        p = _last_piece(step)
        for k in range(count - 1, -1, -1):
            density = seen[r, k, 0]
            if density == SKIPPED:
                sample_gradient[r, k, 0] = 0.0
                sample_gradient[r, k, 1] = 0.0
                sample_gradient[r, k, 2] = 0.0
                sample_gradient[r, k, 3] = 0.0
                continue
            delta = (edges[r, k + 1] - edges[r, k]) * optical_length[r]
            weight = reached[k] - passed[k]
            # d colour / d density = delta * (transmittance after the sample * its value - value of all behind it)
            d0 = delta * (passed[k] * value[k] - behind) * _softplus_slope(density)
            behind += weight * value[k]
            c1 = seen[r, k, 1]
            c2 = seen[r, k, 2]
            c3 = seen[r, k, 3]
            d1 = g_red * weight * c1 * (np.float32(1.0) - c1)
            d2 = g_green * weight * c2 * (np.float32(1.0) - c2)
            d3 = g_blue * weight * c3 * (np.float32(1.0) - c3)
            sample_gradient[r, k, 0] = d0
            sample_gradient[r, k, 1] = d1
            sample_gradient[r, k, 2] = d2
            sample_gradient[r, k, 3] = d3
            s = np.float32(0.5) * (edges[r, k] + edges[r, k + 1])
            before = _earlier_piece(step, r, p, s)
            if before != p:
                _store(start_gradient, r, p, gs0, gs1, gs2)
                _store(step_gradient, r, p, gv0, gv1, gv2)
                gs0 = np.float32(0.0)
                gs1 = np.float32(0.0)
                gs2 = np.float32(0.0)
                gv0 = np.float32(0.0)
                gv1 = np.float32(0.0)
                gv2 = np.float32(0.0)
                p = before
            x = _at(start, step, r, p, s, 0)
            y = _at(start, step, r, p, s, 1)
            z = _at(start, step, r, p, s, 2)
            i, fx = _cell(x, width)
            j, fy = _cell(y, height)
            level_z, fz = _cell(z, depth)
            px = np.float32(0.0)
            py = np.float32(0.0)
            pz = np.float32(0.0)
            for a in range(2):
                wz = fz if a == 1 else np.float32(1.0) - fz
                sz = np.float32(1.0) if a == 1 else np.float32(-1.0)
                for b in range(2):
                    wy = fy if b == 1 else np.float32(1.0) - fy
                    sy = np.float32(1.0) if b == 1 else np.float32(-1.0)
                    for c in range(2):
                        wx = fx if c == 1 else np.float32(1.0) - fx
                        sx = np.float32(1.0) if c == 1 else np.float32(-1.0)
                        v = _place(table, level_z + a, j + b, i + c, height, width)
                        dot = d0 * flat[v, 0] + d1 * flat[v, 1] + d2 * flat[v, 2] + d3 * flat[v, 3]
                        px += sx * wy * wz * dot
                        py += wx * sy * wz * dot
                        pz += wx * wy * sz * dot
            # Beyond the border the volume is constant.
            if x < 0.0 or x > width - 1:
                px = np.float32(0.0)
            if y < 0.0 or y > height - 1:
                py = np.float32(0.0)
            if z < 0.0 or z > depth - 1:
                pz = np.float32(0.0)
            gs0 += px
            gs1 += py
            gs2 += pz
            gv0 += s * px
            gv1 += s * py
            gv2 += s * pz
        _store(start_gradient, r, p, gs0, gs1, gs2)
        _store(step_gradient, r, p, gv0, gv1, gv2)


@njit(parallel=True, fastmath=FAST, cache=True)
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
                _fetch_cells(flat, table, size, start, step, UNSCALED, edges, r + 1, first, last)
            if _beside(start, step, r, first, last, height):
                continue
            p = 0
            for k in range(count):
                if seen[r, k, 0] == SKIPPED:
                    continue
                s = np.float32(0.5) * (edges[r, k] + edges[r, k + 1])
                p = _piece(step, r, p, s)
                j, fy = _cell(_at(start, step, r, p, s, 1), height)
                if j + 1 < first or j >= last:
                    continue
                i, fx = _cell(_at(start, step, r, p, s, 0), width)
                level_z, fz = _cell(_at(start, step, r, p, s, 2), depth)
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
                            v = _place(table, level_z + a, j + b, i + c, height, width)
                            if not _trained(table, v):
                                continue
                            _touch(touched, v, level_z + a, j + b, i + c)
                            flat[v, 0] += w * d0
                            flat[v, 1] += w * d1
                            flat[v, 2] += w * d2
                            flat[v, 3] += w * d3


@njit(parallel=True, fastmath=FAST, cache=True)
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
                _fetch_cells(flat, DENSE, size, start, step, scale, edges, r + 1, first, last)
            p = 0
            for k in range(count):
                if seen[r, k, 0] == SKIPPED:
                    continue
                s = np.float32(0.5) * (edges[r, k] + edges[r, k + 1])
                p = _piece(step, r, p, s)
                y = _at(start, step, r, p, s, 1) * scale[1]
                if y != y:
                    continue
                j, fy = _cell(y, height)
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
                i, fx = _cell(_at(start, step, r, p, s, 0) * scale[0], width)
                level_z, fz = _cell(_at(start, step, r, p, s, 2) * scale[2], depth)
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
                            v = _voxel(level_z + a, j + b, i + c, height, width)
                            for term in range(9):
                                flat[v, term] += w * slopes[term]


@njit(parallel=True, fastmath=FAST, cache=True)
def interpolate(voxels, table, size, positions, values):
    """Raw values of a lattice, dense or in blocks, at positions (x, y, z) in its voxel coordinates."""
    depth, height, width = size
    channels = values.shape[1]
    flat = voxels.reshape(-1, channels)
    for n in prange(positions.shape[0]):
        i, fx = _cell(positions[n, 0], width)
        j, fy = _cell(positions[n, 1], height)
        level_z, fz = _cell(positions[n, 2], depth)
        for channel in range(channels):
            values[n, channel] = np.float32(0.0)
        for a in range(2):
            wz = fz if a == 1 else np.float32(1.0) - fz
            for b in range(2):
                wy = wz * (fy if b == 1 else np.float32(1.0) - fy)
                for c in range(2):
                    w = wy * (fx if c == 1 else np.float32(1.0) - fx)
                    v = _place(table, level_z + a, j + b, i + c, height, width)
                    for channel in range(channels):
                        values[n, channel] += w * flat[v, channel]


@njit(parallel=True, fastmath=FAST, cache=True)
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
            density = share * _softplus(flat[v, 0])
            averages[z, y, x, 0] += density
            for channel in range(1, 4):
                averages[z, y, x, channel] += density * _sigmoid(flat[v, channel])
