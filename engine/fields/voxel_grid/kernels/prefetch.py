"""Prefetching of voxels: memory is asked for them while something else is computed."""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from engine.fields.voxel_grid.kernels.compiling import FAST
from engine.fields.voxel_grid.kernels.layout import find_cell, find_place
from engine.fields.voxel_grid.kernels.lines import find_coordinate, find_piece

UNSCALED = (np.float32(1.0), np.float32(1.0), np.float32(1.0))  # scale of coordinates that are the volume's already


@intrinsic
def fetch(_, values, at):
    """Prefetches the cache line of value number `at` of a contiguous array; it returns at once."""

    def instruction(context, builder, signature, arguments):
        pointer = builder.gep(
            context.make_array(signature.args[0])(context, builder, arguments[0]).data, [arguments[1]]
        )
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", (byte,), kind)
        to_read, keep, data = ir.Constant(number, 0), ir.Constant(number, 3), ir.Constant(number, 1)
        builder.call(prefetch, [builder.bitcast(pointer, byte), to_read, keep, data])
        return context.get_dummy_value()

    return types.void(values, at), instruction


@njit(fastmath=FAST)
def fetch_cells(flat, table, size, start, step, scale, edges, r, first, last):
    """Prefetches the voxels around the samples of a ray, of the rows from `first` to before `last`.

    They lie far apart in memory; without it a ray would spend most of its time waiting for them one after the other.
    """
    depth, height, width = size
    channels = flat.shape[1]
    p = 0
    for k in range(edges.shape[1] - 1):
        s = np.float32(0.5) * (edges[r, k] + edges[r, k + 1])
        p = find_piece(step, r, p, s)
        j, _ = find_cell(find_coordinate(start, step, r, p, s, 1) * scale[1], height)
        if j + 1 < first or j >= last:
            continue
        i, _ = find_cell(find_coordinate(start, step, r, p, s, 0) * scale[0], width)
        level_z, _ = find_cell(find_coordinate(start, step, r, p, s, 2) * scale[2], depth)
        for a in range(2):
            for b in range(2):
                for c in range(2):
                    fetch(flat, find_place(table, level_z + a, j + b, i + c, height, width) * np.uintp(channels))
