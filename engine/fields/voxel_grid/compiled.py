"""The voxel grid on a CPU, a `Backend`: the compiled kernels as differentiable functions of torch."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from engine.fields.spaces import Lines
from engine.fields.voxel_grid import state as grid_state
from engine.fields.voxel_grid.kernels import backward, forward, layout, optimiser, proposals, resampling, scattering
from engine.fields.voxel_grid.marching import Marched, make_march
from engine.fields.voxel_grid.optimising import begin_step
from engine.fields.voxel_grid.options import DEFAULT
from engine.fields.voxel_grid.state import GridState

_NO_TINT = np.zeros((0, 0, 0, 9), np.float32)
_NO_CELLS = np.zeros((2, 0, 0, 0), np.uint8)


def edges(
    coarse: Float[Tensor, "depth height width"],
    lines: Lines,
    closed: bool,
    count: int,
    floor: float,
    jitter: Float[Tensor, " rays"],
) -> Float[Tensor, "rays edges"]:
    """See `Backend.edges`."""
    drawn = np.empty((lines.start.shape[0], count + 1), np.float32)
    occupied = np.empty(coarse.shape, np.uint8)
    proposals.mark_occupied(coarse.numpy(), occupied)
    proposals.proposal_edges(
        coarse.numpy(),
        occupied,
        lines.start.detach().contiguous().numpy(),
        _with_ends(lines.step, lines.ends),
        lines.optical_length.numpy(),
        closed,
        np.float32(floor),
        jitter.numpy(),
        drawn,
    )
    return torch.from_numpy(drawn)


def are_loaded(state: GridState) -> bool:
    """Whether the kernels that a step of this lattice needs were compiled, or loaded from Numba's cache, in this
    process; the first step does it."""
    needed: list[Any] = [
        forward.march_forward,
        optimiser.adam if state.table is None else optimiser.adam_in_blocks,
    ]
    if state.tint is not None:
        needed.append(scattering.scatter_tint)
    return all(kernel.signatures for kernel in needed)


def _with_ends(step: Tensor, ends: Tensor | None) -> np.ndarray:
    """The steps of rays as the kernels want them: those of bent rays with the ends of their pieces."""
    step = step.detach()
    return (step if ends is None else torch.cat([step, ends[..., None]], dim=-1)).contiguous().numpy()


class _March(torch.autograd.Function):
    """The quadrature and its gradient; the gradients of voxels are added to the buffer of the grid."""

    @staticmethod
    def forward(
        ctx: Any,
        start: Tensor,
        step: Tensor,
        optical_length: Tensor,
        ends: Tensor | None,
        marched: Marched,
    ) -> tuple[Tensor, Tensor, Tensor]:
        state, edges, visible = marched.state, marched.edges, marched.visible
        rays, count = edges.shape[0], edges.shape[1] - 1
        whole = optical_length.detach().contiguous().numpy()
        inputs = [start.detach().contiguous().numpy(), _with_ends(step, ends), whole]
        colour, opacity, position = torch.empty(rays, 3), torch.empty(rays), torch.empty(rays)
        seen = np.empty((rays, count, 4), np.float32)
        tint = _NO_TINT if state.tint is None else state.tint.voxels.numpy()
        forward.march_forward(
            *_lattice(state),
            tint,
            marched.basis.numpy(),
            *inputs,
            marched.closed,
            edges.numpy(),
            marched.background.numpy(),
            _NO_CELLS if visible is None else visible.numpy(),
            colour.numpy(),
            opacity.numpy(),
            position.numpy(),
            seen,
        )
        ctx.kept = (inputs, seen, marched)
        ctx.mark_non_differentiable(opacity, position)
        return colour, opacity, position

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor | None, ...]:
        inputs, seen, marched = ctx.kept
        state, edges = marched.state, marched.edges.numpy()
        # Zero where no sample lies on a piece of a bent ray.
        start_gradient, step_gradient = torch.zeros(2, *inputs[0].shape).unbind()
        sample_gradient = np.empty_like(seen)
        backward.march_backward(
            *_lattice(state),
            *inputs,
            marched.closed,
            edges,
            marched.background.numpy(),
            seen,
            gradients[0].contiguous().numpy(),
            sample_gradient,
            start_gradient.numpy(),
            step_gradient.numpy(),
        )
        if marched.gathers:
            _scatter(state, marched.basis.numpy(), inputs, edges, seen, sample_gradient)
        return start_gradient, step_gradient, None, None, None


march = make_march(_March)


def _lattice(state: GridState) -> tuple[np.ndarray, np.ndarray, grid_state.Shape]:
    """Voxels, table and size as the kernels want them."""
    return state.voxels.numpy(), _table(state), state.shape


def _table(state: GridState) -> np.ndarray:
    return layout.DENSE if state.table is None else state.table.numpy()


def _slabs(height: int, unit: int = 1) -> np.ndarray:
    """First rows of the slabs of the threads, multiples of the unit, and the number of rows."""
    slabs = min(numba.get_num_threads(), max(height // (2 * unit), 1))
    rows = (np.linspace(0, height / unit, slabs + 1).astype(np.int64)) * unit
    rows[-1] = height
    return rows


def _scatter(
    state: GridState,
    directions: np.ndarray,
    inputs: list[np.ndarray],
    edges: np.ndarray,
    seen: np.ndarray,
    sample_gradient: np.ndarray,
) -> None:
    """Adds the gradients of samples to those of the voxels and of the tint."""
    samples = (inputs[0], inputs[1], edges, seen, sample_gradient)
    slabs = _slabs(state.shape[1], 1 if state.table is None else layout.BLOCK)
    scattering.scatter(state.gradient.numpy(), state.touched.numpy(), _table(state), state.shape, *samples, slabs)
    if state.tint is not None:
        tint = state.tint
        pairs = zip(tint.shape, state.shape, strict=True)
        scale = np.array([(small - 1) / (large - 1) for small, large in pairs][::-1], np.float32)
        scattering.scatter_tint(
            tint.gradient.numpy(),
            tint.touched.numpy(),
            directions,
            inputs[0],
            inputs[1],
            scale,
            *samples[2:],
            _slabs(tint.shape[1]),
        )


def interpolate(state: GridState, positions: Float[Tensor, "points 3"]) -> Float[Tensor, "points channels"]:
    """See `Backend.interpolate`."""
    values = torch.empty(len(positions), state.voxels.shape[-1])
    resampling.interpolate(*_lattice(state), positions.contiguous().numpy(), values.numpy())
    return values


def average(state: GridState, factor: int) -> Float[Tensor, "depth height width 4"]:
    """See `Backend.average`."""
    assert state.places is not None
    averages = torch.zeros(*(max(size // factor, 2) for size in state.shape), 4)
    resampling.average_blocks(state.voxels.numpy(), state.places.numpy(), factor, averages.numpy())
    return averages


def optimise(state: GridState, rate: float, smoothness: float, density_rate: float) -> None:
    """See `Backend.optimise`."""
    for step in begin_step(state, rate, smoothness, density_rate):
        _adam(*step)


def _adam(state: GridState, rate: float, smoothness: float, first_channel_rate: float) -> None:
    arrays = [tensor.numpy() for tensor in (state.voxels, state.gradient, state.first, state.second, state.touched)]
    weights = np.float32(smoothness), np.float32(smoothness / first_channel_rate**2)
    if smoothness > 0 and state.table is not None and state.places is not None:
        places = state.table.numpy(), state.places.numpy()
        optimiser.add_smoothness_in_blocks(arrays[0], arrays[1], arrays[4], *places, *weights)
    elif smoothness > 0:
        optimiser.add_smoothness(arrays[0], arrays[1], arrays[4], *weights)
    step = optimiser.adam if state.table is None else optimiser.adam_in_blocks
    step(
        *arrays,
        np.float32(rate),
        np.float32(DEFAULT.beta1),
        np.float32(DEFAULT.beta2),
        np.float32(1 / (1 - DEFAULT.beta1**state.steps)),
        np.float32(1 / (1 - DEFAULT.beta2**state.steps)),
        np.float32(DEFAULT.epsilon),
        np.float32(first_channel_rate),
    )
