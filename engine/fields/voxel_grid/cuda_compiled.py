"""The voxel grid on CUDA: the kernels as differentiable functions of torch; what has none is that of `reference`.

It is used where Numba finds a CUDA driver and the compiler's library (libnvvm, of the CUDA toolkit or of the package
nvidia-cuda-nvcc); elsewhere `reference` does the same, more slowly.
"""

from __future__ import annotations

import logging
import sys
from contextlib import nullcontext
from functools import cache
from types import ModuleType
from typing import Any

import torch
from jaxtyping import Float, UInt8
from numba import config, cuda
from torch import Tensor

from engine.fields.spaces import Lines
from engine.fields.voxel_grid import cuda_kernels, reference
from engine.fields.voxel_grid.reference import average, edges, interpolate, optimise
from engine.fields.voxel_grid.state import GridState, Shape, make_state

__all__ = ["average", "choose_backend", "edges", "interpolate", "march", "optimise"]

THREADS = 128  # of a block; a ray takes many registers
log = logging.getLogger(__name__)


@cache
def choose_backend() -> ModuleType:
    """This module where its kernels work, else `reference`; tried once with a tiny march."""
    if not (cuda.is_available() and torch.cuda.is_available()):
        return reference
    try:
        _try_march(torch.device("cuda"))
    except Exception as error:  # whatever Numba, its compiler or the driver raise: there is another way
        words = (str(error).splitlines() or [""])[0]
        log.warning("CUDA kernels are not used, plain torch is (%s: %s)", type(error).__name__, words)
        return reference
    return sys.modules[__name__]


def _try_march(device: torch.device) -> None:
    """Marches one ray through eight voxels, with its gradient.

    Raises:
        RuntimeError: the result is not that of `reference`.
    """
    found = []
    for module in (march, reference.march):
        voxels = torch.arange(32, dtype=torch.float32, device=device).reshape(2, 2, 2, 4) / 32
        start = torch.full((1, 3), 0.2, device=device, requires_grad=True)
        lines = Lines(start, torch.full_like(start, 0.5), torch.ones(1, device=device))
        between = torch.linspace(0, 1, 5, device=device)[None]
        state = make_state(voxels)
        colour, _, _ = module(state, lines, torch.ones_like(start), between, False, torch.ones(3, device=device), True)
        colour.sum().backward()
        found.append(torch.cat([colour[0], start.grad[0], state.gradient.flatten()]).detach().cpu())  # type: ignore[index]
    one, other = found
    if not torch.allclose(one, other, rtol=1e-3, atol=1e-4):
        raise RuntimeError("a march through eight voxels gives other colours than plain torch")


def march(
    state: GridState,
    lines: Lines,
    basis: Float[Tensor, "rays 3"],
    edges: Float[Tensor, "rays edges"],
    closed: bool,
    background: Float[Tensor, "3"],
    gathers: bool,
    visible: UInt8[Tensor, "2 cells_depth cells_height cells_width"] | None = None,
) -> tuple[Float[Tensor, "rays 3"], Float[Tensor, " rays"], Float[Tensor, " rays"]]:
    """Renders rays; see `compiled.march`."""
    start = lines.start
    if gathers and not start.requires_grad:  # autograd calls `backward` only if an input needs a gradient
        start = start.detach().requires_grad_(True)
    rays = (start, lines.step, lines.optical_length, lines.ends)
    return _March.apply(*rays, edges, basis, state, closed, background, gathers, visible)


class _March(torch.autograd.Function):
    """The quadrature and its gradient; the gradients of voxels are added to the buffer of the grid."""

    @staticmethod
    def forward(
        ctx: Any,
        start: Tensor,
        step: Tensor,
        optical_length: Tensor,
        ends: Tensor | None,
        edges: Tensor,
        basis: Tensor,
        state: GridState,
        closed: bool,
        background: Tensor,
        gathers: bool,
        visible: Tensor | None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        rays, count = edges.shape[0], edges.shape[1] - 1
        made = edges.new_empty
        colour, opacity, position, seen = made(rays, 3), made(rays), made(rays), made(rays, count, 4)
        bent = ends is not None
        begins = start.detach() if bent else start.detach()[:, None]
        steps = step.detach() if bent else step.detach()[:, None]
        if ends is not None:
            steps = torch.cat([steps, ends[..., None]], dim=-1)
        inputs = [part.contiguous() for part in (begins, steps, optical_length.detach())]
        lattice, tint = _lattice(state), _tint(state)
        cells = visible if visible is not None else torch.zeros(2, 1, 1, 1, dtype=torch.uint8, device=edges.device)
        _launch(
            cuda_kernels.march_forward,
            rays,
            *(*lattice, *tint, basis.contiguous(), *inputs, closed, bent, edges.contiguous(), background),
            *(visible is not None, cells),
            *(colour, opacity, position, seen),
        )
        ctx.kept = (inputs, basis, edges.contiguous(), seen, state, background, gathers, bent)
        ctx.mark_non_differentiable(opacity, position)
        return colour, opacity, position

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor | None, ...]:
        inputs, basis, edges, seen, state, background, gathers, bent = ctx.kept
        by_start, by_step = torch.zeros(2, *inputs[0].shape, device=edges.device).unbind()
        tinted, tint, size = _tint(state)
        if state.tint is not None:
            tint = state.tint.gradient.view(-1, 9)
        _launch(
            cuda_kernels.march_backward,
            len(edges),
            *(*_lattice(state), tinted, tint, size, basis.contiguous(), *inputs, bent, edges, background, seen),
            *(gradients[0].contiguous(), torch.empty_like(seen[..., 0]), gathers, state.gradient.view(-1, 4)),
            *(by_start, by_step),
        )
        if not bent:
            by_start, by_step = by_start[:, 0], by_step[:, 0]
        return by_start, by_step, *([None] * 9)


def _lattice(state: GridState) -> tuple[Tensor, Tensor, bool, Shape]:
    """Voxels, table, whether it is in blocks, and size, as the kernels want them."""
    table = state.table
    if table is None:
        table = torch.zeros(1, 1, 1, dtype=torch.int32, device=state.voxels.device)
    return state.voxels.view(-1, 4), table, state.table is not None, state.shape


def _tint(state: GridState) -> tuple[bool, Tensor, Shape]:
    """Whether there are directional coefficients, these, and their size; where there are none, one row of zeros."""
    if state.tint is None:
        return False, state.voxels.new_zeros(1, 9), state.shape
    return True, state.tint.voxels.view(-1, 9), state.tint.shape


def _launch(kernel: Any, rays: int, *arguments: Any) -> None:
    """Runs a kernel with one thread per ray, in the order of torch's work on the device; the host does not wait."""
    if rays == 0:
        return
    blocks = (rays + THREADS - 1) // THREADS
    if config.ENABLE_CUDASIM:  # type: ignore[attr-defined]
        kernel[blocks, THREADS](*[_host(one) for one in arguments])
        return
    device = next(one.device for one in arguments if isinstance(one, Tensor))
    there = cuda.gpus[device.index] if device.index else nullcontext()
    with there:
        queue = torch.cuda.current_stream(device).cuda_stream
        stream = cuda.external_stream(queue) if queue else cuda.default_stream()
        kernel[blocks, THREADS, stream](
            *[cuda.as_cuda_array(one.detach(), sync=False) if isinstance(one, Tensor) else one for one in arguments]
        )


def _host(value: Any) -> Any:
    return value.detach().numpy() if isinstance(value, Tensor) else value
