"""How rays are marched, whichever kernels do it: the function that the field calls, around one of autograd."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from engine.fields.spaces import Lines
from engine.fields.voxel_grid.backend import Rendered, VisibleCells
from engine.fields.voxel_grid.state import GridState


@dataclass(frozen=True)
class Marched:
    """What a march takes beside the lines of its rays; see `Backend.march`."""

    state: GridState
    basis: Float[Tensor, "rays 3"]
    edges: Float[Tensor, "rays edges"]
    closed: bool
    background: Float[Tensor, "3"]
    gathers: bool
    visible: VisibleCells | None


def make_march(function: type[torch.autograd.Function]) -> Callable[..., Rendered]:
    """The function that renders rays by an autograd function of (start, step, optical_length, ends, `Marched`), which
    has the gradients of start and step and adds those of the voxels to the buffer of the grid."""

    def march(
        state: GridState,
        lines: Lines,
        basis: Float[Tensor, "rays 3"],
        edges: Float[Tensor, "rays edges"],
        closed: bool,
        background: Float[Tensor, "3"],
        gathers: bool,
        visible: VisibleCells | None = None,
    ) -> Rendered:
        """See `Backend.march`."""
        start = lines.start
        if gathers and not start.requires_grad:  # autograd calls `backward` only if an input needs a gradient
            start = start.detach().requires_grad_(True)
        marched = Marched(state, basis, edges, closed, background, gathers, visible)
        return function.apply(start, lines.step, lines.optical_length, lines.ends, marched)

    return march
