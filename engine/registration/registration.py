"""The protocol of registrations: how L2G, BARF and fixed poses turn pixels into rays."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from jaxtyping import Float, Int
from torch import Tensor, nn

from engine.registration.warp_motion import WarpStep


class WarpedRays(NamedTuple):
    """The rays of a step, in the world; `alignment` is the alignment term without its weight, 0 for global methods."""

    origins: Float[Tensor, "frames points 3"]
    directions: Float[Tensor, "frames points 3"]
    alignment: Float[Tensor, ""]


class WarpField(NamedTuple):
    """Rays of one frame on a lattice of its image: under the pixel-wise warp, and under the transform fitted to it.

    `points` lie on the normalised image plane, the rays in the world.
    """

    points: Float[Tensor, "points 2"]
    local_origins: Float[Tensor, "points 3"]
    local_directions: Float[Tensor, "points 3"]
    global_origins: Float[Tensor, "points 3"]
    global_directions: Float[Tensor, "points 3"]


class Registration(Protocol):
    """Poses of the training frames, world-to-camera, as something that can be optimised."""

    def rays(
        self, frames: Int[Tensor, " frames"], points: Float[Tensor, "frames points 2"], neighbours: int = 1
    ) -> WarpedRays:
        """The rays through points of the normalised image planes of some frames, differentiable in the poses.

        Args:
            frames: indices among the training frames.
            points: on the normalised image plane of each.
            neighbours: this many consecutive points are adjacent pixels, for which one warp may be evaluated; a
                divisor of the number of points.
        """
        ...

    def poses(self) -> Float[Tensor, "frames 3 4"]:
        """The fitted poses of all frames (for L2G on a fixed lattice of the whole image), without gradient."""
        ...

    def fitted(self) -> Float[Tensor, "frames 3 4"]:
        """The same as `poses`, by the name that all registrations have."""
        ...

    def follow(self, before: Float[Tensor, "frames 3 4"], step: WarpStep) -> None:
        """Ends a step of the optimiser: poses go a share of the way, and the warp is stiffened around them.

        Args:
            before: `fitted` before the step.
            step: how far they go, and how the warp is stiffened.
        """
        ...

    def rebase(self, frames: Int[Tensor, " frames"], poses: Float[Tensor, "frames 3 4"]) -> None:
        """Gives frames new poses to be fitted from: after a kick, a relocalisation or a bundle adjustment."""
        ...

    def extend(
        self, poses: Float[Tensor, "added 3 4"], lattice: Float[Tensor, "added points 2"], like: Int[Tensor, " added"]
    ) -> None:
        """Appends frames; the poses of the others stay the same, bit for bit.

        Args:
            poses: the initial poses of the added frames, world-to-camera.
            lattice: points over their images, on the normalised image plane.
            like: for each, the frame whose warp is copied.
        """
        ...

    def warp(self, frame: int) -> WarpField:
        """The warp field of one frame, without gradient."""
        ...

    def module(self) -> nn.Module:
        """The module whose parameters are fitted and whose state is saved; no parameters where poses are fixed."""
        ...
