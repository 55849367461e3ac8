"""The damped Gauss-Newton solver behind the surface bundle adjustment."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from engine.geometry import rays, se3
from engine.geometry.intrinsics import Intrinsics
from engine.registration.bundle.lens import FreeLens
from engine.registration.bundle.surface_points import SurfacePoints, look_up

BORDER = 1.0  # pixels
FEWEST_VIEWS = 3
LARGEST_DAMPING = 1e3
FIXED = FreeLens()
ROBUST_SCALE = 0.045  # colour residual at which an observation's weight has halved
INDEPENDENT = 0.002  # of the observations: on real photos focal lengths end 20 times as far off as all of them claim


class _Observations(NamedTuple):
    """Every point in every frame."""

    camera: Float[Tensor, "frames points 3"]
    pixels: Float[Tensor, "frames points 2"]
    usable: Bool[Tensor, "frames points"]


class _System(NamedTuple):
    """Normal equations in blocks: poses, points (position and colour), the lens, and what couples them."""

    poses: Float[Tensor, "frames 6 6"]
    points: Float[Tensor, "points 6 6"]
    coupling: Float[Tensor, "points frames 6 6"]
    pose_gradient: Float[Tensor, "frames 6"]
    point_gradient: Float[Tensor, "points 6"]
    lens: Float[Tensor, "unknowns unknowns"]
    lens_poses: Float[Tensor, "frames 6 unknowns"]
    lens_points: Float[Tensor, "points unknowns 6"]
    lens_gradient: Float[Tensor, " unknowns"]


@dataclass
class Adjustment:
    """Poses and points on their way to agreement; call `improve` until it says it is done.

    The cost is a robust (Cauchy) sum over points p and frames i of |I_i(project(T_i x_p)) - c_p|^2; the colours c_p
    are unknowns too, so no frame is the reference of a point. The lens may be another unknown that all share; if it
    has a prior, the observations are taken for Cauchy's distribution at the robust scale, `INDEPENDENT` of them.
    """

    images: Float[Tensor, "frames 3 height width"]
    intrinsics: Intrinsics
    poses: Float[Tensor, "frames 3 4"]
    points: Float[Tensor, "points 3"]
    visible: Bool[Tensor, "frames points"]
    damping: float = 1e-4
    cost: float = float("inf")
    free: FreeLens = FIXED

    def __post_init__(self) -> None:
        across = torch.nn.functional.pad((self.images[..., 2:] - self.images[..., :-2]) / 2, (1, 1, 0, 0))
        down = torch.nn.functional.pad((self.images[..., 2:, :] - self.images[..., :-2, :]) / 2, (0, 0, 1, 1))
        self._stack = torch.cat([self.images, across, down], dim=1)

    def improve(self, tries: int = 6) -> bool:
        """One accepted step; False when none was found or it no longer pays."""
        pieces = self.improving(tries)
        while True:
            try:
                next(pieces)
            except StopIteration as end:
                return end.value

    @torch.no_grad()
    def improving(self, tries: int = 6) -> Generator[None, None, bool]:
        """`improve` in pieces, for whoever has other things to do in between; nothing is moved before the end."""
        seen = self._observe(self.poses, self.points, self.intrinsics)
        usable = seen.usable & (seen.usable.sum(dim=0) >= FEWEST_VIEWS)
        if not bool(usable.any()):
            return False
        sampled = look_up(self._stack, seen.pixels)
        yield
        weights, residual = _robust(sampled[..., :3], usable)
        before = self._cost(residual, usable, self.intrinsics)
        yield
        system = self._linearise(seen, sampled, weights, residual)
        for _ in range(tries):
            yield
            poses, points, intrinsics = self._moved(system)
            yield
            again = self._observe(poses, points, intrinsics)
            common = usable & again.usable
            _, residual = _robust(look_up(self.images, again.pixels), common)
            after = self._cost(residual, common, intrinsics)
            if after < before:
                self.poses, self.points, self.intrinsics, self.cost = poses, points, intrinsics, after
                self.damping = max(self.damping / 4, 1e-7)
                return (before - after) > 1e-4 * before
            self.damping *= 8
            if self.damping > LARGEST_DAMPING:
                break
        return False

    def _observe(self, poses: Tensor, points: Tensor, intrinsics: Intrinsics) -> _Observations:
        frames = poses.shape[0]
        camera = se3.transform(poses[:, None], points[None])
        distortion = intrinsics.distortion if intrinsics.distorted else None
        pixels, depth = rays.project(
            points[None].expand(frames, -1, -1), poses, intrinsics.focal, intrinsics.centre, distortion
        )
        limit = pixels.new_tensor([intrinsics.width - BORDER, intrinsics.height - BORDER])
        inside = ((pixels > BORDER) & (pixels < limit)).all(dim=-1)
        return _Observations(camera, pixels, self.visible & inside & (depth > 1e-2))

    def _linearise(self, seen: _Observations, sampled: Tensor, weights: Tensor, residual: Tensor) -> _System:
        """Jacobians of colour by the camera's motion in its own axes, the point and the lens, weighted and squared.

        Lens distortion is left out of the Jacobian, not of the residual: it is close to the identity.
        """
        slope = torch.stack([sampled[..., 3:6], sampled[..., 6:9]], dim=-1)  # colour by pixel
        x, y, z = seen.camera.clamp(min=-1e6).unbind(dim=-1)
        inverse = 1 / z.clamp(min=1e-2)
        focal = self.intrinsics.focal[:, None]
        zero = torch.zeros_like(x)
        rows = [
            torch.stack([inverse, zero, -x * inverse**2], dim=-1) * focal[..., :1],
            torch.stack([zero, inverse, -y * inverse**2], dim=-1) * focal[..., 1:],
        ]
        by_camera = slope @ torch.stack(rows, dim=-2)  # colour by point in camera axes
        turn = torch.linalg.cross(seen.camera[..., None, :].expand_as(by_camera), by_camera, dim=-1)
        root = weights.sqrt()[..., None, None]
        by_pose = torch.cat([turn, by_camera], dim=-1) * root
        by_position = by_camera @ self.poses[:, None, :, :3]
        by_colour = -torch.eye(3, device=slope.device).expand_as(by_position)
        by_point = torch.cat([by_position, by_colour], dim=-1) * root
        by_lens = slope @ self.free.jacobian(seen.camera, self.intrinsics) * root
        error = residual * root[..., 0]
        pull = self.free.pull(self.intrinsics)
        strength = ROBUST_SCALE**2 / (2 * INDEPENDENT)
        return _System(
            poses=torch.einsum("fpci,fpcj->fij", by_pose, by_pose),
            points=torch.einsum("fpci,fpcj->pij", by_point, by_point),
            coupling=torch.einsum("fpci,fpcj->pfij", by_pose, by_point),
            pose_gradient=torch.einsum("fpci,fpc->fi", by_pose, error),
            point_gradient=torch.einsum("fpci,fpc->pi", by_point, error),
            lens=torch.einsum("fpci,fpcj->ij", by_lens, by_lens) + strength * pull.curvature,
            lens_poses=torch.einsum("fpci,fpcj->fij", by_pose, by_lens),
            lens_points=torch.einsum("fpci,fpcj->pij", by_lens, by_point),
            lens_gradient=torch.einsum("fpci,fpc->i", by_lens, error) + strength * pull.gradient,
        )

    def _cost(self, residual: Tensor, usable: Tensor, intrinsics: Intrinsics) -> float:
        """Per observation."""
        observations = float(usable.sum().clamp(min=1))
        robust = torch.log1p(residual.square().sum(dim=-1) / ROBUST_SCALE**2)
        return (float((robust * usable).sum()) + self.free.pull(intrinsics).value / INDEPENDENT) / observations

    def _moved(self, system: _System) -> tuple[Tensor, Tensor, Intrinsics]:
        """Solves the damped system with the points eliminated (Schur complement); moved poses, points and lens."""
        frames, count = system.poses.shape[0], system.points.shape[0]
        diagonal = torch.diagonal(system.points, dim1=-2, dim2=-1)
        floor = 1e-6 + 1e-3 * diagonal[:, :3].mean() * diagonal.new_tensor([1.0, 1, 1, 0, 0, 0])
        factor = torch.linalg.cholesky(system.points + torch.diag_embed(diagonal * self.damping + floor))
        coupling = torch.cat([system.coupling.reshape(count, frames * 6, 6), system.lens_points], dim=1).mT
        whitened = torch.linalg.solve_triangular(factor, coupling, upper=False).reshape(count * 6, -1)
        gradient = torch.linalg.solve_triangular(factor, system.point_gradient[..., None], upper=False)
        cameras = torch.block_diag(*system.poses, system.lens)
        cameras[: frames * 6, frames * 6 :] = system.lens_poses.reshape(frames * 6, -1)
        cameras[frames * 6 :, : frames * 6] = system.lens_poses.reshape(frames * 6, -1).mT
        cameras += torch.diag(cameras.diagonal() * self.damping)
        reduced = cameras - whitened.mT @ whitened
        camera_gradient = torch.cat([system.pose_gradient.reshape(-1), system.lens_gradient])
        reduced_gradient = camera_gradient - whitened.mT @ gradient.reshape(-1)
        precise = reduced.double()
        # the gauge (seven motions of the whole world) is free: keep it where it is
        held = torch.full_like(precise[0], float(1e-6 * precise.diagonal()[: frames * 6].mean() + 1e-12))
        held[frames * 6 :] = 0.0
        precise += torch.diag(held)
        step = -torch.linalg.solve(precise, reduced_gradient.double()).to(reduced)
        twist, lens = step[: frames * 6].view(frames, 6), step[frames * 6 :]
        pull = system.point_gradient + torch.einsum("pij,j->pi", coupling, step)
        shift = -torch.cholesky_solve(pull[..., None], factor)[..., 0]
        poses = se3.compose(se3.exponential(twist), self.poses)
        return poses, self.points + shift[:, :3], self.free.moved(self.intrinsics, lens)


def from_surface(
    images: Tensor, intrinsics: Intrinsics, poses: Tensor, surface: SurfacePoints, free: FreeLens = FIXED
) -> Adjustment:
    """An adjustment that starts from a surface."""
    return Adjustment(images, intrinsics, poses, surface.points, surface.visible, free=free)


def _robust(
    colours: Float[Tensor, "frames points 3"], usable: Bool[Tensor, "frames points"]
) -> tuple[Float[Tensor, "frames points"], Float[Tensor, "frames points 3"]]:
    """Cauchy weights and residuals against each point's weighted mean colour, found by reweighting."""
    weights = usable.float()
    residual = torch.zeros_like(colours)
    for _ in range(3):
        total = weights.sum(dim=0).clamp(min=1e-6)[:, None]
        residual = colours - (weights[..., None] * colours).sum(dim=0) / total
        weights = usable / (1 + residual.square().sum(dim=-1) / ROBUST_SCALE**2)
    return weights, residual
