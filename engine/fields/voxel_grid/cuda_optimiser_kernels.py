"""Kernels of the voxel grid's optimiser for CUDA: smoothness and Adam, dense and in blocks.

What is computed of a value is that of `kernels.optimiser`, the functions themselves. Arrays are (rows, values): a row
of a dense lattice, or a block. A block of threads takes a row, `blockIdx.x`, and goes through its tiles: `GROUP`
threads take one together, neighbouring threads neighbouring values, and a tile that is not touched costs a look at its
flag. (With a thread per value a card would begin hundreds of thousands of blocks in each step, mostly for nothing,
which takes longer than the work, and each thread would divide to find its tile.) `touched`, (rows, tiles), is set by
the backward pass and not cleared here: the threads of a tile read it in any order.

What changes from step to step lies in memory of the device, `numbers`, and not in the arguments: a launch that was
captured in a CUDA graph keeps its arguments. Gradients that are not finite count as zero: the host does not look for
one, as it does on the CPU, because it would have to wait.
"""

from __future__ import annotations

from numba import cuda

from engine.fields.cuda_launch import finite_or_zero, make_kernel
from engine.fields.voxel_grid.kernels.layout import IN_BLOCK, TILE
from engine.fields.voxel_grid.kernels.optimiser import change, decay, neighbour, roughness

# What `numbers` holds: the learning rate times Adam's first correction, of the first channel and of the others; the
# second correction; the weight of smoothness, of the first channel and of the others.
FIRST_RATE, RATE, CORRECTION, FIRST_WEIGHT, WEIGHT, NUMBERS = 0, 1, 2, 3, 4, 5


GROUP = 16  # threads that take a tile together: as many as it has values, but where it has nine channels


@make_kernel
def add_smoothness(values, gradient, touched, numbers, channels, planes, height):
    """As `kernels.optimiser.add_smoothness`; row j of plane z is row z * height + j."""
    row = cuda.blockIdx.x
    length = values.shape[1]
    z = row // height
    j = row - z * height
    above = row - 1 if j > 0 else row
    below = row + 1 if j + 1 < height else row
    nearer = row - height if z > 0 else row
    farther = row + height if z + 1 < planes else row
    lane = cuda.threadIdx.x % GROUP
    lane_channel = lane % channels
    for tile in range(cuda.threadIdx.x // GROUP, touched.shape[1], cuda.blockDim.x // GROUP):
        if touched[row, tile] == 0:
            continue
        channel = lane_channel
        for e in range(tile * TILE * channels + lane, (tile + 1) * TILE * channels, GROUP):
            if e < length:
                before = e - channels if e >= channels else e
                behind = e + channels if e + channels < length else e
                weight = numbers[FIRST_WEIGHT] if channel == 0 else numbers[WEIGHT]
                gradient[row, e] = finite_or_zero(gradient[row, e]) + weight * roughness(
                    values[row, e],
                    values[row, before],
                    values[row, behind],
                    values[above, e],
                    values[below, e],
                    values[nearer, e],
                    values[farther, e],
                )
            channel += GROUP
            while channel >= channels:
                channel -= channels


@make_kernel
def add_smoothness_in_blocks(flat, gradient, touched, numbers, table, places):
    """As `kernels.optimiser.add_smoothness_in_blocks`; `flat` and `gradient` are (voxels, channels)."""
    block = cuda.blockIdx.x + 1  # block 0 stands for all that are missing
    channels = flat.shape[1]
    bz, by, bx = places[block, 0], places[block, 1], places[block, 2]
    lane = cuda.threadIdx.x % GROUP
    lane_voxel = lane // channels
    lane_channel = lane - lane_voxel * channels
    for tile in range(cuda.threadIdx.x // GROUP, IN_BLOCK // TILE, cuda.blockDim.x // GROUP):
        if touched[block, tile] == 0:
            continue
        c, inner = lane_channel, tile * TILE + lane_voxel
        while inner < (tile + 1) * TILE:
            z, y, x = inner >> 6, (inner >> 3) & 7, inner & 7
            # Only what lies on a side of its block asks which block is beside it.
            before = table[bz, by, bx - 1] if x == 0 and bx > 0 else 0
            behind = table[bz, by, bx + 1] if x == 7 and bx + 1 < table.shape[2] else 0
            above = table[bz, by - 1, bx] if y == 0 and by > 0 else 0
            below = table[bz, by + 1, bx] if y == 7 and by + 1 < table.shape[1] else 0
            nearer = table[bz - 1, by, bx] if z == 0 and bz > 0 else 0
            farther = table[bz + 1, by, bx] if z == 7 and bz + 1 < table.shape[0] else 0
            at = block * IN_BLOCK + inner
            weight = numbers[FIRST_WEIGHT] if c == 0 else numbers[WEIGHT]
            gradient[at, c] = finite_or_zero(gradient[at, c]) + weight * roughness(
                flat[at, c],
                flat[neighbour(block, before, inner, x > 0, -1, 7), c],
                flat[neighbour(block, behind, inner, x < 7, 1, -7), c],
                flat[neighbour(block, above, inner, y > 0, -8, 56), c],
                flat[neighbour(block, below, inner, y < 7, 8, -56), c],
                flat[neighbour(block, nearer, inner, z > 0, -64, 448), c],
                flat[neighbour(block, farther, inner, z < 7, 64, -448), c],
            )
            c += GROUP
            while c >= channels:
                c -= channels
                inner += 1


@make_kernel
def adam(values, gradient, first, second, touched, numbers, first_row, channels, beta1, beta2, epsilon):
    """As `kernels.optimiser.adam` and `adam_in_blocks`, from row `first_row` on; clears gradients of touched tiles."""
    row = cuda.blockIdx.x + first_row
    length = values.shape[1]
    lane = cuda.threadIdx.x % GROUP
    lane_channel = lane % channels
    for tile in range(cuda.threadIdx.x // GROUP, touched.shape[1], cuda.blockDim.x // GROUP):
        if touched[row, tile] == 0:
            continue
        channel = lane_channel
        for e in range(tile * TILE * channels + lane, (tile + 1) * TILE * channels, GROUP):
            if e < length:
                rate = numbers[FIRST_RATE] if channel == 0 else numbers[RATE]
                slope = finite_or_zero(gradient[row, e])
                mean = decay(first[row, e], slope, beta1)
                square = decay(second[row, e], slope * slope, beta2)
                first[row, e] = mean
                second[row, e] = square
                gradient[row, e] = 0.0
                values[row, e] -= change(mean, square, rate, numbers[CORRECTION], epsilon)
            channel += GROUP
            while channel >= channels:
                channel -= channels
