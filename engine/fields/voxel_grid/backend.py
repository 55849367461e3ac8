"""What computes a voxel grid: the same functions by kernels for the CPU, by kernels for CUDA, and in plain torch."""

from __future__ import annotations

from typing import Protocol

from jaxtyping import Float, UInt8
from torch import Tensor

from engine.fields.spaces import Lines
from engine.fields.voxel_grid.state import GridState

Rendered = tuple[Float[Tensor, "rays 3"], Float[Tensor, " rays"], Float[Tensor, " rays"]]
VisibleCells = UInt8[Tensor, "2 cells_depth cells_height cells_width"]


class Backend(Protocol):
    """One of the modules `compiled`, `cuda_compiled` and `reference`; `choose_backend` says which is the fastest."""

    def edges(
        self,
        coarse: Float[Tensor, "depth height width"],
        lines: Lines,
        closed: bool,
        count: int,
        floor: float,
        jitter: Float[Tensor, " rays"],
    ) -> Float[Tensor, "rays edges"]:
        """Interval edges drawn from the density of a pooled volume, as by `sampling.edges_from_weights`.

        Args:
            coarse: density of the pooled volume, after softplus.
            lines: of the rays, in its voxel coordinates.
            closed: whether the volume ends at its borders, as a box does.
            count: intervals per ray.
            floor: weight that is spread evenly over a ray, > 0.
            jitter: in [0, 1), one per ray.
        Returns:
            ascending edges, count + 1 per ray, from 0 to 1; without gradient.
        """
        ...

    def march(
        self,
        state: GridState,
        lines: Lines,
        basis: Float[Tensor, "rays 3"],
        edges: Float[Tensor, "rays edges"],
        closed: bool,
        background: Float[Tensor, "3"],
        gathers: bool,
        visible: VisibleCells | None = None,
    ) -> Rendered:
        """Renders rays; differentiable in the lines and, if `gathers`, in the voxels.

        The gradients of voxels are added to `state.gradient`. The gradient by the lines leaves out the tint: colours
        that depend on the direction would absorb pose errors.

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
        ...

    def optimise(self, state: GridState, rate: float, smoothness: float, density_rate: float) -> None:
        """One Adam step with smoothness, on the tiles that rays have touched since the last step; clears gradients.

        Untouched voxels keep their moments, as in instant-ngp's Adam.

        Args:
            state: the voxels, changed in place.
            rate: learning rate of the colours.
            smoothness: weight of the squared differences between neighbouring voxels.
            density_rate: learning rate of the density relative to `rate`; its smoothness is divided by the square, so
                that the balance between data and smoothness is that of a density in units of this factor.
        """
        ...

    def interpolate(self, state: GridState, positions: Float[Tensor, "points 3"]) -> Float[Tensor, "points channels"]:
        """Raw values at positions (x, y, z) in voxel coordinates."""
        ...

    def average(self, state: GridState, factor: int) -> Float[Tensor, "depth height width 4"]:
        """Density, and colour times density, of a lattice in blocks, averaged over cubes of 1, 2, 4 or 8 voxels
        a side.

        The corners of the coarser lattice are those of the finer one.
        """
        ...
