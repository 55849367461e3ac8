"""Density and colour of raw values, and other functions of one number: for the CPU's kernels and for CUDA's."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from engine.fields.voxel_grid.kernels.compiling import FAST
from engine.fields.voxel_grid.kernels.limits import SEEN_THROUGH

THIN = np.float32(0.03)  # below it a series is more precise than a logarithm or a difference, in single precision
FAINT = np.float32(1e-3)  # optical depth below which two terms of a series are as precise as an exponential


@njit(inline="always", fastmath=FAST)
def softplus(x):
    if x > 15.0:
        return x
    e = math.exp(x)
    if e < THIN:
        return e * (np.float32(1.0) - e * (np.float32(0.5) - e * (np.float32(1 / 3) - e * np.float32(0.25))))
    return math.log(np.float32(1.0) + e)


@njit(inline="always", fastmath=FAST)
def softplus_slope(density):
    """The derivative of softplus at the argument for which softplus is `density`."""
    if density < THIN:
        return density * (np.float32(1.0) - density * (np.float32(0.5) - density * np.float32(1 / 6)))
    return np.float32(1.0) - math.exp(-density)


@njit(inline="always", fastmath=FAST)
def sigmoid(x):
    return np.float32(1.0) / (np.float32(1.0) + math.exp(-x))


@njit(inline="always", fastmath=FAST)
def absorbed(optical_depth):
    """1 - exp(-optical depth); most bins of a ray are empty, and there it is cheaper than an exponential."""
    if optical_depth > FAINT:
        return np.float32(1.0) - math.exp(-optical_depth)
    return optical_depth * (np.float32(1.0) - np.float32(0.5) * optical_depth)


@njit(inline="always", fastmath=FAST)
def seen_through(optical_depth):
    """How much of the light proposals take for passing through a bin."""
    if optical_depth > FAINT:
        return math.exp(-SEEN_THROUGH * optical_depth)
    return np.float32(1.0) - SEEN_THROUGH * optical_depth


# Not `min` and `max`, which Numba's CUDA target does not compile in functions of the CPU. A NaN stays one.
@njit(inline="always", fastmath=FAST)
def larger(one, other):
    return other if other > one else one


@njit(inline="always", fastmath=FAST)
def clamp(x):
    """To 0 to 1."""
    if x < np.float32(0.0):
        return np.float32(0.0)
    return np.float32(1.0) if x > np.float32(1.0) else x
