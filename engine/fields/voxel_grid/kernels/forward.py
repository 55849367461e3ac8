"""Volume rendering, from voxels to colours."""

from __future__ import annotations

import math

import numpy as np
from numba import njit, prange

from engine.fields.voxel_grid.kernels.activations import sigmoid, softplus
from engine.fields.voxel_grid.kernels.compiling import FAST, compile_kernel
from engine.fields.voxel_grid.kernels.layout import DENSE, find_cell, find_place, find_voxel, is_inside, is_stored
from engine.fields.voxel_grid.kernels.limits import CELL, CLEAR, OPAQUE, SKIPPED, TINT_THRESHOLD, VISIBLE
from engine.fields.voxel_grid.kernels.lines import ends_opaque, find_coordinate, find_piece
from engine.fields.voxel_grid.kernels.prefetch import UNSCALED, fetch_cells


@njit(fastmath=FAST)
def sample_tint(flat, height, width, depth, across, down, along, x, y, z):
    """Directional colour: red, green and blue along the unit direction (across, down, along)."""
    i, fx = find_cell(x, width)
    j, fy = find_cell(y, height)
    level_z, fz = find_cell(z, depth)
    red = np.float32(0.0)
    green = np.float32(0.0)
    blue = np.float32(0.0)
    for a in range(2):
        wz = fz if a == 1 else np.float32(1.0) - fz
        for b in range(2):
            wy = wz * (fy if b == 1 else np.float32(1.0) - fy)
            for c in range(2):
                w = wy * (fx if c == 1 else np.float32(1.0) - fx)
                v = find_voxel(level_z + a, j + b, i + c, height, width)
                red += w * (across * flat[v, 0] + down * flat[v, 1] + along * flat[v, 2])
                green += w * (across * flat[v, 3] + down * flat[v, 4] + along * flat[v, 5])
                blue += w * (across * flat[v, 6] + down * flat[v, 7] + along * flat[v, 8])
    return red, green, blue


@compile_kernel
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
            fetch_cells(flat, table, size, start, step, UNSCALED, edges, r + 1, 0, height)
            if tinted:
                fetch_cells(tint_flat, DENSE, tint_size, start, step, scale, edges, r + 1, 0, tint_height)
        transmittance = np.float32(1.0)
        red = np.float32(0.0)
        green = np.float32(0.0)
        blue = np.float32(0.0)
        mean_s = np.float32(0.0)
        p = 0
        for k in range(count):
            s = np.float32(0.5) * (edges[r, k] + edges[r, k + 1])
            delta = (edges[r, k + 1] - edges[r, k]) * optical_length[r]
            p = find_piece(step, r, p, s)
            x = find_coordinate(start, step, r, p, s, 0)
            y = find_coordinate(start, step, r, p, s, 1)
            z = find_coordinate(start, step, r, p, s, 2)
            if transmittance < OPAQUE or (closed and not is_inside(x, y, z, width, height, depth)):
                seen[r, k, 0] = SKIPPED
                continue
            i, fx = find_cell(x, width)
            j, fy = find_cell(y, height)
            level_z, fz = find_cell(z, depth)
            if not is_stored(table, level_z, j, i):
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
                        v = find_place(table, level_z + a, j + b, i + c, height, width)
                        v0 += w * flat[v, 0]
                        v1 += w * flat[v, 1]
                        v2 += w * flat[v, 2]
                        v3 += w * flat[v, 3]
            density = softplus(v0)
            survives = math.exp(-density * delta)
            if ends_opaque(step) and k == count - 1:
                survives = np.float32(0.0)
            weight = transmittance * (np.float32(1.0) - survives)
            if marks and weight > VISIBLE:
                visible[0, level_z // CELL, j // CELL, i // CELL] = 1
                if weight > CLEAR:
                    visible[1, level_z // CELL, j // CELL, i // CELL] = 1
            if tinted and weight > TINT_THRESHOLD:
                t1, t2, t3 = sample_tint(
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
            c1 = sigmoid(v1)
            c2 = sigmoid(v2)
            c3 = sigmoid(v3)
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
