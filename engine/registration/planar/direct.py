"""One vector of the family's Lie algebra per patch, optimised directly: BARF and its naive baselines."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from engine.geometry.planar_warps import DEGREES, exponential
from engine.geometry.warp_names import PlanarWarp
from engine.registration.planar.fixed import FixedPatches


class DirectPatches(FixedPatches):
    r"""Transforms :math:`H_i = \exp(h_i) H_i^0`; the vectors h_i are the parameters.

    Reference:
        BARF (Lin et al., ICCV 2021), section 4.1.
    """

    def __init__(
        self, initial: Float[Tensor, "patches 3 3"], lattice: Float[Tensor, "points 2"], family: PlanarWarp
    ) -> None:
        super().__init__(initial, lattice)
        self.family = family
        self.vector = nn.Parameter(torch.zeros(len(initial), DEGREES[family], device=initial.device))

    def _transforms(self, patches: Int[Tensor, " patches"]) -> Float[Tensor, "patches 3 3"]:
        vectors = self.vector[patches] * self.free[patches, None]
        return exponential(self.family, vectors) @ self.base[patches]

    @torch.no_grad()
    def rebase(self, patches: Int[Tensor, " patches"], transforms: Float[Tensor, "patches 3 3"]) -> None:
        super().rebase(patches, transforms)
        self.vector[patches] = 0.0
