"""Kernels of the hash encoding for CUDA: features at points, their gradients, and the optimiser.

They do what `kernels` does on the CPU, and call the same functions for what is computed of numbers: Numba compiles
these for either. What differs is how the work is divided. A thread computes one feature of a point on one level, four
neighbouring threads those of an entry, which lie side by side in memory: what they read, and add, is one transaction.
`blockIdx.y` is the level: a GPU begins blocks in the order of x, then y, so that the entries of a level stay in its
cache. Gradients are scattered with atomics, so that sums run in any order and two runs agree to rounding errors only.

Sizes, scales, offsets and weights are read from memory of the device: a launch that was captured in a CUDA graph keeps
its arguments. With NUMBA_ENABLE_CUDASIM=1 Numba runs the kernels in Python, on arrays of the host.
"""

from __future__ import annotations

import numpy as np
from numba import cuda

from engine.fields.cuda_launch import finite_or_zero, make_kernel
from engine.fields.hash.kernels import (
    FEATURES,
    blend,
    decay,
    find_cell,
    find_change,
    find_entry,
    find_slopes,
    side,
    stretch,
)

NONE = np.float32(0.0)
AXES = 3


@make_kernel
def encode(points, values, sizes, scales, offsets, weights, features, sloped, slopes):
    """As `kernels.encode`, a thread per feature of a point; what is not `sloped` has slopes that are never written."""
    thread = cuda.grid(1)
    n = thread // FEATURES
    if n >= points.shape[0]:
        return
    q = thread - n * FEATURES
    level = cuda.blockIdx.y
    wide, high, deep = sizes[level, 0], sizes[level, 1], sizes[level, 2]
    offset = offsets[level]
    entries = offsets[level + 1] - offset
    hashed = wide * high * deep > entries
    mask = entries - 1
    weight = weights[level]
    x = points[n, 0] * scales[level, 0]
    y = points[n, 1] * scales[level, 1]
    z = points[n, 2] * scales[level, 2]
    i, fx = find_cell(x, wide)
    j, fy = find_cell(y, high)
    k, fz = find_cell(z, deep)
    a = values[find_entry(i, j, k, wide, high, hashed, mask, offset), q]
    b = values[find_entry(i + 1, j, k, wide, high, hashed, mask, offset), q]
    c = values[find_entry(i, j + 1, k, wide, high, hashed, mask, offset), q]
    d = values[find_entry(i + 1, j + 1, k, wide, high, hashed, mask, offset), q]
    e = values[find_entry(i, j, k + 1, wide, high, hashed, mask, offset), q]
    f = values[find_entry(i + 1, j, k + 1, wide, high, hashed, mask, offset), q]
    g = values[find_entry(i, j + 1, k + 1, wide, high, hashed, mask, offset), q]
    h = values[find_entry(i + 1, j + 1, k + 1, wide, high, hashed, mask, offset), q]
    features[n, level * FEATURES + q] = weight * blend(a, b, c, d, e, f, g, h, fx, fy, fz)
    if sloped:
        by_x, by_y, by_z = find_slopes(a, b, c, d, e, f, g, h, fx, fy, fz)
        slopes[n, level, 0, q] = stretch(x, wide, weight, scales[level, 0]) * by_x
        slopes[n, level, 1, q] = stretch(y, high, weight, scales[level, 1]) * by_y
        slopes[n, level, 2, q] = stretch(z, deep, weight, scales[level, 2]) * by_z


@make_kernel
def point_gradient(slopes, feature_gradient, gradient):
    """As `kernels.point_gradient`, a thread per axis of a point."""
    thread = cuda.grid(1)
    n = thread // AXES
    if n >= slopes.shape[0]:
        return
    axis = thread - n * AXES
    total = NONE
    for level in range(slopes.shape[1]):
        for q in range(FEATURES):
            total += feature_gradient[n, level * FEATURES + q] * slopes[n, level, axis, q]
    gradient[n, axis] = total


@make_kernel
def scatter(points, feature_gradient, sizes, scales, offsets, weights, gradient):
    """As `kernels.scatter`, a thread per feature of a point; a sample that counts for nothing adds nothing."""
    thread = cuda.grid(1)
    n = thread // FEATURES
    if n >= points.shape[0]:
        return
    q = thread - n * FEATURES
    level = cuda.blockIdx.y
    slope = weights[level] * feature_gradient[n, level * FEATURES + q]
    if slope == NONE:
        return
    wide, high, deep = sizes[level, 0], sizes[level, 1], sizes[level, 2]
    offset = offsets[level]
    entries = offsets[level + 1] - offset
    hashed = wide * high * deep > entries
    mask = entries - 1
    i, fx = find_cell(points[n, 0] * scales[level, 0], wide)
    j, fy = find_cell(points[n, 1] * scales[level, 1], high)
    k, fz = find_cell(points[n, 2] * scales[level, 2], deep)
    for c in range(2):
        by_z = slope * side(fz, c)
        for b in range(2):
            by_y = by_z * side(fy, b)
            for a in range(2):
                at = find_entry(i + a, j + b, k + c, wide, high, hashed, mask, offset)
                cuda.atomic.add(gradient, (at, q), by_y * side(fx, a))


@make_kernel
def adam(values, gradient, first, second, end, rate, beta1, beta2, correction2, epsilon):
    """As `kernels.adam`, a thread per value; a gradient that is not finite counts as zero.

    The host does not look for one, as it does on the CPU, because it would have to wait.
    """
    thread = cuda.grid(1)
    at = thread // FEATURES
    q = thread - at * FEATURES
    within = at < end
    touched = False
    if within:
        for other in range(FEATURES):
            touched = touched or finite_or_zero(gradient[at, other]) != NONE
    slope = finite_or_zero(gradient[at, q]) if within else NONE
    cuda.syncthreads()  # the other threads of the entry, which are of this block, have read it
    if within:
        gradient[at, q] = NONE
    if touched:
        mean = decay(first[at, q], slope, beta1, np.float32(1.0) - beta1)
        square = decay(second[at, q], slope * slope, beta2, np.float32(1.0) - beta2)
        first[at, q] = mean
        second[at, q] = square
        values[at, q] -= find_change(mean, square, rate, correction2, epsilon)
