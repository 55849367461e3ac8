"""Compiled: projected Gaussians sorted into tiles, blended front to back, and the gradient of that.

A tile is `TILE` x `TILE` pixels. Gaussians are taken in the order of depth, and each visits only its own pixels of the
tile; the picture's state stays in the cache. Along a row of pixels a Gaussian is computed by two multiplications a
pixel, for its logarithm is a parabola.

Reference:
    Kerbl et al., 3D Gaussian Splatting for Real-Time Radiance Field Rendering, 2023, section 6.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

from engine.export.splats.projection_kernels import LEAST_ALPHA

TILE = 16  # pixels
MOST_ALPHA = np.float32(0.99)  # of a Gaussian in a pixel, as in 3DGS
LEAST_LEFT = np.float32(1e-4)  # transmittance from which a pixel is done, as in 3DGS
ONE = np.float32(1)
HALF = np.float32(0.5)


@njit(cache=True)
def count_tiles(bounds, columns, tiles):
    """How many tiles each Gaussian touches, and how many Gaussians each tile has, both as running sums from 0.

    Args:
        bounds: Int32 (gaussians, 4).
        columns: tiles in a row of tiles.
        tiles: in the picture.
    Returns:
        Int64 (gaussians + 1) and Int64 (tiles + 1).
    """
    first, starts = np.zeros(len(bounds) + 1, np.int64), np.zeros(tiles + 1, np.int64)
    for index in range(len(bounds)):
        left, right, top, bottom = bounds[index]
        touched = 0
        if left < right and top < bottom:
            for row in range(top // TILE, (bottom - 1) // TILE + 1):
                for column in range(left // TILE, (right - 1) // TILE + 1):
                    starts[row * columns + column + 1] += 1
                    touched += 1
        first[index + 1] = first[index] + touched
    for tile in range(tiles):
        starts[tile + 1] += starts[tile]
    return first, starts


@njit(cache=True)
def fill_tiles(bounds, order, columns, first, starts):
    """The Gaussians of each tile in the given order, with the numbers of their entries.

    Args:
        bounds: Int32 (gaussians, 4).
        order: Int64, indices of the visible Gaussians, nearest first.
        columns: tiles in a row of tiles.
        first, starts: as of `count_tiles`.
    Returns:
        Int32 (entries, 2): Gaussian and number of its entry; those of a tile from its number in `starts` on.
    """
    listed = np.empty((starts[-1], 2), np.int32)
    cursor = starts[:-1].copy()
    for index in order:
        left, right, top, bottom = bounds[index]
        entry = first[index]
        for row in range(top // TILE, (bottom - 1) // TILE + 1):
            for column in range(left // TILE, (right - 1) // TILE + 1):
                tile = row * columns + column
                listed[cursor[tile], 0], listed[cursor[tile], 1] = index, entry
                cursor[tile] += 1
                entry += 1
    return listed


@njit(error_model="numpy")
def _span(one, reach, dy, left, right):
    """The pixels [begin, end) of a row, `dy` below the mean, in which a Gaussian is drawn."""
    middle = one[3] * dy
    inside = middle * middle - one[2] * (one[4] * dy * dy - reach)
    if inside <= 0:
        return left, left
    half = math.sqrt(inside)
    begin = math.ceil(one[0] - (middle + half) / one[2] - HALF)
    end = math.floor(one[0] - (middle - half) / one[2] + HALF)
    return max(left, int(begin)), min(right, int(end))


@njit(error_model="numpy")
def _scatter_tile(number, tiles):
    """The tile that is the `number`-th to be done: neighbours go to different threads, which have about equal work."""
    return (np.int64(number) * 97) % tiles if tiles % 97 else np.int64(number)


@njit(fastmath={"contract", "nsz", "arcp"}, error_model="numpy")
def _blend_tile(tile, projected, bounds, listed, starts, columns, background, image, left_over, ends):
    """One tile of `blend`."""
    height, width = left_over.shape
    top, left = tile // columns * TILE, tile % columns * TILE
    bottom, right = min(top + TILE, height), min(left + TILE, width)
    for y in range(top, bottom):
        for x in range(left, right):
            left_over[y, x] = ONE
            image[y, x, 0] = image[y, x, 1] = image[y, x, 2] = 0
    open_pixels = (bottom - top) * (right - left)
    end = starts[tile]
    while end < starts[tile + 1] and open_pixels > 0:
        index = listed[end, 0]
        end += 1
        one = projected[index]
        reach = np.float32(2 * math.log(one[5] / LEAST_ALPHA))
        change = math.exp(-one[2])
        x0, x1 = max(left, bounds[index, 0]), min(right, bounds[index, 1])
        for y in range(max(top, bounds[index, 2]), min(bottom, bounds[index, 3])):
            dy = np.float32(y) + HALF - one[1]
            begin, stop = _span(one, reach, dy, x0, x1)
            if begin >= stop:
                continue
            dx = np.float32(begin) + HALF - one[0]
            cross = one[3] * dy
            value = one[5] * math.exp(-HALF * (one[2] * dx * dx + one[4] * dy * dy) - cross * dx)
            ratio = math.exp(-(one[2] * (dx + HALF) + cross))
            for x in range(begin, stop):
                passing = left_over[y, x]
                if passing >= LEAST_LEFT:
                    alpha = min(value, MOST_ALPHA)
                    weight = alpha * passing
                    image[y, x, 0] += weight * one[6]
                    image[y, x, 1] += weight * one[7]
                    image[y, x, 2] += weight * one[8]
                    passing *= ONE - alpha
                    left_over[y, x] = passing
                    if passing < LEAST_LEFT:
                        open_pixels -= 1
                value *= ratio
                ratio *= change
    ends[tile] = end
    for y in range(top, bottom):
        for x in range(left, right):
            for channel in range(3):
                image[y, x, channel] += left_over[y, x] * background[channel]


@njit(parallel=True, cache=True, fastmath={"contract", "nsz", "arcp"}, error_model="numpy")
def blend(projected, bounds, listed, starts, columns, background, image, left_over, ends):
    """The picture.

    Args:
        projected: Float32 (gaussians, 9), as of `project`.
        bounds: Int32 (gaussians, 4).
        listed, starts: as of `fill_tiles` and `count_tiles`.
        columns: tiles in a row of tiles.
        background: Float32 (3), RGB.
        image: Float32 (height, width, 3), written.
        left_over: Float32 (height, width), written: the share of the background.
        ends: Int64 (tiles), written: the end of each tile's entries that count.
    """
    tiles = np.int64(len(starts) - 1)
    for number in prange(tiles):
        tile = _scatter_tile(number, tiles)
        _blend_tile(tile, projected, bounds, listed, starts, columns, background, image, left_over, ends)


@njit(fastmath={"contract", "nsz", "arcp"}, error_model="numpy")
def _differentiate_tile(tile, projected, bounds, listed, starts, columns, image, above, ends, gradient):
    """One tile of `differentiate_blend`."""
    height, width = image.shape[:2]
    top, left = tile // columns * TILE, tile % columns * TILE
    bottom, right = min(top + TILE, height), min(left + TILE, width)
    passing_of, behind_of = np.ones((TILE, TILE), np.float32), np.empty((TILE, TILE), np.float32)
    for y in range(top, bottom):
        for x in range(left, right):
            total = ONE * 0
            for channel in range(3):
                total += above[y, x, channel] * image[y, x, channel]
            behind_of[y - top, x - left] = total
    for place in range(starts[tile], ends[tile]):
        index = listed[place, 0]
        one, out = projected[index], gradient[listed[place, 1]]
        reach = np.float32(2 * math.log(one[5] / LEAST_ALPHA))
        change = math.exp(-one[2])
        x0, x1 = max(left, bounds[index, 0]), min(right, bounds[index, 1])
        zero = ONE * 0
        largest = by_column = by_line = by_a = by_b = by_c = by_value = red = green = blue = zero
        for y in range(max(top, bounds[index, 2]), min(bottom, bounds[index, 3])):
            dy = np.float32(y) + HALF - one[1]
            begin, stop = _span(one, reach, dy, x0, x1)
            if begin >= stop:
                continue
            dx = np.float32(begin) + HALF - one[0]
            cross = one[3] * dy
            value = one[5] * math.exp(-HALF * (one[2] * dx * dx + one[4] * dy * dy) - cross * dx)
            ratio = math.exp(-(one[2] * (dx + HALF) + cross))
            for x in range(begin, stop):
                passing = passing_of[y - top, x - left]
                if passing >= LEAST_LEFT:
                    alpha = min(value, MOST_ALPHA)
                    weight = alpha * passing
                    by_red, by_green, by_blue = above[y, x, 0], above[y, x, 1], above[y, x, 2]
                    own = by_red * one[6] + by_green * one[7] + by_blue * one[8]
                    behind = behind_of[y - top, x - left] - weight * own
                    behind_of[y - top, x - left] = behind
                    passing_of[y - top, x - left] = passing * (ONE - alpha)
                    red += weight * by_red
                    green += weight * by_green
                    blue += weight * by_blue
                    largest = max(largest, weight)
                    if value < MOST_ALPHA:
                        by_alpha = (passing * own - behind / (ONE - alpha)) * alpha
                        by_value += by_alpha  # times the opacity
                        by_column += by_alpha * (one[2] * dx + cross)
                        by_line += by_alpha * (one[3] * dx + one[4] * dy)
                        by_a -= by_alpha * dx * dx
                        by_b -= by_alpha * dx * dy
                        by_c -= by_alpha * dy * dy
                value *= ratio
                ratio *= change
                dx += ONE
        out[0], out[1] = by_column, by_line
        out[2], out[3], out[4] = HALF * by_a, by_b, HALF * by_c
        out[5] = by_value / one[5]
        out[6], out[7], out[8] = red, green, blue
        out[9] = largest


@njit(parallel=True, cache=True, fastmath={"contract", "nsz", "arcp"}, error_model="numpy")
def differentiate_blend(projected, bounds, listed, starts, columns, image, above, ends, gradient):
    """The gradient by the projected Gaussians, entry by entry.

    The pixels are blended again, front to back: what is behind a Gaussian is the finished picture less what has been
    blended so far.

    Args:
        projected, bounds, listed, starts, columns, image, ends: as of `blend`.
        above: Float32 (height, width, 3), the gradient by the picture.
        gradient: Float32 (entries, 10), zeros, written: nine numbers as in `projected`, and the largest weight of the
            entry in a pixel.
    """
    tiles = np.int64(len(starts) - 1)
    for number in prange(tiles):
        tile = _scatter_tile(number, tiles)
        _differentiate_tile(tile, projected, bounds, listed, starts, columns, image, above, ends, gradient)
