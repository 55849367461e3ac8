"""Where a ray comes from: the one interface behind which L2G, BARF and fixed poses stand."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from jaxtyping import Float, Int
from torch import Tensor, nn


class WarpedRays(NamedTuple):
    """The rays of a step, in the world; `alignment` is the unweighted alignment term (zero where there is none)."""

    origins: Float[Tensor, "frames points 3"]
    directions: Float[Tensor, "frames points 3"]
    alignment: Float[Tensor, ""]


class WarpField(NamedTuple):
    """The pixel-wise warp of one frame beside the global transform fitted to it, on a lattice of its image."""

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

        So many points in a row as `neighbours` says are pixels side by side, which may share what differs little
        between them; it divides their number.
        """
        ...

    def poses(self) -> Float[Tensor, "frames 3 4"]:
        """The fitted poses of all frames (for L2G on a fixed lattice of the whole image), without gradient."""
        ...

    def rebase(self, frames: Int[Tensor, " frames"], poses: Float[Tensor, "frames 3 4"]) -> None:
        """Puts frames at new poses, where they start anew: after a kick, a rescue or a bundle adjustment."""
        ...

    def extend(
        self, poses: Float[Tensor, "added 3 4"], lattice: Float[Tensor, "added points 2"], like: Int[Tensor, " added"]
    ) -> None:
        """Takes in more frames after those there are, which stay as they are, bit for bit.

        Args:
            poses: where they start.
            lattice: over their images, on the normalised plane.
            like: frames whose warps theirs begin as.
        """
        ...

    def warp(self, frame: int) -> WarpField:
        """The warp field of one frame, without gradient."""
        ...

    def module(self) -> nn.Module:
        """What is optimised and saved (its state dict); no parameters where poses are fixed."""
        ...
