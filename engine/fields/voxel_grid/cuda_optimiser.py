"""The voxel grid's optimiser on CUDA: its kernels, and what changes from step to step."""

from __future__ import annotations

import numpy as np
import torch

from engine.fields.cuda_launch import launch_per_row
from engine.fields.voxel_grid import cuda_optimiser_kernels as kernels
from engine.fields.voxel_grid.options import DEFAULT
from engine.fields.voxel_grid.state import GridState
from engine.system.devices import overwrite


def optimise(state: GridState, rate: float, smoothness: float, density_rate: float) -> None:
    """See `Backend.optimise`."""
    _apply(state, _prepare(state, rate, smoothness, density_rate))
    if state.tint is not None:
        tint_rate, tint_smoothness = DEFAULT.tint_rate * rate, DEFAULT.tint_smoothness * smoothness
        _apply(state.tint, _prepare(state.tint, tint_rate, tint_smoothness, 1.0))


def _prepare(state: GridState, rate: float, smoothness: float, first_channel_rate: float) -> bool:
    """Counts a step and brings its numbers to the device, into memory that stays the same from step to step.

    Returns:
        whether smoothness is due in this step.
    """
    state.steps += 1
    smooths = smoothness > 0 and state.steps % DEFAULT.smoothness_period == 0
    weight = smoothness * DEFAULT.smoothness_period if smooths else 0.0
    numbers = [0.0] * kernels.NUMBERS
    numbers[kernels.RATE] = rate / (1 - DEFAULT.beta1**state.steps)
    numbers[kernels.FIRST_RATE] = numbers[kernels.RATE] * first_channel_rate
    numbers[kernels.CORRECTION] = 1 / (1 - DEFAULT.beta2**state.steps)
    numbers[kernels.WEIGHT] = weight
    numbers[kernels.FIRST_WEIGHT] = weight / first_channel_rate**2
    if state.numbers is None:
        state.numbers = torch.empty(kernels.NUMBERS, device=state.voxels.device)
    overwrite(state.numbers, torch.tensor(numbers))
    return smooths


def _apply(state: GridState, smooths: bool) -> None:
    """The step that was prepared."""
    assert state.numbers is not None
    channels = state.voxels.shape[-1]
    dense = state.table is None
    rows = len(state.voxels) if not dense else state.shape[0] * state.shape[1]
    first_row = 0 if dense else 1  # block 0 stands for all that are missing
    values, gradient, first, second = (
        tensor.view(rows, -1) for tensor in (state.voxels, state.gradient, state.first, state.second)
    )
    touched = state.touched.view(rows, -1)
    threads = touched.shape[1] * kernels.GROUP
    if smooths and dense:
        shape = channels, state.shape[0], state.shape[1]
        launch_per_row(kernels.add_smoothness, rows, threads, values, gradient, touched, state.numbers, *shape)
    elif smooths:
        flat = values.view(-1, channels), gradient.view(-1, channels)
        places = state.table, state.places
        launch_per_row(kernels.add_smoothness_in_blocks, rows - 1, threads, *flat, touched, state.numbers, *places)
    betas = np.float32(DEFAULT.beta1), np.float32(DEFAULT.beta2), np.float32(DEFAULT.epsilon)
    arrays = values, gradient, first, second, touched, state.numbers
    launch_per_row(kernels.adam, rows - first_row, threads, *arrays, first_row, channels, *betas)
    state.touched.zero_()
