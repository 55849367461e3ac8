"""The damped Gauss-Newton solver behind the surface bundle adjustment."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from engine.evidence.track_equations import TrackEquations
from engine.geometry import rays, se3
from engine.geometry.intrinsics import Intrinsics
from engine.registration.bundle.options import SolverOptions
from engine.registration.bundle.surface_points import SurfacePoints, look_up, sample_images
from engine.registration.bundle.track_evidence import TrackEvidence
from engine.registration.lens import FreeLens

FIXED_LENS = FreeLens()
DEFAULT = SolverOptions()


class _Observations(NamedTuple):
    """Every point as every frame sees it; `usable` where the frame does see it."""

    camera: Float[Tensor, "frames points 3"]
    pixels: Float[Tensor, "frames points 2"]
    usable: Bool[Tensor, "frames points"]


class _System(NamedTuple):
    """Normal equations in blocks: poses, points (position and colour), the lens, and the terms that couple them."""

    poses: Float[Tensor, "frames 6 6"]
    points: Float[Tensor, "points 6 6"]
    coupling: Float[Tensor, "points frames 6 6"]
    pose_gradient: Float[Tensor, "frames 6"]
    point_gradient: Float[Tensor, "points 6"]
    lens: Float[Tensor, "unknowns unknowns"]
    lens_poses: Float[Tensor, "frames 6 unknowns"]
    lens_points: Float[Tensor, "points unknowns 6"]
    lens_gradient: Float[Tensor, " unknowns"]
    tracks: TrackEquations | None = None


@dataclass
class Adjustment:
    r"""Poses and points while they are adjusted; call `improve` until it returns False.

    .. math:: \sum_{p, i} \rho(\| I_i(\mathrm{project}(T_i x_p)) - c_p \|)

    is minimised over poses T_i, points x_p and colours c_p, with Cauchy's robust cost. The colours are unknowns, so no
    frame is the reference of a point. The lens may be one more unknown, the same for all frames; against its prior
    the residuals count as Cauchy-distributed at the robust scale, and only a share of them
    (`SolverOptions.independent`) as independent.

    Attributes:
        images: RGB in [0, 1].
        intrinsics: of these images, changed only where `free` allows it.
        poses: world-to-camera.
        points: in the world.
        visible: which frame sees which point.
        masks: True for pixels that count; None if all do. A point is not seen where it falls on another.
        damping: of the next step, relative to the diagonal of the normal equations.
        cost: mean robust cost per observation after the last accepted step.
        free: what may change of the lens.
        options: of the solver.
        tracks: matches that the poses shall fit as well, or None.

    Reference:
        Triggs et al., Bundle Adjustment: A Modern Synthesis, 1999.
    """

    images: Float[Tensor, "frames 3 height width"]
    intrinsics: Intrinsics
    poses: Float[Tensor, "frames 3 4"]
    points: Float[Tensor, "points 3"]
    visible: Bool[Tensor, "frames points"]
    masks: Bool[Tensor, "frames height width"] | None = None
    damping: float = DEFAULT.initial_damping
    cost: float = float("inf")
    free: FreeLens = FIXED_LENS
    options: SolverOptions = DEFAULT
    tracks: TrackEvidence | None = None

    def __post_init__(self) -> None:
        across = torch.nn.functional.pad((self.images[..., 2:] - self.images[..., :-2]) / 2, (1, 1, 0, 0))
        down = torch.nn.functional.pad((self.images[..., 2:, :] - self.images[..., :-2, :]) / 2, (0, 0, 1, 1))
        self._stack = torch.cat([self.images, across, down], dim=1)

    def improve(self) -> bool:
        """Takes one step; False where no step lowers the cost, or one lowers it so little that it has converged."""
        pieces = self.improve_in_pieces()
        while True:
            try:
                next(pieces)
            except StopIteration as end:
                return end.value

    @torch.no_grad()
    def improve_in_pieces(self) -> Generator[None, None, bool]:
        """`improve` as a generator, so that commands can be applied in between; nothing changes before its end."""
        seen = self._observe(self.poses, self.points, self.intrinsics)
        usable = seen.usable & (seen.usable.sum(dim=0) >= self.options.fewest_views)
        if not bool(usable.any()):
            return False
        sampled = sample_images(self._stack, seen.pixels)
        yield
        weights, residual = _reweight(sampled[..., :3], usable, self.options)
        of_tracks = self.tracks.points if self.tracks is not None else None
        before = self._cost(residual, usable, self.poses, self.intrinsics, of_tracks)
        yield
        system = self._linearise(seen, sampled, weights, residual)
        if self.tracks is not None:
            yield
            strength = self.options.robust_scale
            system = system._replace(tracks=self.tracks.linearise(self.poses, self.intrinsics, self.free, strength))
        for _ in range(self.options.tries):
            yield
            poses, points, intrinsics, of_tracks = self._solve(system)
            yield
            again = self._observe(poses, points, intrinsics)
            common = usable & again.usable
            _, residual = _reweight(sample_images(self.images, again.pixels), common, self.options)
            after = self._cost(residual, common, poses, intrinsics, of_tracks)
            if after < before:
                self.poses, self.points, self.intrinsics, self.cost = poses, points, intrinsics, after
                if self.tracks is not None and of_tracks is not None:
                    self.tracks.points = of_tracks
                self.damping = max(self.damping / self.options.damping_decrease, self.options.least_damping)
                return (before - after) > self.options.least_gain * before
            self.damping *= self.options.damping_increase
            if self.damping > self.options.largest_damping:
                break
        return False

    def _observe(self, poses: Tensor, points: Tensor, intrinsics: Intrinsics) -> _Observations:
        frames = poses.shape[0]
        camera = se3.transform(poses[:, None], points[None])
        distortion = intrinsics.distortion if intrinsics.distorted else None
        pixels, depth = rays.project(
            points[None].expand(frames, -1, -1), poses, intrinsics.focal, intrinsics.centre, distortion
        )
        border = self.options.border
        limit = pixels.new_tensor([intrinsics.width - border, intrinsics.height - border])
        inside = ((pixels > border) & (pixels < limit)).all(dim=-1)
        if self.masks is not None:
            inside &= look_up(self.masks, pixels)
        return _Observations(camera, pixels, self.visible & inside & (depth > self.options.least_depth))

    def _linearise(self, seen: _Observations, sampled: Tensor, weights: Tensor, residual: Tensor) -> _System:
        """The normal equations: Jacobians of colour by the camera's motion in its own axes, the point and the lens."""
        slope = torch.stack([sampled[..., 3:6], sampled[..., 6:9]], dim=-1)  # colour by pixel
        distortion = self.intrinsics.distortion if self.intrinsics.distorted else None
        by_camera = slope @ rays.differentiate_projection(  # colour by point in camera axes
            seen.camera.clamp(min=-1e6), self.intrinsics.focal, distortion, self.options.least_depth
        )
        turn = torch.linalg.cross(seen.camera[..., None, :].expand_as(by_camera), by_camera, dim=-1)
        root = weights.sqrt()[..., None, None]
        by_pose = torch.cat([turn, by_camera], dim=-1) * root
        by_position = by_camera @ self.poses[:, None, :, :3]
        by_colour = -torch.eye(3, device=slope.device).expand_as(by_position)
        by_point = torch.cat([by_position, by_colour], dim=-1) * root
        by_lens = slope @ self.free.jacobian(seen.camera, self.intrinsics) * root  # of each frame's own camera
        error = residual * root[..., 0]
        lens, lens_poses, lens_points, lens_gradient = self._gather_lenses(by_lens, by_pose, by_point, error)
        prior = self.free.prior_cost(self.intrinsics)
        strength = self.options.robust_scale**2 / (2 * self.options.independent)
        return _System(
            poses=torch.einsum("fpci,fpcj->fij", by_pose, by_pose),
            points=torch.einsum("fpci,fpcj->pij", by_point, by_point),
            coupling=torch.einsum("fpci,fpcj->pfij", by_pose, by_point),
            pose_gradient=torch.einsum("fpci,fpc->fi", by_pose, error),
            point_gradient=torch.einsum("fpci,fpc->pi", by_point, error),
            lens=lens + strength * prior.curvature,
            lens_poses=lens_poses,
            lens_points=lens_points,
            lens_gradient=lens_gradient + strength * prior.gradient,
        )

    def _gather_lenses(
        self, by_lens: Tensor, by_pose: Tensor, by_point: Tensor, error: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The parts of the normal equations that have to do with lenses: each frame counts for its own camera."""
        columns, count = self.free.columns(self.intrinsics)
        lens, gradient = by_lens.new_zeros(count, count), by_lens.new_zeros(count)
        poses = by_lens.new_zeros(len(by_lens), 6, count)
        points = by_lens.new_zeros(by_point.shape[1], count, by_point.shape[-1])
        for own in columns.unique(dim=0) if count else ():
            of = (columns == own).all(dim=1).nonzero()[:, 0]
            mine = by_lens[of]
            lens[own[:, None], own] = torch.einsum("fpci,fpcj->ij", mine, mine)
            gradient[own] = torch.einsum("fpci,fpc->i", mine, error[of])
            poses[of[:, None], :, own] = torch.einsum("fpci,fpcj->fji", by_pose[of], mine)
            points[:, own] = torch.einsum("fpci,fpcj->pij", mine, by_point[of])
        return lens, poses, points, gradient

    def _cost(
        self, residual: Tensor, usable: Tensor, poses: Tensor, intrinsics: Intrinsics, of_tracks: Tensor | None
    ) -> float:
        """Mean robust cost per observation of a colour, the tracks' and the lens's prior included."""
        observations = float(usable.sum().clamp(min=1))
        robust = torch.log1p(residual.square().sum(dim=-1) / self.options.robust_scale**2)
        prior = self.free.prior_cost(intrinsics).value / self.options.independent
        if self.tracks is not None and of_tracks is not None:
            prior += self.tracks.cost(poses, of_tracks, intrinsics)
        return (float((robust * usable).sum()) + prior) / observations

    def _solve(self, system: _System) -> tuple[Tensor, Tensor, Intrinsics, Tensor | None]:
        """Poses, points, lens and points of tracks after a step: solves the damped system, all points eliminated
        (Schur complement)."""
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
        precise, precise_gradient = reduced.double(), reduced_gradient.double()
        if system.tracks is not None:
            of_tracks = system.tracks.reduce(self.damping)
            precise = precise + of_tracks.matrix + torch.diag(system.tracks.cameras.diagonal() * self.damping)
            precise_gradient = precise_gradient + of_tracks.gradient
        # Seven motions of the whole world change nothing (the gauge): a little damping keeps the world where it is.
        held = torch.full_like(precise[0], float(1e-6 * precise.diagonal()[: frames * 6].mean() + 1e-12))
        held[frames * 6 :] = 0.0
        precise += torch.diag(held)
        exact = -torch.linalg.solve(precise, precise_gradient)
        step = exact.to(reduced)
        twist, lens = step[: frames * 6].view(frames, 6), step[frames * 6 :]
        right = system.point_gradient + torch.einsum("pij,j->pi", coupling, step)
        shift = -torch.cholesky_solve(right[..., None], factor)[..., 0]
        poses = se3.compose(se3.exponential(twist), self.poses)
        track_points = None
        if self.tracks is not None and system.tracks is not None:
            track_points = self.tracks.points + system.tracks.point_steps(exact, self.damping)
        return poses, self.points + shift[:, :3], self.free.apply_step(self.intrinsics, lens), track_points


def start_from_surface(
    images: Float[Tensor, "frames 3 height width"],
    intrinsics: Intrinsics,
    poses: Float[Tensor, "frames 3 4"],
    surface: SurfacePoints,
    free: FreeLens = FIXED_LENS,
    tracks: TrackEvidence | None = None,
    masks: Bool[Tensor, "frames height width"] | None = None,
    options: SolverOptions = DEFAULT,
) -> Adjustment:
    """An adjustment of world-to-camera poses and the points of a surface, before its first step."""
    return Adjustment(
        images,
        intrinsics,
        poses,
        surface.points,
        surface.visible,
        free=free,
        tracks=tracks,
        masks=masks,
        options=options,
    )


def _reweight(
    colours: Float[Tensor, "frames points 3"], usable: Bool[Tensor, "frames points"], options: SolverOptions
) -> tuple[Float[Tensor, "frames points"], Float[Tensor, "frames points 3"]]:
    """Cauchy weights, and residuals against each point's weighted mean colour, by iterative reweighting."""
    weights = usable.float()
    residual = torch.zeros_like(colours)
    for _ in range(options.reweightings):
        total = weights.sum(dim=0).clamp(min=1e-6)[:, None]
        residual = colours - (weights[..., None] * colours).sum(dim=0) / total
        weights = usable / (1 + residual.square().sum(dim=-1) / options.robust_scale**2)
    return weights, residual
