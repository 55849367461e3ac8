"""L2G in the plane: every pixel has its own warp, and a closed-form solver fits each patch's transform to them."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from engine.geometry.homography import apply_homography
from engine.geometry.planar_warps import DEGREES, exponential, solve
from engine.geometry.warp_names import PlanarWarp
from engine.registration.planar.fixed import FixedPatches
from engine.registration.planar.planar_registration import WarpedPoints
from engine.registration.warp_network import FAST_SIZE, WarpNetwork, WarpNetworkSize

_START_SCALE = 0.01  # on the initial weights of the last layer: patches are never known, and need not start exactly
_REBASE_ROUNDS = 3  # two are enough unless the warp is strongly curved


class LocalToGlobalPatches(FixedPatches):
    r"""Local warps :math:`H_i^0 \exp(W(u, e_i))` of pixels u; the global transform is the fit to the warped pixels.

    The local warp is of the family itself, but for homographies a rigid motion of the plane: many pixels together then
    determine perspective and shear.

    Reference:
        L2G-NeRF (Chen et al., CVPR 2023), section 3.2, equations 3 to 7.
    """

    def __init__(
        self,
        initial: Float[Tensor, "patches 3 3"],
        lattice: Float[Tensor, "points 2"],
        family: PlanarWarp,
        generator: Generator,
        size: WarpNetworkSize = FAST_SIZE,
    ) -> None:
        super().__init__(initial, lattice)
        self.family = family
        self.local_family: PlanarWarp = "rigid" if family == "homography" else family
        outputs = DEGREES[self.local_family]
        self.network = WarpNetwork(len(initial), size, generator, outputs, _START_SCALE).to(initial.device)

    def _local(
        self, patches: Int[Tensor, " patches"], points: Float[Tensor, "patches points 2"]
    ) -> Float[Tensor, "patches points 2"]:
        vectors = self.network(patches, points) * self.free[patches, None, None]
        moved = apply_homography(exponential(self.local_family, vectors), points[..., None, :])[..., 0, :]
        return apply_homography(self.base[patches], moved)

    def warp(self, patches: Int[Tensor, " patches"], points: Float[Tensor, "patches points 2"]) -> WarpedPoints:
        local = self._local(patches, points)
        fitted = apply_homography(solve(self.family, points, local), points)
        return WarpedPoints(local, (fitted - local).square().mean())

    def _transforms(self, patches: Int[Tensor, " patches"]) -> Float[Tensor, "patches 3 3"]:
        """Fitted to a fixed lattice of the whole patch: a fit to the random pixels of a step would be noisy."""
        points = self.lattice.expand(len(patches), -1, -1)
        return solve(self.family, points, self._local(patches, points))

    @torch.no_grad()
    def rebase(self, patches: Int[Tensor, " patches"], transforms: Float[Tensor, "patches 3 3"]) -> None:
        """Changes the bases so that the fitted transforms become these; the network stays the same."""
        self.base[patches] = transforms.to(self.base)  # the result does not depend on the former base
        for _ in range(_REBASE_ROUNDS):
            fitted = self._transforms(patches)
            moved = transforms.to(self.base) @ torch.linalg.inv(fitted) @ self.base[patches]
            self.base[patches] = moved / moved[:, 2:, 2:]
