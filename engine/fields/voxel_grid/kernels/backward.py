"""The gradient of volume rendering, from colours to samples and rays; `scattering` takes it on to the voxels."""

from __future__ import annotations

import math

import numpy as np
from numba import prange

from engine.fields.voxel_grid.kernels.activations import softplus_slope
from engine.fields.voxel_grid.kernels.compiling import compile_kernel
from engine.fields.voxel_grid.kernels.layout import find_cell, find_place
from engine.fields.voxel_grid.kernels.limits import SKIPPED
from engine.fields.voxel_grid.kernels.lines import (
    ends_opaque,
    find_coordinate,
    find_earlier_piece,
    find_last_piece,
    store_gradient,
)
from engine.fields.voxel_grid.kernels.prefetch import UNSCALED, fetch_cells


@compile_kernel
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
            fetch_cells(flat, table, size, start, step, UNSCALED, edges, r + 1, 0, height)
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
            if ends_opaque(step) and k == count - 1:
                transmittance = np.float32(0.0)
            passed[k] = transmittance
        behind = transmittance * (g_red * background[0] + g_green * background[1] + g_blue * background[2])
        gs0 = np.float32(0.0)
        gs1 = np.float32(0.0)
        gs2 = np.float32(0.0)
        gv0 = np.float32(0.0)
        gv1 = np.float32(0.0)
        gv2 = np.float32(0.0)
        p = find_last_piece(step)
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
            d0 = delta * (passed[k] * value[k] - behind) * softplus_slope(density)
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
            before = find_earlier_piece(step, r, p, s)
            if before != p:
                store_gradient(start_gradient, r, p, gs0, gs1, gs2)
                store_gradient(step_gradient, r, p, gv0, gv1, gv2)
                gs0 = np.float32(0.0)
                gs1 = np.float32(0.0)
                gs2 = np.float32(0.0)
                gv0 = np.float32(0.0)
                gv1 = np.float32(0.0)
                gv2 = np.float32(0.0)
                p = before
            x = find_coordinate(start, step, r, p, s, 0)
            y = find_coordinate(start, step, r, p, s, 1)
            z = find_coordinate(start, step, r, p, s, 2)
            i, fx = find_cell(x, width)
            j, fy = find_cell(y, height)
            level_z, fz = find_cell(z, depth)
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
                        v = find_place(table, level_z + a, j + b, i + c, height, width)
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
        store_gradient(start_gradient, r, p, gs0, gs1, gs2)
        store_gradient(step_gradient, r, p, gv0, gv1, gv2)
