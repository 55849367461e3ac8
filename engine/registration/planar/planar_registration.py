"""Where a patch's pixels lie: the one interface behind which L2G, BARF and fixed patches stand."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from jaxtyping import Float, Int
from torch import Tensor, nn


class WarpedPoints(NamedTuple):
    """Where a step's pixels lie; `alignment` is the unweighted alignment term (zero where there is none)."""

    points: Float[Tensor, "patches points 2"]
    alignment: Float[Tensor, ""]


class PatchWarp(NamedTuple):
    """The pixel-wise warp of one patch beside the global transform fitted to it, on a lattice up to its borders."""

    points: Float[Tensor, "points 2"]
    local_points: Float[Tensor, "points 2"]
    global_points: Float[Tensor, "points 2"]


class PlanarRegistration(Protocol):
    """Transforms of all patches into the plane of the image (see `engine.scenes.planar.to_plane`)."""

    def warp(self, patches: Int[Tensor, " patches"], points: Float[Tensor, "patches points 2"]) -> WarpedPoints:
        """Points of some patches put into the image, differentiably."""
        ...

    def transforms(self) -> Float[Tensor, "patches 3 3"]:
        """The fitted transforms (for L2G on a fixed lattice of the whole patch), without gradient."""
        ...

    def rebase(self, patches: Int[Tensor, " patches"], transforms: Float[Tensor, "patches 3 3"]) -> None:
        """Puts patches at new transforms, where they start anew: after a kick, a rescue or an adjustment."""
        ...

    def patch_warp(self, patch: int) -> PatchWarp:
        """The warp field of one patch, without gradient."""
        ...

    def module(self) -> nn.Module:
        """What is optimised and saved (its state dict); no parameters where patches are fixed."""
        ...
