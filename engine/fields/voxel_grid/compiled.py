"""The voxel grid's work on a CPU: the compiled kernels behind torch's autograd."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from engine.fields.spaces import Lines
from engine.fields.voxel_grid import kernels as grid_kernels
from engine.fields.voxel_grid.state import GridState

EPSILON = np.float32(1e-12)
BETA_FIRST, BETA_SECOND = 0.9, 0.99
NO_TINT = np.zeros((0, 0, 0, 9), np.float32)
SMOOTH_EVERY = 4  # steps; the weight makes up for it
TINT_RATE = 0.3  # times that of the voxels
TINT_SMOOTHNESS = 10.0  # times that of the voxels


def edges(
    coarse: Float[Tensor, "depth height width"],
    lines: Lines,
    closed: bool,
    count: int,
    floor: float,
    jitter: Float[Tensor, " rays"],
) -> Float[Tensor, "rays edges"]:
    """Interval edges drawn from the activated density of a pooled volume; see `sampling.edges_from_weights`."""
    drawn = np.empty((lines.start.shape[0], count + 1), np.float32)
    grid_kernels.proposal_edges(
        coarse.numpy(),
        lines.start.detach().contiguous().numpy(),
        lines.step.detach().contiguous().numpy(),
        lines.optical_length.numpy(),
        closed,
        np.float32(floor),
        jitter.numpy(),
        drawn,
    )
    return torch.from_numpy(drawn)


class _March(torch.autograd.Function):
    """Forward and backward of the quadrature; voxel gradients go straight into the grid's own buffer."""

    @staticmethod
    def forward(
        ctx: Any,
        start: Tensor,
        step: Tensor,
        optical_length: Tensor,
        edges: Tensor,
        basis: Tensor,
        state: GridState,
        closed: bool,
        background: Tensor,
        gathers: bool,
    ) -> tuple[Tensor, Tensor, Tensor]:
        rays, count = edges.shape[0], edges.shape[1] - 1
        inputs = [tensor.detach().contiguous().numpy() for tensor in (start, step, optical_length)]
        colour, opacity, position = torch.empty(rays, 3), torch.empty(rays), torch.empty(rays)
        seen = np.empty((rays, count, 4), np.float32)
        tint = NO_TINT if state.tint is None else state.tint.voxels.numpy()
        directions = basis.numpy()
        grid_kernels.march_forward(
            state.voxels.numpy(),
            tint,
            directions,
            *inputs,
            closed,
            edges.numpy(),
            background.numpy(),
            colour.numpy(),
            opacity.numpy(),
            position.numpy(),
            seen,
        )
        ctx.kept = (inputs, directions, edges.numpy(), seen, state, closed, background.numpy(), gathers)
        ctx.mark_non_differentiable(opacity, position)
        return colour, opacity, position

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor | None, ...]:
        inputs, directions, edges, seen, state, closed, background, gathers = ctx.kept
        rays = edges.shape[0]
        start_gradient, step_gradient = torch.empty(rays, 3), torch.empty(rays, 3)
        sample_gradient = np.empty_like(seen)
        grid_kernels.march_backward(
            state.voxels.numpy(),
            *inputs,
            closed,
            edges,
            background,
            seen,
            gradients[0].contiguous().numpy(),
            sample_gradient,
            start_gradient.numpy(),
            step_gradient.numpy(),
        )
        if gathers:
            _scatter(state, directions, inputs, edges, seen, sample_gradient)
        return start_gradient, step_gradient, *([None] * 7)


def _slabs(height: int) -> np.ndarray:
    """Rows shared out among the threads."""
    return np.linspace(0, height, min(numba.get_num_threads(), height // 2) + 1).astype(np.int64)


def _scatter(
    state: GridState,
    directions: np.ndarray,
    inputs: list[np.ndarray],
    edges: np.ndarray,
    seen: np.ndarray,
    sample_gradient: np.ndarray,
) -> None:
    """Adds the samples' gradients to those of the voxels and, where there is one, of the tint."""
    samples = (inputs[0], inputs[1], edges, seen, sample_gradient)
    slabs = _slabs(state.shape[1])
    grid_kernels.scatter(state.gradient.numpy(), state.touched.numpy(), *samples, slabs)
    if state.tint is not None:
        tint = state.tint
        pairs = zip(tint.shape, state.shape, strict=True)
        scale = np.array([(small - 1) / (large - 1) for small, large in pairs][::-1], np.float32)
        grid_kernels.scatter_tint(
            tint.gradient.numpy(),
            tint.touched.numpy(),
            directions,
            inputs[0],
            inputs[1],
            scale,
            *samples[2:],
            _slabs(tint.shape[1]),
        )


def march(
    state: GridState,
    lines: Lines,
    basis: Float[Tensor, "rays 3"],
    edges: Float[Tensor, "rays edges"],
    closed: bool,
    background: Float[Tensor, "3"],
    gathers: bool,
) -> tuple[Float[Tensor, "rays 3"], Float[Tensor, " rays"], Float[Tensor, " rays"]]:
    """Colour, opacity and mean position s of rays; differentiable in the lines and, if `gathers`, in the voxels.

    `basis` are the unit directions. The tint teaches the rays nothing: colours that depend on the direction would
    otherwise absorb pose errors.
    """
    start = lines.start
    if gathers and not start.requires_grad:  # autograd calls back only where something asks for a gradient
        start = start.detach().requires_grad_(True)
    return _March.apply(start, lines.step, lines.optical_length, edges, basis, state, closed, background, gathers)


def optimise(state: GridState, rate: float, smoothness: float, density_rate: float) -> None:
    """One Adam step with smoothness, on the tiles the rays touched since the last; gradients are cleared.

    Untouched voxels keep their moments, as in instant-ngp's Adam. Density may learn at a rate of its own; its
    smoothness is weighed as if it were expressed in units in which both rates are one.
    """
    _adam(state, rate, smoothness, density_rate)
    if state.tint is not None:
        _adam(state.tint, TINT_RATE * rate, TINT_SMOOTHNESS * smoothness, 1.0)


def _adam(state: GridState, rate: float, smoothness: float, first_channel_rate: float) -> None:
    state.steps += 1
    smoothness = smoothness * SMOOTH_EVERY if state.steps % SMOOTH_EVERY == 0 else 0.0
    arrays = [tensor.numpy() for tensor in (state.voxels, state.gradient, state.first, state.second, state.touched)]
    if smoothness > 0:
        grid_kernels.add_smoothness(
            arrays[0], arrays[1], arrays[4], np.float32(smoothness), np.float32(smoothness / first_channel_rate**2)
        )
    grid_kernels.adam(
        *arrays,
        np.float32(rate),
        np.float32(BETA_FIRST),
        np.float32(BETA_SECOND),
        np.float32(1 / (1 - BETA_FIRST**state.steps)),
        np.float32(1 / (1 - BETA_SECOND**state.steps)),
        EPSILON,
        np.float32(first_channel_rate),
    )
