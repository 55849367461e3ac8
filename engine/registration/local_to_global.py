"""L2G: every pixel has its own rigid warp, and a closed-form solver fits each frame's pose to the warps."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn

from engine.geometry import rays, se3
from engine.geometry.rigid import solve_rigid
from engine.registration.fixed import FixedPoses, compose
from engine.registration.registration import WarpedRays
from engine.registration.warp_network import FAST_SIZE, WarpNetwork, WarpNetworkSize

_REBASE_ROUNDS = 4  # each reduces the remaining error about a hundredfold


class LocalToGlobal(FixedPoses):
    r"""Local poses :math:`T_i(u) = T_i^0 \circ \exp(W(u, e_i))` of pixels u; the global pose is the rigid fit to them.

    The alignment term is the mean squared difference of coordinates between points placed by the local poses and by
    the global one.

    Reference:
        L2G-NeRF (Chen et al., CVPR 2023), section 3.3, equations 8 to 11.
    """

    def __init__(
        self,
        initial: Float[Tensor, "frames 3 4"],
        lattice: Float[Tensor, "frames points 2"],
        generator: Generator,
        size: WarpNetworkSize = FAST_SIZE,
    ) -> None:
        super().__init__(initial, lattice)
        self.network = WarpNetwork(len(initial), size, generator).to(initial.device)

    def _local(
        self, frames: Int[Tensor, " frames"], points: Float[Tensor, "frames points 2"], neighbours: int = 1
    ) -> tuple[Float[Tensor, "frames points 3"], Float[Tensor, "frames points 3"]]:
        groups = points.unflatten(1, (-1, neighbours))
        poses = compose(self.base[frames][:, None], self.network(frames, groups.mean(dim=2)))
        origins, directions = rays.rays_through(poses[:, :, None], groups)
        return origins.expand_as(directions).flatten(1, 2), directions.flatten(1, 2)

    def _fit(
        self, points: Tensor, origins: Tensor, directions: Tensor
    ) -> tuple[Float[Tensor, "frames 3 4"], Tensor, Tensor]:
        """The rigid fit (world-to-camera) and the points it is fitted to: in the world, then in camera axes.

        They are the points on the plane z = 1 and, once for each, the camera centre.
        """
        plane = torch.cat([points, torch.ones_like(points[..., :1])], dim=-1)
        seen = torch.cat([plane, torch.zeros_like(plane)], dim=-2)
        placed = torch.cat([origins + directions, origins], dim=-2)
        return solve_rigid(placed, seen), placed, seen

    def rays(
        self, frames: Int[Tensor, " frames"], points: Float[Tensor, "frames points 2"], neighbours: int = 1
    ) -> WarpedRays:
        origins, directions = self._local(frames, points, neighbours)
        pose, placed, seen = self._fit(points, origins, directions)
        residual = se3.transform(se3.invert(pose)[:, None], seen) - placed
        return WarpedRays(origins, directions, residual.square().mean())

    def _poses(self, frames: Int[Tensor, " frames"]) -> Float[Tensor, "frames 3 4"]:
        """Fitted to a fixed lattice of the whole frame: a fit to the random rays of a step would be noisy."""
        points = self.lattice[frames]
        return self._fit(points, *self._local(frames, points))[0]

    @torch.no_grad()
    def rebase(self, frames: Int[Tensor, " frames"], poses: Float[Tensor, "frames 3 4"]) -> None:
        """Changes the bases so that the fitted poses become these; the network stays the same.

        The fit to a warp that is not rigid does not follow its base exactly, hence several rounds.
        """
        for _ in range(_REBASE_ROUNDS):
            fitted = self._poses(frames)
            self.base[frames] = se3.compose(se3.compose(poses.to(self.base), se3.invert(fitted)), self.base[frames])

    @torch.no_grad()
    def extend(
        self, poses: Float[Tensor, "added 3 4"], lattice: Float[Tensor, "added points 2"], like: Int[Tensor, " added"]
    ) -> None:
        super().extend(poses, lattice, like)
        embedding = self.network.embedding
        self.network.embedding = nn.Parameter(torch.cat([embedding, embedding[like]]))
        first = len(self.base) - len(poses)
        self.rebase(torch.arange(first, len(self.base), device=self.base.device), poses)
