"""Poses that do not move: NeRF with reference poses."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from engine.geometry import rays, se3
from engine.registration.registration import WarpedRays, WarpField


class FixedPoses(nn.Module):
    """The base that every frame stands on; kicks and bundle adjustments move it, optimisers do not."""

    base: Float[Tensor, "frames 3 4"]

    def __init__(self, initial: Float[Tensor, "frames 3 4"], lattice: Float[Tensor, "frames points 2"]) -> None:
        """`lattice` are points of each frame's normalised image plane, over the whole image."""
        super().__init__()
        self.register_buffer("base", initial.clone())
        self.register_buffer("lattice", lattice.clone(), persistent=False)

    lattice: Float[Tensor, "frames points 2"]

    def module(self) -> nn.Module:
        return self

    def _poses(self, frames: Int[Tensor, " frames"]) -> Float[Tensor, "frames 3 4"]:
        """The poses of some frames, differentiable where they are parameters."""
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

    @torch.no_grad()
    def extend(
        self, poses: Float[Tensor, "added 3 4"], lattice: Float[Tensor, "added points 2"], like: Int[Tensor, " added"]
    ) -> None:
        self.base = torch.cat([self.base, poses.to(self.base)])
        self.lattice = torch.cat([self.lattice, lattice.to(self.lattice)])

    @torch.no_grad()
    def warp(self, frame: int) -> WarpField:
        """The warp field on the lattice: without a local warp it is the global transform itself."""
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
    """T^0 o exp(w): the motion acts in the world, before the base pose looks at it."""
    return se3.compose(base, se3.exponential(twist))
