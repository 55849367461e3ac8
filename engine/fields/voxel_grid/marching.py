"""How rays are marched, whichever kernels do it: the function that the field calls, around one of autograd."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from engine.fields.spaces import Lines
from engine.fields.voxel_grid.state import GridState

Rendered = tuple[Float[Tensor, "rays 3"], Float[Tensor, " rays"], Float[Tensor, " rays"]]


@dataclass(frozen=True)
class Marched:
    """What a march takes beside the lines of its rays; see `make_march`."""

    state: GridState
    basis: Float[Tensor, "rays 3"]
    edges: Float[Tensor, "rays edges"]
    closed: bool
    background: Float[Tensor, "3"]
    gathers: bool
    visible: UInt8[Tensor, "2 cells_depth cells_height cells_width"] | None


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
        visible: UInt8[Tensor, "2 cells_depth cells_height cells_width"] | None = None,
    ) -> Rendered:
        """Renders rays; differentiable in the lines and, if `gathers`, in the voxels.

        The gradient by the lines leaves out the tint: colours that depend on the direction would absorb pose errors.

        Args:
            state: the voxels.
            lines: of the rays, in voxel coordinates.
            basis: unit viewing directions.
            edges: of the intervals, ascending from 0 to 1.
            closed: whether the volume ends at its borders, as a box does.
            background: RGB in [0, 1].
            gathers: whether the voxels get gradients.
            visible: gets a 1 in each cell (`limits.CELL` voxels a side) in which a ray has seen something; in its
                second half, in which one has seen something clearly.
        Returns:
            RGB in [0, 1], opacity in [0, 1] and expected position s in [0, 1] of each ray.
        """
        start = lines.start
        if gathers and not start.requires_grad:  # autograd calls `backward` only if an input needs a gradient
            start = start.detach().requires_grad_(True)
        marched = Marched(state, basis, edges, closed, background, gathers, visible)
        return function.apply(start, lines.step, lines.optical_length, lines.ends, marched)

    return march
