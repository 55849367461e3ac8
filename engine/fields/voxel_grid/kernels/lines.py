"""Where samples lie: points of rays that are straight in voxel coordinates, or bent.

A straight ray is `start + s * step` for s from 0 to 1, with arrays (rays, 3). A bent one is a few straight pieces,
with arrays (rays, pieces, 3) and (rays, pieces, 4), whose fourth number is the s at which a piece ends and the next
one begins; it reaches infinity: its last interval is opaque. Numba compiles each kernel for either.
"""

from __future__ import annotations

import numpy as np
from numba.extending import overload

from engine.fields.voxel_grid.kernels.compiling import FAST


def find_piece(step, r, p, s):
    """The piece of ray r in which s lies, where that is p or a later one."""


@overload(find_piece, inline="never", jit_options={"fastmath": FAST})
def _choose_find_piece(step, r, p, s):
    def straight(step, r, p, s):
        return 0

    def bent(step, r, p, s):
        while p + 1 < step.shape[1] and s > step[r, p, 3]:
            p += 1
        return p

    return straight if step.ndim == 2 else bent


def find_earlier_piece(step, r, p, s):
    """The piece of ray r in which s lies, where that is p or an earlier one."""


@overload(find_earlier_piece, inline="never", jit_options={"fastmath": FAST})
def _choose_find_earlier_piece(step, r, p, s):
    def straight(step, r, p, s):
        return 0

    def bent(step, r, p, s):
        while p > 0 and not s > step[r, p - 1, 3]:
            p -= 1
        return p

    return straight if step.ndim == 2 else bent


def find_last_piece(step):
    """The number of the last piece of a ray."""


@overload(find_last_piece, inline="never")
def _choose_find_last_piece(step):
    return (lambda step: 0) if step.ndim == 2 else (lambda step: step.shape[1] - 1)


def find_coordinate(start, step, r, p, s, axis):
    """A coordinate of the point at s of ray r, which lies on piece p."""


@overload(find_coordinate, inline="never", jit_options={"fastmath": FAST})
def _choose_find_coordinate(start, step, r, p, s, axis):
    def straight(start, step, r, p, s, axis):
        return start[r, axis] + s * step[r, axis]

    def bent(start, step, r, p, s, axis):
        return start[r, p, axis] + s * step[r, p, axis]

    return straight if step.ndim == 2 else bent


def ends_opaque(step):
    """Whether rays end opaque."""


@overload(ends_opaque, inline="never")
def _choose_ends_opaque(step):
    return (lambda step: False) if step.ndim == 2 else (lambda step: True)


def passes_beside(start, step, r, first, last, height):
    """Whether ray r lies beside the rows from `first` to before `last`; False where that is not known."""


@overload(passes_beside, inline="never", jit_options={"fastmath": FAST})
def _choose_passes_beside(start, step, r, first, last, height):
    def straight(start, step, r, first, last, height):
        y0 = start[r, 1]
        y1 = start[r, 1] + step[r, 1]
        before = max(y0, y1) < np.float32(first - 1) and first > 0
        return before or (min(y0, y1) > np.float32(last + 1) and last < height)

    def bent(start, step, r, first, last, height):
        return False

    return straight if step.ndim == 2 else bent


def store_gradient(gradient, r, p, x, y, z):
    """Writes the gradient of piece p of ray r."""


@overload(store_gradient, inline="never")
def _choose_store_gradient(gradient, r, p, x, y, z):
    def straight(gradient, r, p, x, y, z):
        gradient[r, 0] = x
        gradient[r, 1] = y
        gradient[r, 2] = z

    def bent(gradient, r, p, x, y, z):
        gradient[r, p, 0] = x
        gradient[r, p, 1] = y
        gradient[r, p, 2] = z

    return straight if gradient.ndim == 2 else bent
