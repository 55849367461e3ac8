"""Compiled kernels of the hash encoding for the CPU: features at points, their gradients, and the optimiser.

A level is a lattice over the unit cube; features are interpolated trilinearly between its points. Points of a level
that has fewer entries than points are found by the hash of instant-ngp (arXiv 2201.05989, equation 4), whose first
factor is 1, so that neighbours along x share a cache line.

Gradients are scattered level by level: an entry belongs to one thread, and sums run in the order of the samples, so a
run is repeatable whatever the number of threads, without atomics. `engine.fields.hash.reference` is the same in torch.
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
def _cell(x, size):
    """The first index of the cell and the fraction within it, clamped to the lattice."""
    limit = np.float32(size - 1)
    if x < 0.0:
        x = np.float32(0.0)
    elif x > limit:
        x = limit
    # A NaN must stay in the fraction, to be detected, and must not get into the index, which addresses memory.
    i = min(int(x), size - 2) if x > 0.0 else 0
    return i, x - np.float32(i)


@njit(inline="always")
def _entry(i, j, k, wide, high, hashed, mask, offset):
    """The entry of a lattice point; unsigned, because Numba tests other indices for negative values."""
    if hashed:
        return ((np.uint64(i) ^ (np.uint64(j) * PRIME_Y) ^ (np.uint64(k) * PRIME_Z)) & np.uint64(mask)) + np.uint64(
            offset
        )
    return np.uint64((k * high + j) * wide + i + offset)


@njit(inline="always", fastmath=FAST)
def _mix(one, other, fraction):
    return one + (other - one) * fraction


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
                i, fx = _cell(x, wide)
                j, fy = _cell(y, high)
                k, fz = _cell(z, deep)
                a = _entry(i, j, k, wide, high, hashed, mask, offset)
                b = _entry(i + 1, j, k, wide, high, hashed, mask, offset)
                c = _entry(i, j + 1, k, wide, high, hashed, mask, offset)
                d = _entry(i + 1, j + 1, k, wide, high, hashed, mask, offset)
                e = _entry(i, j, k + 1, wide, high, hashed, mask, offset)
                f = _entry(i + 1, j, k + 1, wide, high, hashed, mask, offset)
                g = _entry(i, j + 1, k + 1, wide, high, hashed, mask, offset)
                h = _entry(i + 1, j + 1, k + 1, wide, high, hashed, mask, offset)
                # Beyond its border a lattice is constant.
                by_x = np.float32(0.0) if x < 0.0 or x > wide - 1 else weight * scales[level, 0]
                by_y = np.float32(0.0) if y < 0.0 or y > high - 1 else weight * scales[level, 1]
                by_z = np.float32(0.0) if z < 0.0 or z > deep - 1 else weight * scales[level, 2]
                for q in range(FEATURES):
                    va, vb, vc, vd = values[a, q], values[b, q], values[c, q], values[d, q]
                    ve, vf, vg, vh = values[e, q], values[f, q], values[g, q], values[h, q]
                    near_up, near_down = _mix(va, vb, fx), _mix(vc, vd, fx)
                    far_up, far_down = _mix(ve, vf, fx), _mix(vg, vh, fx)
                    near, far = _mix(near_up, near_down, fy), _mix(far_up, far_down, fy)
                    features[n, level * FEATURES + q] = weight * _mix(near, far, fz)
                    if sloped:
                        slopes[n, level, 0, q] = by_x * _mix(
                            _mix(vb - va, vd - vc, fy), _mix(vf - ve, vh - vg, fy), fz
                        )
                        slopes[n, level, 1, q] = by_y * _mix(near_down - near_up, far_down - far_up, fz)
                        slopes[n, level, 2, q] = by_z * (far - near)


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
            i, fx = _cell(points[n, 0] * scales[level, 0], wide)
            j, fy = _cell(points[n, 1] * scales[level, 1], high)
            k, fz = _cell(points[n, 2] * scales[level, 2], deep)
            for c in range(2):
                wz = weight * (fz if c == 1 else np.float32(1.0) - fz)
                for b in range(2):
                    wy = wz * (fy if b == 1 else np.float32(1.0) - fy)
                    for a in range(2):
                        w = wy * (fx if a == 1 else np.float32(1.0) - fx)
                        at = _entry(i + a, j + b, k + c, wide, high, hashed, mask, offset)
                        for q in range(FEATURES):
                            gradient[at, q] += w * feature_gradient[n, level * FEATURES + q]


@njit(parallel=True, fastmath=FAST, cache=True)
def adam(values, gradient, first, second, end, rate, beta1, beta2, correction2, epsilon):
    """One Adam step on the entries before `end` that have a gradient; clears their gradients.

    `rate` includes the correction of the first moment.
    """
    one = np.float32(1.0)
    for chunk in prange((end + CHUNK - 1) // CHUNK):
        for at in range(np.uint64(chunk * CHUNK), np.uint64(min((chunk + 1) * CHUNK, end))):
            touched = False
            for q in range(FEATURES):
                touched = touched or gradient[at, q] != 0.0
            if not touched:
                continue
            for q in range(FEATURES):
                g = gradient[at, q]
                m = beta1 * first[at, q] + (one - beta1) * g
                v = beta2 * second[at, q] + (one - beta2) * g * g
                first[at, q] = m
                second[at, q] = v
                gradient[at, q] = np.float32(0.0)
                values[at, q] -= rate * m / (math.sqrt(v * correction2) + epsilon)
