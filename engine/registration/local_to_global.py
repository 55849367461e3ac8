"""L2G: every pixel has its own rigid warp, and a closed-form solver fits each frame's pose to the warps."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn

from engine.geometry import rays, se3
from engine.geometry.rigid import solve_rigid
from engine.registration.fixed import FixedPoses, compose
from engine.registration.registration import WarpedRays
from engine.registration.warp_bends import WarpBends
from engine.registration.warp_motion import WarpStep
from engine.registration.warp_network import FAST_SIZE, WarpNetwork, WarpNetworkSize

_FOLLOW_ROUNDS = 6  # at most; one or two unless the warp is strongly bent
_SETTLED = 1e-5  # radians and scene units of a round, after which the error left is a hundredth of that
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
        self.bends = WarpBends(len(initial), self.lattice, outputs=6)

    def _local(
        self, frames: Int[Tensor, " frames"], points: Float[Tensor, "frames points 2"], neighbours: int = 1
    ) -> tuple[Float[Tensor, "frames points 3"], Float[Tensor, "frames points 3"]]:
        groups = points.unflatten(1, (-1, neighbours))
        centres = groups.mean(dim=2)
        poses = compose(self.base[frames][:, None], self.network(frames, centres) + self.bends(frames, centres))
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
    def follow(self, before: Float[Tensor, "frames 3 4"], step: WarpStep) -> None:
        """Ends a step of the network: poses go a share of the way, and the warp is stiffened around them.

        Args:
            before: the fitted poses before the step, world-to-camera.
            step: how far they go, and how the warp is stiffened.
        """
        everyone = torch.arange(len(self.base), device=self.base.device)
        self.bends.step(step.bend)
        features = self.network.features(everyone, self.lattice)
        wanted, bend = self._fitted(self._vectors(everyone, features))
        if step.partly:
            way = se3.logarithm(se3.compose(wanted, se3.invert(before)))
            wanted = se3.compose(se3.exponential(step.share * way), before)
        strength = step.strength(bend)
        if step.stiffens_network:
            self.network.stiffen(features, strength)
        self.bends.stiffen(strength)
        vectors = self._vectors(everyone, features)
        on_cpu = self.base.device.type == "cpu"  # to ask whether it has settled, the host would wait for a GPU
        for _ in range(_FOLLOW_ROUNDS):
            correction = se3.compose(wanted, se3.invert(self._fitted(vectors)[0]))
            moved = se3.compose(correction, self.base)
            rotation = moved[..., :3]  # thousands of products: rounding must not add up
            rotation = rotation @ (1.5 * torch.eye(3, device=moved.device) - 0.5 * rotation.mT @ rotation)
            self.base.copy_(torch.cat([rotation, moved[..., 3:]], dim=-1))
            if on_cpu and float(se3.logarithm(correction).abs().max()) < _SETTLED:
                break

    def _vectors(
        self, everyone: Int[Tensor, " frames"], features: Float[Tensor, "frames points width"]
    ) -> Float[Tensor, "frames points 6"]:
        """The local motions of all frames on their lattices, from the network's features there."""
        return self.network.last(features) + self.bends(everyone, self.lattice)

    def _fitted(
        self, vectors: Float[Tensor, "frames points 6"]
    ) -> tuple[Float[Tensor, "frames 3 4"], Float[Tensor, ""]]:
        """Poses of all frames that fit local motions on their lattices; and the largest mean square of a bend."""
        local = compose(self.base[:, None], vectors)
        origins, directions = rays.rays_through(local, self.lattice)
        poses, placed, seen = self._fit(self.lattice, origins.expand_as(directions), directions)
        apart = se3.transform(poses[:, None], placed) - seen
        return poses, apart.square().sum(dim=-1).mean(dim=-1).max()

    @torch.no_grad()
    def extend(
        self, poses: Float[Tensor, "added 3 4"], lattice: Float[Tensor, "added points 2"], like: Int[Tensor, " added"]
    ) -> None:
        super().extend(poses, lattice, like)
        embedding = self.network.embedding
        self.network.embedding = nn.Parameter(torch.cat([embedding, embedding[like]]))
        self.bends.extend(lattice, like)
        first = len(self.base) - len(poses)
        self.rebase(torch.arange(first, len(self.base), device=self.base.device), poses)
