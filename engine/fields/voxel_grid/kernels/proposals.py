"""Intervals of rays, drawn from the density of a pooled volume."""

from __future__ import annotations

import numpy as np
from numba import prange

from engine.fields.voxel_grid.kernels.activations import absorbed, clamp, larger, seen_through
from engine.fields.voxel_grid.kernels.compiling import compile_kernel
from engine.fields.voxel_grid.kernels.layout import find_cell, is_inside
from engine.fields.voxel_grid.kernels.limits import NOTHING, OPAQUE
from engine.fields.voxel_grid.kernels.lines import ends_opaque, find_coordinate, find_piece


@compile_kernel
def mark_occupied(coarse, occupied):
    """Marks the cells of a pooled volume at one of whose corners there is something."""
    depth, height, width = coarse.shape
    for z in prange(depth):
        far = min(z + 1, depth - 1)
        for y in range(height):
            below = min(y + 1, height - 1)
            for x in range(width):
                behind = min(x + 1, width - 1)
                most = max(coarse[z, y, x], coarse[z, y, behind], coarse[z, below, x], coarse[z, below, behind])
                most = max(most, coarse[far, y, x], coarse[far, y, behind])
                most = max(most, coarse[far, below, x], coarse[far, below, behind])
                # A NaN counts as something, so that it gets where it is detected.
                occupied[z, y, x] = 0 if most <= NOTHING else 1


@compile_kernel
def proposal_edges(coarse, occupied, start, step, optical_length, closed, floor, jitter, edges):
    """Draws interval edges from the density of a pooled volume: most near surfaces, some everywhere.

    `coarse` is density after softplus, (depth, height, width), and `occupied` that of `mark_occupied`; start and step
    are in its voxel coordinates. The weights of one sample per bin along s, behind a quarter of the density before it,
    are widened to their neighbours by the maximum, a floor is added, and their distribution is inverted at evenly
    spaced, jittered levels; see `engine.fields.sampling.edges_from_weights`.
    """
    rays, count = edges.shape[0], edges.shape[1] - 1
    depth, height, width = coarse.shape
    bins = 2 * depth if closed and not ends_opaque(step) else depth
    for r in prange(rays):
        weight = np.empty(bins, np.float32)
        transmittance = np.float32(1.0)
        p = 0
        for k in range(bins):
            s = np.float32((k + 0.5) / bins)
            p = find_piece(step, r, p, s)
            x = find_coordinate(start, step, r, p, s, 0)
            y = find_coordinate(start, step, r, p, s, 1)
            z = find_coordinate(start, step, r, p, s, 2)
            density = np.float32(0.0)
            if not closed or is_inside(x, y, z, width, height, depth):
                i, fx = find_cell(x, width)
                j, fy = find_cell(y, height)
                level_z, fz = find_cell(z, depth)
                if occupied[level_z, j, i] == 0 and not (ends_opaque(step) and k == bins - 1):
                    weight[k] = np.float32(0.0)
                    continue
                for a in range(2):
                    wz = fz if a == 1 else np.float32(1.0) - fz
                    for b in range(2):
                        wy = wz * (fy if b == 1 else np.float32(1.0) - fy)
                        density += wy * (
                            (np.float32(1.0) - fx) * coarse[level_z + a, j + b, i]
                            + fx * coarse[level_z + a, j + b, i + 1]
                        )
            depth_of_bin = density * optical_length[r] / np.float32(bins)
            alpha = absorbed(depth_of_bin)
            if ends_opaque(step) and k == bins - 1:
                alpha = np.float32(1.0)
            weight[k] = transmittance * alpha
            transmittance *= seen_through(depth_of_bin)
            if transmittance < OPAQUE:
                weight[k + 1 :] = np.float32(0.0)
                break
        total = np.float32(0.0)
        previous = np.float32(0.0)
        for k in range(bins):
            here = weight[k]
            following = weight[k + 1] if k + 1 < bins else np.float32(0.0)
            widened = larger(previous, larger(here, following)) + floor / np.float32(bins)
            previous = here
            weight[k] = widened
            total += widened
        cumulative = np.float32(0.0)
        k = 0
        for e in range(count + 1):
            target = clamp((np.float32(e) + jitter[r] - np.float32(0.5)) / np.float32(count)) * total
            while k < bins - 1 and cumulative + weight[k] < target:
                cumulative += weight[k]
                k += 1
            edges[r, e] = (np.float32(k) + clamp((target - cumulative) / weight[k])) / np.float32(bins)
        edges[r, 0] = 0.0
        edges[r, count] = 1.0
