"""Fixed poses, as NeRF uses them; and the base class of the registrations that fit poses."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from engine.geometry import rays, se3
from engine.registration.registration import WarpedRays, WarpField
from engine.registration.warp_motion import WarpStep


class FixedPoses(nn.Module):
    """Poses that no optimiser changes.

    Attributes:
        base: world-to-camera poses; kicks and bundle adjustments change them through `rebase`.
        lattice: points on the normalised image plane of each frame, where its warp field is evaluated.
    """

    base: Float[Tensor, "frames 3 4"]

    def __init__(self, initial: Float[Tensor, "frames 3 4"], lattice: Float[Tensor, "frames points 2"]) -> None:
        """`lattice` covers the whole image of each frame, on its normalised image plane."""
        super().__init__()
        self.register_buffer("base", initial.clone())
        self.register_buffer("lattice", lattice.clone(), persistent=False)

    lattice: Float[Tensor, "frames points 2"]

    def module(self) -> nn.Module:
        return self

    def _poses(self, frames: Int[Tensor, " frames"]) -> Float[Tensor, "frames 3 4"]:
        """The poses of some frames, differentiable where they are fitted."""
        return self.base[frames]

    def rays(
        self, frames: Int[Tensor, " frames"], points: Float[Tensor, "frames points 2"], neighbours: int = 1
    ) -> WarpedRays:
        origins, directions = rays.rays_through(self._poses(frames)[:, None], points)
        return WarpedRays(origins.expand_as(directions), directions, origins.new_zeros(()))

    @torch.no_grad()
    def poses(self) -> Float[Tensor, "frames 3 4"]:
        return self._poses(torch.arange(self.base.shape[0], device=self.base.device)).clone()

    @torch.no_grad()
    def rebase(self, frames: Int[Tensor, " frames"], poses: Float[Tensor, "frames 3 4"]) -> None:
        self.base[frames] = poses.to(self.base)

    def fitted(self) -> Float[Tensor, "frames 3 4"]:
        """The same as `poses`."""
        return self.poses()

    def follow(self, before: Float[Tensor, "frames 3 4"], step: WarpStep) -> None:
        """Nothing: there is no warp beside the poses."""

    @torch.no_grad()
    def extend(
        self, poses: Float[Tensor, "added 3 4"], lattice: Float[Tensor, "added points 2"], like: Int[Tensor, " added"]
    ) -> None:
        self.base = torch.cat([self.base, poses.to(self.base)])
        self.lattice = torch.cat([self.lattice, lattice.to(self.lattice)])

    @torch.no_grad()
    def warp(self, frame: int) -> WarpField:
        """The warp field on the lattice; without a local warp both sets of rays are the same."""
        chosen = torch.tensor([frame], device=self.base.device)
        points = self.lattice[chosen]
        local = self.rays(chosen, points)
        fitted_origins, fitted_directions = rays.rays_through(self._poses(chosen)[:, None], points)
        return WarpField(
            points[0],
            local.origins[0],
            local.directions[0],
            fitted_origins.expand_as(fitted_directions)[0],
            fitted_directions[0],
        )


def compose(base: Float[Tensor, "*batch 3 4"], twist: Float[Tensor, "*batch 6"]) -> Float[Tensor, "*batch 3 4"]:
    r"""T^0 \circ \exp(w): the motion of twist (rotation, translation) acts on world points, before the base pose."""
    return se3.compose(base, se3.exponential(twist))
