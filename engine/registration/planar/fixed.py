"""Fixed patches, and the base class of the planar registrations that fit transforms; the first patch never moves."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from engine.geometry.homography import apply_homography
from engine.registration.planar.planar_registration import PatchWarp, WarpedPoints
from engine.registration.warp_motion import WarpStep


class FixedPatches(nn.Module):
    """Transforms that no optimiser changes.

    Attributes:
        base: from the plane of each patch to that of the image; kicks and adjustments change it through `rebase`.
        lattice: points of a patch's plane where its warp field is evaluated.
        free: 1 for patches that are fitted; 0 for the first, to whose plane the image is aligned.
    """

    base: Float[Tensor, "patches 3 3"]
    lattice: Float[Tensor, "points 2"]
    free: Float[Tensor, " patches"]

    def __init__(self, initial: Float[Tensor, "patches 3 3"], lattice: Float[Tensor, "points 2"]) -> None:
        """`lattice` covers the plane of a patch up to its borders."""
        super().__init__()
        self.register_buffer("base", initial.clone())
        self.register_buffer("lattice", lattice.clone(), persistent=False)
        free = torch.ones(len(initial), device=initial.device)
        free[0] = 0.0
        self.register_buffer("free", free, persistent=False)

    def module(self) -> nn.Module:
        return self

    def _transforms(self, patches: Int[Tensor, " patches"]) -> Float[Tensor, "patches 3 3"]:
        """The transforms of some patches, differentiable where they are fitted."""
        return self.base[patches]

    def warp(self, patches: Int[Tensor, " patches"], points: Float[Tensor, "patches points 2"]) -> WarpedPoints:
        return WarpedPoints(apply_homography(self._transforms(patches), points), points.new_zeros(()))

    @torch.no_grad()
    def transforms(self) -> Float[Tensor, "patches 3 3"]:
        return self._transforms(torch.arange(len(self.base), device=self.base.device)).clone()

    @torch.no_grad()
    def rebase(self, patches: Int[Tensor, " patches"], transforms: Float[Tensor, "patches 3 3"]) -> None:
        self.base[patches] = transforms.to(self.base)

    def fitted(self) -> Float[Tensor, "patches 3 3"]:
        """The same as `transforms`."""
        return self.transforms()

    def follow(self, before: Float[Tensor, "patches 3 3"], step: WarpStep) -> None:
        """Nothing: there is no warp beside the transforms."""

    @torch.no_grad()
    def patch_warp(self, patch: int) -> PatchWarp:
        """The warp field on the lattice; without a local warp both sets of points are the same."""
        chosen = torch.tensor([patch], device=self.base.device)
        points = self.lattice[None]
        local = self.warp(chosen, points).points
        return PatchWarp(points[0], local[0], apply_homography(self._transforms(chosen), points)[0])
