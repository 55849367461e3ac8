"""The voxel grid's quadrature on a CPU: fused, compiled, deterministic.

Every kernel sees a ray as a straight line in voxel coordinates, `start + s * step` with s in [0, 1], cut into
intervals at `edges`. A projective volume and a box are the same thing here: `optical_length` turns an interval of
s into the length that the density is multiplied with. Interpolation is trilinear, between the raw values; density
is softplus of the raw value, colour its sigmoid, both after interpolation (what a GL shader does with a texture). A
second, coarser volume may add a colour linear in the viewing direction, three coefficients per channel.

Voxels are interleaved, (depth, height, width, channel), so that one corner of a cell is one cache line. Gradients
are scattered by slabs of rows: a voxel belongs to one thread, and sums run in the order of the rays, so a run is
repeatable whatever the number of threads, without atomics.

All of them are in one file because Numba's cache looks at the file of a kernel alone: what were inlined from another
one would stay as it was when that changes.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

TILE = 4  # voxels of a row that share a "touched" flag: a cache line of them
TINT_THRESHOLD = np.float32(1e-3)  # of a sample's weight, below which its directional colour is left out
EMPTY = np.float32(-1e30)  # the raw density of a sample that was skipped
# All of LLVM's fast-math but "no NaNs" and "no infinities": a NaN must survive to be caught and counted.
FAST = {"reassoc", "contract", "arcp", "afn", "nsz"}


@njit(inline="always", fastmath=FAST)
def _softplus(x):
    if x > 15.0:
        return x
    return math.log1p(math.exp(x))


@njit(inline="always", fastmath=FAST)
def _sigmoid(x):
    return np.float32(1.0) / (np.float32(1.0) + math.exp(-x))


@njit(inline="always", fastmath=FAST)
def _cell(x, size):
    """The cell's first index and the fraction within it, clamped to the volume."""
    limit = np.float32(size - 1)
    if x < 0.0:
        x = np.float32(0.0)
    elif x > limit:
        x = limit
    # NaN falls through: it must stay in the fraction, to be seen, and out of the index, which is memory
    i = min(int(x), size - 2) if x > 0.0 else 0
    return i, x - np.float32(i)


@njit(inline="always", fastmath=FAST)
def _inside(x, y, z, width, height, depth):
    """False only for what is known to be outside: NaN counts as inside, where it shows up in the colour."""
    outside = x < -1e-3 or x > width - 0.999 or y < -1e-3 or y > height - 0.999 or z < -1e-3 or z > depth - 0.999
    return not outside


@njit(parallel=True, fastmath=FAST, cache=True)
def proposal_edges(coarse, start, step, optical_length, closed, floor, jitter, edges):
    """Draws interval edges from the density of a pooled volume: many where the surface is, a few everywhere.

    `coarse` holds activated density, (bins_z, rows, columns); start and step are in *its* voxel coordinates. One
    sample per bin along s gives weights; they are widened to their neighbours, floored, and inverted at evenly
    spaced, jittered levels, so that the intervals tile the ray.
    """
    rays, count = edges.shape[0], edges.shape[1] - 1
    depth, height, width = coarse.shape
    bins = 2 * depth if closed else depth
    for r in prange(rays):
        weight = np.empty(bins, np.float32)
        transmittance = np.float32(1.0)
        for k in range(bins):
            s = np.float32((k + 0.5) / bins)
            x = start[r, 0] + s * step[r, 0]
            y = start[r, 1] + s * step[r, 1]
            z = start[r, 2] + s * step[r, 2]
            density = np.float32(0.0)
            if not closed or _inside(x, y, z, width, height, depth):
                i, fx = _cell(x, width)
                j, fy = _cell(y, height)
                level_z, fz = _cell(z, depth)
                for a in range(2):
                    wz = fz if a == 1 else np.float32(1.0) - fz
                    for b in range(2):
                        wy = wz * (fy if b == 1 else np.float32(1.0) - fy)
                        density += wy * (
                            (np.float32(1.0) - fx) * coarse[level_z + a, j + b, i]
                            + fx * coarse[level_z + a, j + b, i + 1]
                        )
            alpha = np.float32(1.0) - math.exp(-density * optical_length[r] / np.float32(bins))
            weight[k] = transmittance * alpha
            transmittance *= np.float32(1.0) - alpha
        total = np.float32(0.0)
        previous = np.float32(0.0)
        for k in range(bins):
            here = weight[k]
            following = weight[k + 1] if k + 1 < bins else np.float32(0.0)
            widened = max(previous, max(here, following)) + floor / np.float32(bins)
            previous = here
            weight[k] = widened
            total += widened
        cumulative = np.float32(0.0)
        k = 0
        for e in range(count + 1):
            level = min(max((e + jitter[r] - np.float32(0.5)) / np.float32(count), np.float32(0.0)), np.float32(1.0))
            target = level * total
            while k < bins - 1 and cumulative + weight[k] < target:
                cumulative += weight[k]
                k += 1
            fraction = min(max((target - cumulative) / weight[k], np.float32(0.0)), np.float32(1.0))
            edges[r, e] = (np.float32(k) + fraction) / np.float32(bins)
        edges[r, 0] = 0.0
        edges[r, count] = 1.0


@njit(inline="always", fastmath=FAST)
def _tint(tint, basis, r, channel, x, y, z):
    """One channel's directional colour: coefficients channel .. channel + 2 along the ray's direction."""
    i, fx = _cell(x, tint.shape[2])
    j, fy = _cell(y, tint.shape[1])
    level_z, fz = _cell(z, tint.shape[0])
    value = np.float32(0.0)
    for a in range(2):
        wz = fz if a == 1 else np.float32(1.0) - fz
        for b in range(2):
            wy = wz * (fy if b == 1 else np.float32(1.0) - fy)
            for c in range(2):
                w = wy * (fx if c == 1 else np.float32(1.0) - fx)
                value += w * (
                    basis[r, 0] * tint[level_z + a, j + b, i + c, channel]
                    + basis[r, 1] * tint[level_z + a, j + b, i + c, channel + 1]
                    + basis[r, 2] * tint[level_z + a, j + b, i + c, channel + 2]
                )
    return value


@njit(parallel=True, fastmath=FAST, cache=True)
def march_forward(
    voxels, tint, basis, start, step, optical_length, closed, edges, background, colour, opacity, depth_s, raw
):
    """Renders rays; keeps the interpolated raw values of every sample for the backward pass.

    `tint` is the volume of directional coefficients (width 0 where there is none), `basis` the unit directions.
    """
    rays, count = edges.shape[0], edges.shape[1] - 1
    depth, height, width, _ = voxels.shape
    tinted = tint.shape[2] > 0
    across = np.float32((tint.shape[2] - 1) / (width - 1))
    down = np.float32((tint.shape[1] - 1) / (height - 1))
    along = np.float32((tint.shape[0] - 1) / (depth - 1))
    for r in prange(rays):
        transmittance = np.float32(1.0)
        red = np.float32(0.0)
        green = np.float32(0.0)
        blue = np.float32(0.0)
        mean_s = np.float32(0.0)
        for k in range(count):
            s = np.float32(0.5) * (edges[r, k] + edges[r, k + 1])
            delta = (edges[r, k + 1] - edges[r, k]) * optical_length[r]
            x = start[r, 0] + s * step[r, 0]
            y = start[r, 1] + s * step[r, 1]
            z = start[r, 2] + s * step[r, 2]
            if transmittance < np.float32(1e-4) or (closed and not _inside(x, y, z, width, height, depth)):
                raw[r, k, 0] = EMPTY
                continue
            i, fx = _cell(x, width)
            j, fy = _cell(y, height)
            level_z, fz = _cell(z, depth)
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
                        v0 += w * voxels[level_z + a, j + b, i + c, 0]
                        v1 += w * voxels[level_z + a, j + b, i + c, 1]
                        v2 += w * voxels[level_z + a, j + b, i + c, 2]
                        v3 += w * voxels[level_z + a, j + b, i + c, 3]
            alpha = np.float32(1.0) - math.exp(-_softplus(v0) * delta)
            weight = transmittance * alpha
            if tinted and weight > TINT_THRESHOLD:
                v1 += _tint(tint, basis, r, 0, x * across, y * down, z * along)
                v2 += _tint(tint, basis, r, 3, x * across, y * down, z * along)
                v3 += _tint(tint, basis, r, 6, x * across, y * down, z * along)
            raw[r, k, 0] = v0
            raw[r, k, 1] = v1
            raw[r, k, 2] = v2
            raw[r, k, 3] = v3
            red += weight * _sigmoid(v1)
            green += weight * _sigmoid(v2)
            blue += weight * _sigmoid(v3)
            mean_s += weight * s
            transmittance *= np.float32(1.0) - alpha
        colour[r, 0] = red + transmittance * background[0]
        colour[r, 1] = green + transmittance * background[1]
        colour[r, 2] = blue + transmittance * background[2]
        opacity[r] = np.float32(1.0) - transmittance
        depth_s[r] = mean_s + transmittance


@njit(parallel=True, fastmath=FAST, cache=True)
def march_backward(
    voxels,
    start,
    step,
    optical_length,
    closed,
    edges,
    background,
    raw,
    colour_gradient,
    sample_gradient,
    start_gradient,
    step_gradient,
):
    """From the gradient of the colours to the gradients of every sample's raw values and of the rays."""
    rays, count = edges.shape[0], edges.shape[1] - 1
    depth, height, width, _ = voxels.shape
    for r in prange(rays):
        g_red = colour_gradient[r, 0]
        g_green = colour_gradient[r, 1]
        g_blue = colour_gradient[r, 2]
        transmittance = np.float32(1.0)
        value = np.empty(count, np.float32)
        passed = np.empty(count, np.float32)
        for k in range(count):
            if raw[r, k, 0] == EMPTY:
                continue
            delta = (edges[r, k + 1] - edges[r, k]) * optical_length[r]
            survives = math.exp(-_softplus(raw[r, k, 0]) * delta)
            value[k] = (
                g_red * _sigmoid(raw[r, k, 1]) + g_green * _sigmoid(raw[r, k, 2]) + g_blue * _sigmoid(raw[r, k, 3])
            )
            passed[k] = transmittance
            transmittance *= survives
        behind = transmittance * (g_red * background[0] + g_green * background[1] + g_blue * background[2])
        gs0 = np.float32(0.0)
        gs1 = np.float32(0.0)
        gs2 = np.float32(0.0)
        gv0 = np.float32(0.0)
        gv1 = np.float32(0.0)
        gv2 = np.float32(0.0)
        for k in range(count - 1, -1, -1):
            if raw[r, k, 0] == EMPTY:
                sample_gradient[r, k, 0] = 0.0
                sample_gradient[r, k, 1] = 0.0
                sample_gradient[r, k, 2] = 0.0
                sample_gradient[r, k, 3] = 0.0
                continue
            delta = (edges[r, k + 1] - edges[r, k]) * optical_length[r]
            density = _softplus(raw[r, k, 0])
            survives = math.exp(-density * delta)
            weight = passed[k] * (np.float32(1.0) - survives)
            # d colour / d density = delta * (transmitted * value - what lies behind)
            d0 = delta * (passed[k] * survives * value[k] - behind) * _sigmoid(raw[r, k, 0])
            behind += weight * value[k]
            c1 = _sigmoid(raw[r, k, 1])
            c2 = _sigmoid(raw[r, k, 2])
            c3 = _sigmoid(raw[r, k, 3])
            d1 = g_red * weight * c1 * (np.float32(1.0) - c1)
            d2 = g_green * weight * c2 * (np.float32(1.0) - c2)
            d3 = g_blue * weight * c3 * (np.float32(1.0) - c3)
            sample_gradient[r, k, 0] = d0
            sample_gradient[r, k, 1] = d1
            sample_gradient[r, k, 2] = d2
            sample_gradient[r, k, 3] = d3
            s = np.float32(0.5) * (edges[r, k] + edges[r, k + 1])
            x = start[r, 0] + s * step[r, 0]
            y = start[r, 1] + s * step[r, 1]
            z = start[r, 2] + s * step[r, 2]
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
                        dot = (
                            d0 * voxels[level_z + a, j + b, i + c, 0]
                            + d1 * voxels[level_z + a, j + b, i + c, 1]
                            + d2 * voxels[level_z + a, j + b, i + c, 2]
                            + d3 * voxels[level_z + a, j + b, i + c, 3]
                        )
                        px += sx * wy * wz * dot
                        py += wx * sy * wz * dot
                        pz += wx * wy * sz * dot
            # Beyond the border the volume goes on unchanged.
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
        start_gradient[r, 0] = gs0
        start_gradient[r, 1] = gs1
        start_gradient[r, 2] = gs2
        step_gradient[r, 0] = gv0
        step_gradient[r, 1] = gv1
        step_gradient[r, 2] = gv2


@njit(parallel=True, fastmath=FAST, cache=True)
def scatter(gradient, touched, start, step, edges, raw, sample_gradient, rows):
    """Adds the samples' gradients to the voxels, each slab of rows by one thread; marks the tiles it touched."""
    rays, count = edges.shape[0], edges.shape[1] - 1
    depth, height, width, _ = gradient.shape
    for slab in prange(rows.shape[0] - 1):
        first = rows[slab]
        last = rows[slab + 1]
        for r in range(rays):
            y0 = start[r, 1]
            y1 = start[r, 1] + step[r, 1]
            if max(y0, y1) < np.float32(first - 1) and first > 0:
                continue
            if min(y0, y1) > np.float32(last + 1) and last < height:
                continue
            for k in range(count):
                if raw[r, k, 0] == EMPTY:
                    continue
                s = np.float32(0.5) * (edges[r, k] + edges[r, k + 1])
                j, fy = _cell(start[r, 1] + s * step[r, 1], height)
                if j + 1 < first or j >= last:
                    continue
                i, fx = _cell(start[r, 0] + s * step[r, 0], width)
                level_z, fz = _cell(start[r, 2] + s * step[r, 2], depth)
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
                        touched[level_z + a, j + b, i // TILE] = 1
                        touched[level_z + a, j + b, (i + 1) // TILE] = 1
                        for c in range(2):
                            w = wz * (fx if c == 1 else np.float32(1.0) - fx)
                            gradient[level_z + a, j + b, i + c, 0] += w * d0
                            gradient[level_z + a, j + b, i + c, 1] += w * d1
                            gradient[level_z + a, j + b, i + c, 2] += w * d2
                            gradient[level_z + a, j + b, i + c, 3] += w * d3


@njit(parallel=True, fastmath=FAST, cache=True)
def scatter_tint(gradient, touched, basis, start, step, scale, edges, raw, sample_gradient, rows):
    """The same for the directional coefficients; `scale` takes voxel coordinates to the tint's."""
    rays, count = edges.shape[0], edges.shape[1] - 1
    depth, height, width, _ = gradient.shape
    for slab in prange(rows.shape[0] - 1):
        first = rows[slab]
        last = rows[slab + 1]
        for r in range(rays):
            for k in range(count):
                if raw[r, k, 0] == EMPTY:
                    continue
                s = np.float32(0.5) * (edges[r, k] + edges[r, k + 1])
                y = (start[r, 1] + s * step[r, 1]) * scale[1]
                if y != y:
                    continue
                j, fy = _cell(y, height)
                if j + 1 < first or j >= last:
                    continue
                slopes = sample_gradient[r, k]
                if slopes[1] == 0.0 and slopes[2] == 0.0 and slopes[3] == 0.0:
                    continue
                i, fx = _cell((start[r, 0] + s * step[r, 0]) * scale[0], width)
                level_z, fz = _cell((start[r, 2] + s * step[r, 2]) * scale[2], depth)
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
                            for channel in range(3):
                                d = w * slopes[channel + 1]
                                for term in range(3):
                                    gradient[level_z + a, j + b, i + c, 3 * channel + term] += d * basis[r, term]


@njit(parallel=True, fastmath=FAST, cache=True)
def add_smoothness(voxels, gradient, touched, weight, density_weight):
    """Adds the gradient of the squared differences between neighbours, on the touched tiles only."""
    depth, height, width, channels = voxels.shape
    for j in prange(height):
        for level_z in range(depth):
            for tile in range(touched.shape[2]):
                if touched[level_z, j, tile] == 0:
                    continue
                for i in range(tile * TILE, min((tile + 1) * TILE, width)):
                    for c in range(channels):
                        here = voxels[level_z, j, i, c]
                        total = np.float32(0.0)
                        if level_z > 0:
                            total += here - voxels[level_z - 1, j, i, c]
                        if level_z < depth - 1:
                            total += here - voxels[level_z + 1, j, i, c]
                        if j > 0:
                            total += here - voxels[level_z, j - 1, i, c]
                        if j < height - 1:
                            total += here - voxels[level_z, j + 1, i, c]
                        if i > 0:
                            total += here - voxels[level_z, j, i - 1, c]
                        if i < width - 1:
                            total += here - voxels[level_z, j, i + 1, c]
                        gradient[level_z, j, i, c] += (density_weight if c == 0 else weight) * total


@njit(parallel=True, fastmath=FAST, cache=True)
def adam(
    voxels, gradient, first, second, touched, rate, beta1, beta2, correction1, correction2, epsilon, density_rate
):
    """One Adam step on the touched tiles, whose gradients and flags are cleared on the way."""
    depth, height, width, channels = voxels.shape
    for j in prange(height):
        for level_z in range(depth):
            for tile in range(touched.shape[2]):
                if touched[level_z, j, tile] == 0:
                    continue
                touched[level_z, j, tile] = 0
                for i in range(tile * TILE, min((tile + 1) * TILE, width)):
                    for c in range(channels):
                        g = gradient[level_z, j, i, c]
                        m = beta1 * first[level_z, j, i, c] + (np.float32(1.0) - beta1) * g
                        v = beta2 * second[level_z, j, i, c] + (np.float32(1.0) - beta2) * g * g
                        first[level_z, j, i, c] = m
                        second[level_z, j, i, c] = v
                        gradient[level_z, j, i, c] = 0.0
                        factor = rate * density_rate if c == 0 else rate
                        voxels[level_z, j, i, c] -= factor * (m * correction1) / (math.sqrt(v * correction2) + epsilon)
