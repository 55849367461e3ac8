"""The voxel grid on CUDA: the kernels as differentiable functions of torch; what has none is that of `reference`.

It is used where Numba finds a CUDA driver and the compiler's library (libnvvm, of the CUDA toolkit or of the packages
that come with `l2g-viewer[gpu]`); elsewhere `reference` does the same, more slowly.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from engine.fields.cuda_launch import (
    compare_with_plain,
    have_kernels,
    launch_in_layers,
    launch_per_ray,
    launch_per_value,
)
from engine.fields.spaces import Lines
from engine.fields.voxel_grid import cuda_backward_kernels as backward_kernels
from engine.fields.voxel_grid import cuda_kernels, reference
from engine.fields.voxel_grid import cuda_proposal_kernels as proposal_kernels
from engine.fields.voxel_grid.backend import Backend
from engine.fields.voxel_grid.cuda_optimiser import optimise
from engine.fields.voxel_grid.kernels.layout import BLOCK
from engine.fields.voxel_grid.marching import Marched, make_march
from engine.fields.voxel_grid.options import DEFAULT
from engine.fields.voxel_grid.reference import interpolate
from engine.fields.voxel_grid.state import GridState, Shape, make_state

__all__ = ["average", "choose_backend", "edges", "interpolate", "march", "optimise"]


@cache
def choose_backend() -> Backend:
    """This module where its kernels work, else `reference`; tried once on a tiny volume."""
    return sys.modules[__name__] if have_kernels(_try_kernels) else reference


def _try_kernels(device: torch.device) -> None:
    """Marches one ray through eight voxels, with its gradient, and takes a step.

    Raises:
        RuntimeError: the result is not that of `reference`.
    """

    def compute(backend: Backend) -> Tensor:
        voxels = torch.arange(32, dtype=torch.float32, device=device).reshape(2, 2, 2, 4) / 32
        start = torch.full((1, 3), 0.2, device=device, requires_grad=True)
        lines = Lines(start, torch.full_like(start, 0.5), torch.ones(1, device=device))
        between = torch.linspace(0, 1, 5, device=device)[None]
        state = make_state(voxels)
        basis, background = torch.ones_like(lines.step), torch.ones(3, device=device)
        drawn = backend.edges(voxels[..., 0].contiguous(), lines, True, 4, 0.1, torch.full((1,), 0.5, device=device))
        colour, _, _ = backend.march(state, lines, basis, between, False, background, True)
        colour.sum().backward()
        assert start.grad is not None
        gradients = [drawn[0], start.grad[0], state.gradient.flatten()]
        state.steps = DEFAULT.smoothness_period - 1  # the step has smoothness
        backend.optimise(state, 0.1, 0.1, 2.0)
        return torch.cat([colour[0], *gradients, state.voxels.flatten()])

    compare_with_plain(compute, sys.modules[__name__], reference, "a march through eight voxels")


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
        state, visible = marched.state, marched.visible
        edges, basis = marched.edges.contiguous(), marched.basis.contiguous()
        rays, count = edges.shape[0], edges.shape[1] - 1
        made = edges.new_empty
        colour, opacity, position, seen = made(rays, 3), made(rays), made(rays), made(rays, count, 4)
        inputs = _with_pieces(start, step, optical_length, ends)
        lattice, tint = _lattice(state), _tint(state)
        cells = visible if visible is not None else state.touched.new_empty(2, 1, 1, 1)
        launch_per_value(
            cuda_kernels.look_up, *(rays, 4 * count), *(*lattice, *inputs[:2], marched.closed, edges, seen)
        )
        launch_per_ray(
            cuda_kernels.march_forward,
            rays,
            *(state.shape, *tint, basis, *inputs, ends is not None, edges, marched.background),
            *(visible is not None, cells),
            *(colour, opacity, position, seen),
        )
        ctx.kept = (inputs, basis, edges, seen, marched, ends is not None)
        ctx.mark_non_differentiable(opacity, position)
        return colour, opacity, position

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor | None, ...]:
        inputs, basis, edges, seen, marched, bent = ctx.kept
        start, step, optical_length = inputs
        state, rays, count = marched.state, seen.shape[0], seen.shape[1]
        moves, slopes = any(ctx.needs_input_grad[:2]), torch.empty_like(seen)
        launch_per_ray(
            backward_kernels.march_backward,
            rays,
            *(optical_length, bent, edges, marched.background, seen, gradients[0].contiguous()),
            *(torch.empty_like(seen[..., 0]), slopes),
        )
        tinted, tint, size = _tint(state)
        tint_touched = state.touched.new_empty(1, 1)
        if state.tint is not None:
            tint, tint_touched = state.tint.gradient.view(-1, 9), _tiles(state.tint)
        by_position = seen.new_empty(rays if moves else 1, count, 3, 4)
        launch_per_value(
            backward_kernels.scatter_samples,
            *(rays, 4 * count),
            *(*_lattice(state), tinted, tint, size, basis, start, step, edges, seen, slopes),
            *(marched.gathers, state.gradient.view(-1, 4), _tiles(state), tint_touched, moves, by_position),
        )
        if not moves:
            return (None,) * 5
        make = torch.zeros if bent else torch.empty  # a piece without samples gets nothing; a straight ray has one
        by_start, by_step = make(2, *start.shape, device=edges.device).unbind()
        launch_in_layers(backward_kernels.sum_positions, rays, 3, step, edges, seen, by_position, by_start, by_step)
        if not bent:
            by_start, by_step = by_start[:, 0], by_step[:, 0]
        return by_start, by_step, None, None, None


march = make_march(_March)


def edges(
    coarse: Float[Tensor, "depth height width"],
    lines: Lines,
    closed: bool,
    count: int,
    floor: float,
    jitter: Float[Tensor, " rays"],
) -> Float[Tensor, "rays edges"]:
    """See `Backend.edges`."""
    depth, height, width = coarse.shape
    rays, bent = len(lines.start), lines.ends is not None
    bins = 2 * depth if closed and not bent else depth
    occupied = torch.empty(coarse.shape, dtype=torch.uint8, device=coarse.device)
    optical_depths, drawn = coarse.new_empty(bins, rays), coarse.new_empty(rays, count + 1)
    launch_per_value(proposal_kernels.mark_occupied, depth * height, width, coarse, occupied)
    pieces = _with_pieces(lines.start, lines.step, lines.optical_length, lines.ends)
    launch_per_value(proposal_kernels.measure_bins, bins, rays, coarse, occupied, *pieces, closed, optical_depths)
    launch_per_ray(
        proposal_kernels.draw_edges, rays, optical_depths, bent, np.float32(floor), jitter.contiguous(), drawn
    )
    return drawn


def average(state: GridState, factor: int) -> Float[Tensor, "depth height width 4"]:
    """See `Backend.average`."""
    assert state.places is not None
    averages = state.voxels.new_zeros(*(max(size // factor, 2) for size in state.shape), 4)
    cubes = (BLOCK // factor) ** 3
    launch_per_value(
        proposal_kernels.average_blocks,
        *(len(state.voxels) - 1, cubes),
        *(state.voxels.view(-1, 4), state.places, factor, averages),
    )
    return averages


def _with_pieces(
    start: Tensor, step: Tensor, optical_length: Tensor, ends: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """The lines of rays as the kernels want them: all have pieces, straight ones a single one."""
    start, step = start.detach(), step.detach()
    if ends is None:
        start, step = start[:, None], step[:, None]
    else:
        step = torch.cat([step, ends.detach()[..., None]], dim=-1)
    return start.contiguous(), step.contiguous(), optical_length.detach().contiguous()


def _tiles(state: GridState) -> Tensor:
    """The flags of touched tiles, (rows, tiles)."""
    return state.touched.flatten(0, -2)


def _lattice(state: GridState) -> tuple[Tensor, Tensor, bool, Shape]:
    """Voxels, table, whether it is in blocks, and size, as the kernels want them."""
    table = state.table
    if table is None:
        table = torch.empty(1, 1, 1, dtype=torch.int32, device=state.voxels.device)
    return state.voxels.view(-1, 4), table, state.table is not None, state.shape


def _tint(state: GridState) -> tuple[bool, Tensor, Shape]:
    """Whether there are directional coefficients, these, and their size; where none are, a row that is never read."""
    if state.tint is None:
        return False, state.voxels.new_empty(1, 9), state.shape
    return True, state.tint.voxels.view(-1, 9), state.tint.shape
