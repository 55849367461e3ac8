"""The protocol of planar registrations: how L2G, BARF and fixed patches put pixels into the image."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from jaxtyping import Float, Int
from torch import Tensor, nn

from engine.registration.warp_motion import WarpStep


class WarpedPoints(NamedTuple):
    """Positions of pixels in the plane of the image; `alignment` is the alignment term without its weight."""

    points: Float[Tensor, "patches points 2"]
    alignment: Float[Tensor, ""]


class PatchWarp(NamedTuple):
    """Points on a lattice over one patch: under the pixel-wise warp, and under the transform fitted to it.

    `points` lie in the plane of the patch, the others in that of the image.
    """

    points: Float[Tensor, "points 2"]
    local_points: Float[Tensor, "points 2"]
    global_points: Float[Tensor, "points 2"]


class PlanarRegistration(Protocol):
    """Transforms of all patches into the plane of the image (see `engine.scenes.planar.to_plane`)."""

    def warp(self, patches: Int[Tensor, " patches"], points: Float[Tensor, "patches points 2"]) -> WarpedPoints:
        """Maps points of some patches into the plane of the image, differentiable in the transforms."""
        ...

    def transforms(self) -> Float[Tensor, "patches 3 3"]:
        """The fitted transforms (for L2G on a fixed lattice of the whole patch), without gradient."""
        ...

    def fitted(self) -> Float[Tensor, "patches 3 3"]:
        """The same as `transforms`, by the name that all registrations have."""
        ...

    def follow(self, before: Float[Tensor, "patches 3 3"], step: WarpStep) -> None:
        """Ends a step of the optimiser: transforms go a share of the way, and the warp is stiffened around them.

        Args:
            before: `fitted` before the step.
            step: how far they go, and how the warp is stiffened.
        """
        ...

    def rebase(self, patches: Int[Tensor, " patches"], transforms: Float[Tensor, "patches 3 3"]) -> None:
        """Gives patches new transforms to be fitted from: after a kick, a relocalisation or an adjustment."""
        ...

    def patch_warp(self, patch: int) -> PatchWarp:
        """The warp field of one patch, without gradient."""
        ...

    def module(self) -> nn.Module:
        """The module whose parameters are fitted and whose state is saved; no parameters where patches are fixed."""
        ...
