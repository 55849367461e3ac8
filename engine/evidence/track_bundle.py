"""Bundle adjustment of tracks alone: poses and points that all observations agree on, from poses far away too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from engine.evidence.track_equations import TrackEquations, linearise, residuals
from engine.evidence.triangulation import Observations, pixel_scale
from engine.geometry import se3
from engine.geometry.distortion import distort
from engine.geometry.intrinsics import Intrinsics


@dataclass(frozen=True)
class TrackBundleOptions:
    """How the solver proceeds.

    Attributes:
        scales_px: robust scales, one round each: an observation this far off has half its weight. Wide ones first:
            from poses that are tens of degrees off all observations are wrong, and each has to pull. Pixels of an
            image of 640.
        steps: Levenberg-Marquardt steps of a round, at most.
        least_gain: relative decrease of the cost below which a round has converged.
        initial_damping, damping_decrease, damping_increase, largest_damping: of the steps, relative to the diagonal.
        least_depth: depth below which an observation counts as behind its camera and says nothing, in units of the
            spread of the points.
    """

    scales_px: tuple[float, ...] = (64.0, 16.0, 4.0, 1.0)
    steps: int = 25
    least_gain: float = 1e-3
    initial_damping: float = 1e-2
    damping_decrease: float = 0.3
    damping_increase: float = 6.0
    largest_damping: float = 1e8
    least_depth: float = 1e-3


DEFAULT = TrackBundleOptions()
LARGEST_FOCAL_STEP = 0.2  # of the logarithm, in one step


@dataclass
class TrackBundle:
    r"""Poses and points while

    .. math:: \sum_i \log(1 + \| \pi(T_{f(i)} x_{t(i)}) - u_i \|^2 / \sigma^2)

    is minimised, for one robust scale :math:`\sigma` after the other.

    Attributes:
        observations: of the tracks.
        intrinsics: of the frames.
        poses: world-to-camera, in double precision.
        points: in the world.
        cost: mean robust cost per observation after the last step.
        frees_focal: whether one factor on the focal lengths of all frames is one more unknown.

    Reference:
        Triggs et al., Bundle Adjustment: A Modern Synthesis, 1999; graduated scales as in Yang et al., Graduated
        Non-Convexity for Robust Spatial Perception, 2020.
    """

    observations: Observations
    intrinsics: Intrinsics
    poses: Float[Tensor, "frames 3 4"]
    points: Float[Tensor, "tracks 3"]
    options: TrackBundleOptions = DEFAULT
    cost: float = float("inf")
    frees_focal: bool = False

    @torch.no_grad()
    def rounds(self) -> Iterator[None]:
        """Solves, a step at a time; nothing remains to be done when it ends."""
        for scale in self.options.scales_px:
            yield from self._round(scale * pixel_scale(self.intrinsics))

    def _round(self, scale: float) -> Iterator[None]:
        damping, options = self.options.initial_damping, self.options
        self.cost = self._cost(self.poses, self.points, self.intrinsics, scale)
        for _ in range(options.steps):
            residual, camera = residuals(self.observations, self.points, self.poses, self.intrinsics)
            weight = 1 / (1 + residual.square().sum(-1) / scale**2)
            weight = weight * (camera[:, 2] > options.least_depth)
            by_focal = self._focal_jacobian(camera) if self.frees_focal else None
            equations = linearise(self.observations, camera, residual, weight, self.poses, self.intrinsics, by_focal)
            before = self.cost
            while damping < options.largest_damping:
                poses, points, intrinsics = self._solve(equations, damping)
                cost = self._cost(poses, points, intrinsics, scale)
                if cost < before:
                    self.poses, self.points, self.intrinsics, self.cost = poses, points, intrinsics, cost
                    damping = max(damping * options.damping_decrease, 1e-9)
                    break
                damping *= options.damping_increase
                yield
            yield
            if not before - self.cost > options.least_gain * before:
                return

    def _solve(self, equations: TrackEquations, damping: float) -> tuple[Tensor, Tensor, Intrinsics]:
        reduced = equations.reduce(damping)
        diagonal = equations.cameras.diagonal()
        gauge = 1e-9 * diagonal.mean() + 1e-12
        step = -torch.linalg.solve(reduced.matrix + torch.diag(diagonal * damping + gauge), reduced.gradient)
        twist = step[: len(self.poses) * 6].view(-1, 6)
        intrinsics = self.intrinsics
        if self.frees_focal:
            factor = step[-1].clamp(-LARGEST_FOCAL_STEP, LARGEST_FOCAL_STEP).exp()
            intrinsics = replace(intrinsics, focal=(intrinsics.focal * factor).to(intrinsics.focal))
        poses = se3.compose(se3.exponential(twist), self.poses)
        return poses, self.points + equations.point_steps(step, damping), intrinsics

    def _focal_jacobian(self, camera: Float[Tensor, "observations 3"]) -> Float[Tensor, "observations 2 1"]:
        """Of pixels by the logarithm of the factor on the focal lengths."""
        plane = camera[:, :2] / camera[:, 2:].clamp(min=self.options.least_depth)
        seen = distort(plane, self.intrinsics.distortion.to(camera)[self.observations.frame])
        return (seen * self.intrinsics.focal.to(camera)[self.observations.frame])[..., None]

    def _cost(self, poses: Tensor, points: Tensor, intrinsics: Intrinsics, scale: float) -> float:
        residual, camera = residuals(self.observations, points, poses, intrinsics)
        squared = torch.where(camera[:, 2] > self.options.least_depth, residual.square().sum(-1), 1e3 * scale**2)
        return float(torch.log1p(squared / scale**2).mean())
