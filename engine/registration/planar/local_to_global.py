"""L2G in the plane: every pixel has its own warp, and a closed-form solver fits each patch's transform to them."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor

from engine.geometry.homography import apply_homography
from engine.geometry.numerics import invert_3x3
from engine.geometry.planar_warps import DEGREES, exponential, solve
from engine.geometry.warp_names import PlanarWarp
from engine.registration.planar.fixed import FixedPatches
from engine.registration.planar.planar_registration import WarpedPoints
from engine.registration.warp_bends import WarpBends
from engine.registration.warp_motion import WarpStep
from engine.registration.warp_network import FAST_SIZE, WarpNetwork, WarpNetworkSize

_START_SCALE = 0.01  # on the initial weights of the last layer: patches are never known, and need not start exactly
_FOLLOW_ROUNDS = 6  # at most; one or two unless the warp is strongly bent
_SETTLED = 1e-5  # of the entries of a base in a round, after which the error left is a hundredth of that
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
        self.bends = WarpBends(len(initial), self.lattice[None], outputs)

    def _local(
        self, patches: Int[Tensor, " patches"], points: Float[Tensor, "patches points 2"]
    ) -> Float[Tensor, "patches points 2"]:
        vectors = self.network(patches, points) + self.bends(patches, points)
        return self._moved(self.base[patches], vectors, points, self.free[patches])

    def _moved(self, base: Tensor, vectors: Tensor, points: Tensor, free: Tensor) -> Float[Tensor, "patches points 2"]:
        """Where vectors of the local family, one per point, put the points of patches with these bases."""
        local = exponential(self.local_family, vectors * free[:, None, None])
        return apply_homography(base, apply_homography(local, points[..., None, :])[..., 0, :])

    def warp(self, patches: Int[Tensor, " patches"], points: Float[Tensor, "patches points 2"]) -> WarpedPoints:
        local = self._local(patches, points)
        fitted = apply_homography(solve(self.family, points, local), points)
        return WarpedPoints(local, (fitted - local).square().mean())

    def _transforms(self, patches: Int[Tensor, " patches"]) -> Float[Tensor, "patches 3 3"]:
        """Fitted to a fixed lattice of the whole patch: a fit to the random pixels of a step would be noisy."""
        points = self.lattice.expand(len(patches), -1, -1)
        return solve(self.family, points, self._local(patches, points))

    @torch.no_grad()
    def follow(self, before: Float[Tensor, "patches 3 3"], step: WarpStep) -> None:
        """Ends a step of the network: transforms go a share of the way, and the warp is stiffened around them.

        Args:
            before: the fitted transforms before the step.
            step: how far they go, and how the warp is stiffened.
        """
        self.bends.step(step.bend)
        everyone = torch.arange(len(self.base), device=self.base.device)
        points = self.lattice.expand(len(self.base), -1, -1)
        features = self.network.features(everyone, points)
        vectors = self.network.last(features) + self.bends(everyone, points)
        local = self._moved(self.base, vectors, points, self.free)
        wanted = now = solve(self.family, points, local)
        bend = (apply_homography(now, points) - local).square().sum(dim=-1).mean(dim=-1).max()
        if step.partly:
            places = torch.lerp(apply_homography(before, points), apply_homography(now, points), step.share)
            wanted = solve(self.family, points, places)
        strength = step.strength(bend)
        if step.stiffens_network:
            self.network.stiffen(features, strength)
        self.bends.stiffen(strength)
        on_cpu = self.base.device.type == "cpu"  # to ask whether it has settled, the host would wait for a GPU
        vectors = self.network.last(features) + self.bends(everyone, points)
        for _ in range(_FOLLOW_ROUNDS):
            local = self._moved(self.base, vectors, points, self.free)
            moved = wanted @ invert_3x3(solve(self.family, points, local)) @ self.base
            moved = torch.where(self.free[:, None, None] > 0, moved / moved[:, 2:, 2:], self.base)
            change = (moved - self.base).abs().max()
            self.base.copy_(moved)
            if on_cpu and float(change) < _SETTLED:
                break

    @torch.no_grad()
    def rebase(self, patches: Int[Tensor, " patches"], transforms: Float[Tensor, "patches 3 3"]) -> None:
        """Changes the bases so that the fitted transforms become these; the network stays the same."""
        self.base[patches] = transforms.to(self.base)  # the result does not depend on the former base
        for _ in range(_REBASE_ROUNDS):
            fitted = self._transforms(patches)
            moved = transforms.to(self.base) @ torch.linalg.inv(fitted) @ self.base[patches]
            self.base[patches] = moved / moved[:, 2:, 2:]
