"""Compiled kernels of the hash encoding for the CPU: features at points, their gradients, and the optimiser.

A level is a lattice over the unit cube; features are interpolated trilinearly between its points. Points of a level
that has fewer entries than points are found by the hash of instant-ngp (arXiv 2201.05989, equation 4), whose first
factor is 1, so that neighbours along x share a cache line.

Gradients are scattered level by level: an entry belongs to one thread, and sums run in the order of the samples, so a
run is repeatable whatever the number of threads, without atomics. `engine.fields.hash.reference` is the same in torch.

What is computed of numbers alone (the functions without an array) is the same for CUDA, where `cuda_kernels` calls it.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

FEATURES = 4  # of an entry: a loop of known length is unrolled
CHUNK = 256  # points that one thread encodes at a time, level after level: the coarse ones stay in the cache
PRIME_Y, PRIME_Z = np.uint64(2654435761), np.uint64(805459861)
# All of LLVM's fast-math except "no NaNs" and "no infinities": a NaN must reach the loss, where it is detected.
FAST = {"reassoc", "contract", "arcp", "afn", "nsz"}


@njit(inline="always", fastmath=FAST)
def find_cell(x, size):
    """The first index of the cell and the fraction within it, clamped to the lattice."""
    limit = np.float32(size - 1)
    if x < 0.0:
        x = np.float32(0.0)
    elif x > limit:
        x = limit
    # A NaN must stay in the fraction, to be detected, and must not get into the index, which addresses memory.
    i = int(x) if x > 0.0 else 0
    if i > size - 2:  # Numba has no `min` of two numbers on CUDA
        i = size - 2
    return i, x - np.float32(i)


@njit(inline="always")
def find_entry(i, j, k, wide, high, hashed, mask, offset):
    """The entry of a lattice point; unsigned, because Numba tests other indices for negative values."""
    if hashed:
        return ((np.uint64(i) ^ (np.uint64(j) * PRIME_Y) ^ (np.uint64(k) * PRIME_Z)) & np.uint64(mask)) + np.uint64(
            offset
        )
    return np.uint64((k * high + j) * wide + i + offset)


@njit(inline="always", fastmath=FAST)
def mix(one, other, fraction):
    """Between two values."""
    return one + (other - one) * fraction


@njit(inline="always", fastmath=FAST)
def blend(a, b, c, d, e, f, g, h, fx, fy, fz):
    """A feature within its cell: of the corners, x changes fastest and z last."""
    near = mix(mix(a, b, fx), mix(c, d, fx), fy)
    far = mix(mix(e, f, fx), mix(g, h, fx), fy)
    return mix(near, far, fz)


@njit(inline="always", fastmath=FAST)
def find_slopes(a, b, c, d, e, f, g, h, fx, fy, fz):
    """The derivatives of `blend` by the three fractions."""
    near_up, near_down = mix(a, b, fx), mix(c, d, fx)
    far_up, far_down = mix(e, f, fx), mix(g, h, fx)
    near, far = mix(near_up, near_down, fy), mix(far_up, far_down, fy)
    by_x = mix(mix(b - a, d - c, fy), mix(f - e, h - g, fy), fz)
    return by_x, mix(near_down - near_up, far_down - far_up, fz), far - near


@njit(inline="always", fastmath=FAST)
def stretch(x, size, weight, scale):
    """What a derivative by a fraction is multiplied with: beyond its border a lattice is constant."""
    return np.float32(0.0) if x < 0.0 or x > np.float32(size - 1) else weight * scale


@njit(inline="always", fastmath=FAST)
def side(fraction, far):
    """The share of a cell's near (0) or far (1) corners along an axis."""
    return fraction if far == 1 else np.float32(1.0) - fraction


@njit(inline="always", fastmath=FAST)
def decay(moment, value, beta, share):
    """A moment of Adam after one more value; `share` is 1 - beta."""
    return beta * moment + share * value


@njit(inline="always", fastmath=FAST)
def find_change(mean, square, rate, correction2, epsilon):
    """What Adam takes off a value; `rate` includes the correction of the first moment."""
    return rate * mean / (math.sqrt(square * correction2) + epsilon)


@njit(parallel=True, fastmath=FAST, cache=True)
def encode(points, values, sizes, scales, offsets, weights, features, slopes):
    """Writes the weighted features of the levels that have a weight, and their derivatives by the point.

    Shapes: points (n, 3), features (n, open * FEATURES), slopes (n, open, 3, FEATURES), or (0, ...) if not wanted.
    """
    count, levels = points.shape[0], weights.shape[0]
    sloped = slopes.shape[0] > 0
    for chunk in prange((count + CHUNK - 1) // CHUNK):
        for level in range(levels):
            wide, high, deep = sizes[level, 0], sizes[level, 1], sizes[level, 2]
            offset = offsets[level]
            entries = offsets[level + 1] - offset
            hashed = wide * high * deep > entries
            mask = entries - 1
            weight = weights[level]
            for n in range(chunk * CHUNK, min((chunk + 1) * CHUNK, count)):
                x = points[n, 0] * scales[level, 0]
                y = points[n, 1] * scales[level, 1]
                z = points[n, 2] * scales[level, 2]
                i, fx = find_cell(x, wide)
                j, fy = find_cell(y, high)
                k, fz = find_cell(z, deep)
                a = find_entry(i, j, k, wide, high, hashed, mask, offset)
                b = find_entry(i + 1, j, k, wide, high, hashed, mask, offset)
                c = find_entry(i, j + 1, k, wide, high, hashed, mask, offset)
                d = find_entry(i + 1, j + 1, k, wide, high, hashed, mask, offset)
                e = find_entry(i, j, k + 1, wide, high, hashed, mask, offset)
                f = find_entry(i + 1, j, k + 1, wide, high, hashed, mask, offset)
                g = find_entry(i, j + 1, k + 1, wide, high, hashed, mask, offset)
                h = find_entry(i + 1, j + 1, k + 1, wide, high, hashed, mask, offset)
                by_x = stretch(x, wide, weight, scales[level, 0])
                by_y = stretch(y, high, weight, scales[level, 1])
                by_z = stretch(z, deep, weight, scales[level, 2])
                for q in range(FEATURES):
                    va, vb, vc, vd = values[a, q], values[b, q], values[c, q], values[d, q]
                    ve, vf, vg, vh = values[e, q], values[f, q], values[g, q], values[h, q]
                    features[n, level * FEATURES + q] = weight * blend(va, vb, vc, vd, ve, vf, vg, vh, fx, fy, fz)
                    if sloped:
                        sx, sy, sz = find_slopes(va, vb, vc, vd, ve, vf, vg, vh, fx, fy, fz)
                        slopes[n, level, 0, q] = by_x * sx
                        slopes[n, level, 1, q] = by_y * sy
                        slopes[n, level, 2, q] = by_z * sz


@njit(parallel=True, fastmath=FAST, cache=True)
def point_gradient(slopes, feature_gradient, gradient):
    """From the gradient of the features to that of the points, (n, 3)."""
    levels = slopes.shape[1]
    for n in prange(slopes.shape[0]):
        gx = np.float32(0.0)
        gy = np.float32(0.0)
        gz = np.float32(0.0)
        for level in range(levels):
            for q in range(FEATURES):
                g = feature_gradient[n, level * FEATURES + q]
                gx += g * slopes[n, level, 0, q]
                gy += g * slopes[n, level, 1, q]
                gz += g * slopes[n, level, 2, q]
        gradient[n, 0] = gx
        gradient[n, 1] = gy
        gradient[n, 2] = gz


@njit(parallel=True, fastmath=FAST, cache=True)
def scatter(points, feature_gradient, sizes, scales, offsets, weights, gradient):
    """Adds the gradients of features to those of the entries, a level per thread."""
    levels = weights.shape[0]
    for task in prange(levels):
        level = levels - 1 - task
        wide, high, deep = sizes[level, 0], sizes[level, 1], sizes[level, 2]
        offset = offsets[level]
        entries = offsets[level + 1] - offset
        hashed = wide * high * deep > entries
        mask = entries - 1
        weight = weights[level]
        for n in range(points.shape[0]):
            i, fx = find_cell(points[n, 0] * scales[level, 0], wide)
            j, fy = find_cell(points[n, 1] * scales[level, 1], high)
            k, fz = find_cell(points[n, 2] * scales[level, 2], deep)
            for c in range(2):
                wz = weight * side(fz, c)
                for b in range(2):
                    wy = wz * side(fy, b)
                    for a in range(2):
                        w = wy * side(fx, a)
                        at = find_entry(i + a, j + b, k + c, wide, high, hashed, mask, offset)
                        for q in range(FEATURES):
                            gradient[at, q] += w * feature_gradient[n, level * FEATURES + q]


@njit(parallel=True, fastmath=FAST, cache=True)
def adam(values, gradient, first, second, end, rate, beta1, beta2, correction2, epsilon):
    """One Adam step on the entries before `end` that have a gradient; clears their gradients.

    `rate` includes the correction of the first moment.
    """
    share1, share2 = np.float32(1.0) - beta1, np.float32(1.0) - beta2
    for chunk in prange((end + CHUNK - 1) // CHUNK):
        for at in range(np.uint64(chunk * CHUNK), np.uint64(min((chunk + 1) * CHUNK, end))):
            touched = False
            for q in range(FEATURES):
                touched = touched or gradient[at, q] != 0.0
            if not touched:
                continue
            for q in range(FEATURES):
                slope = gradient[at, q]
                mean = decay(first[at, q], slope, beta1, share1)
                square = decay(second[at, q], slope * slope, beta2, share2)
                first[at, q] = mean
                second[at, q] = square
                gradient[at, q] = np.float32(0.0)
                values[at, q] -= find_change(mean, square, rate, correction2, epsilon)
