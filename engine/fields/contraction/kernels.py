"""Compiled: rays in the contracted cube, cut into straight pieces, and the gradient of the pieces by the rays.

The mathematics is that of `engine.fields.contraction.pieces`. Inside, numbers are double precision: depths of
neighbouring crossings may differ little.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

PIECES = 7  # at most
SHORTEST = 1e-4  # units of the cube: shorter pieces are left out, because s has too few digits to divide them
BEYOND = 2.0  # where the last piece ends, so that s = 1 still belongs to it
INSIDE = 6  # number of the function that is 1 everywhere: where it is the largest, a point lies in the near box


@njit
def _largest(origin, direction, depth):
    """The function that is the largest at a depth; of equal ones the first."""
    best, found = 1.0, INSIDE
    for axis in range(3):
        value = origin[axis] + depth * direction[axis]
        if value > best:
            best, found = value, 2 * axis
        if -value > best:
            best, found = -value, 2 * axis + 1
    return found


@njit
def _affine(origin, direction, number):
    """Value at depth 0 and slope of one of the seven functions."""
    if number == INSIDE:
        return 1.0, 0.0
    axis = number // 2
    sign = 1.0 - 2.0 * (number % 2)
    return sign * origin[axis], sign * direction[axis]


@njit
def _next_crossing(origin, direction, number, depth):
    """The depth at which a steeper function becomes the largest, and which; infinity where none does."""
    value, slope = _affine(origin, direction, number)
    nearest, found, steepest = math.inf, number, -math.inf
    for other in range(INSIDE + 1):
        other_value, other_slope = _affine(origin, direction, other)
        if other_slope > slope:
            crossing = max((value - other_value) / (other_slope - slope), depth)
            if crossing < nearest or (crossing == nearest and other_slope > steepest):
                nearest, found, steepest = crossing, other, other_slope
    return nearest, found


@njit
def _place(origin, direction, depth, number, outer, place):
    """Writes where a point of a ray lies in the cube; returns its distance in the maximum norm, 1 inside the box."""
    endless = depth == math.inf
    for axis in range(3):
        place[axis] = direction[axis] if endless else origin[axis] + depth * direction[axis]
    if number == INSIDE:
        return 1.0
    axis = number // 2
    sign = 1.0 - 2.0 * (number % 2)
    size = sign * place[axis]
    for other in range(3):
        place[other] /= size
    place[axis] = sign * (1.0 + outer * (1.0 - (0.0 if endless else 1.0 / size)))
    return size


@njit(parallel=True, cache=True)
def cut(origins, directions, nearest, outer, start, step, ends, length, first, rate, ratio, regions, depths):
    """Fills the fields of `pieces.Pieces`, and for the gradient the regions and the depths between which pieces
    lie."""
    for r in prange(origins.shape[0]):
        origin, direction = np.empty(3), np.empty(3)
        begin, finish = np.empty((PIECES, 3)), np.empty((PIECES, 3))
        lengths = np.empty(PIECES)
        for axis in range(3):
            origin[axis] = origins[r, axis]
            direction[axis] = directions[r, axis]
        depth = float(nearest)
        number = _largest(origin, direction, depth)
        count = 0
        total = 0.0
        for _ in range(PIECES):
            stop, following = _next_crossing(origin, direction, number, depth)
            if stop > depth:
                size = _place(origin, direction, depth, number, outer, begin[count])
                size_at_stop = _place(origin, direction, stop, number, outer, finish[count])
                squared = 0.0
                for axis in range(3):
                    squared += (finish[count, axis] - begin[count, axis]) ** 2
                span = math.sqrt(squared)
                if not span <= SHORTEST:  # NaN must go on
                    lengths[count] = span
                    regions[r, count] = number
                    depths[r, count, 0] = depth
                    depths[r, count, 1] = stop
                    first[r, count] = depth
                    if stop == math.inf:
                        slope = _affine(origin, direction, number)[1]
                        rate[r, count] = size / slope
                        ratio[r, count] = 0.0
                    else:
                        rate[r, count] = size * (stop - depth) / size_at_stop
                        ratio[r, count] = size / size_at_stop
                    total += span
                    count += 1
            if stop == math.inf:
                break
            depth, number = stop, following
        length[r] = total
        passed = 0.0
        for k in range(count):
            before, passed = passed, passed + lengths[k]
            begin_s, share = before / total, lengths[k] / total
            ends[r, k] = passed / total if k < count - 1 else BEYOND
            for axis in range(3):
                slope = (finish[k, axis] - begin[k, axis]) / share
                step[r, k, axis] = slope
                start[r, k, axis] = begin[k, axis] - begin_s * slope
        for k in range(count, PIECES):
            ends[r, k] = BEYOND
            regions[r, k] = -1
            first[r, k] = 0.0
            rate[r, k] = 0.0
            ratio[r, k] = 0.0
            for axis in range(3):
                start[r, k, axis] = 0.0 if count > 0 else math.nan
                step[r, k, axis] = 0.0


@njit
def _add(gradient, direction, place, depth, size, number, outer, by_origin, by_direction):
    """Adds to the gradients of a ray what the gradient of a place in the cube gives them."""
    endless = depth == math.inf
    for axis in range(3):
        slope = gradient[axis]
        if number != INSIDE:
            along = number // 2
            sign = 1.0 - 2.0 * (number % 2)
            if axis != along:
                slope = gradient[axis] / size
            else:
                slope = 0.0 if endless else outer * gradient[axis] / size**2
                for other in range(3):
                    if other != along:
                        slope -= sign * place[other] * gradient[other] / size
        if endless:
            by_direction[axis] += slope
        else:
            by_origin[axis] += slope
            by_direction[axis] += depth * slope


@njit(parallel=True, cache=True)
def differentiate(
    origins, directions, outer, length, ends, regions, depths, start_gradient, step_gradient, by_origins, by_directions
):
    """From the gradients of `start` and `step` of all pieces to those of the rays, at fixed depths of the ends."""
    for r in prange(origins.shape[0]):
        origin, direction, place = np.empty(3), np.empty(3), np.empty(3)
        at_begin, at_finish = np.empty(3), np.empty(3)
        by_origin, by_direction = np.zeros(3), np.zeros(3)
        for axis in range(3):
            origin[axis] = origins[r, axis]
            direction[axis] = directions[r, axis]
        begin_s = 0.0
        for k in range(PIECES):
            number = regions[r, k]
            if number < 0:
                break
            stop_s = min(float(ends[r, k]), 1.0)
            share = stop_s - begin_s
            for axis in range(3):
                of_start = start_gradient[r, k, axis]
                by_slope = (step_gradient[r, k, axis] - begin_s * of_start) / share
                at_begin[axis] = of_start - by_slope
                at_finish[axis] = by_slope
            size = _place(origin, direction, depths[r, k, 0], number, outer, place)
            _add(at_begin, direction, place, depths[r, k, 0], size, number, outer, by_origin, by_direction)
            size = _place(origin, direction, depths[r, k, 1], number, outer, place)
            _add(at_finish, direction, place, depths[r, k, 1], size, number, outer, by_origin, by_direction)
            begin_s = stop_s
        for axis in range(3):
            by_origins[r, axis] = by_origin[axis]
            by_directions[r, axis] = by_direction[axis]
