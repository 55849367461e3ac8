"""Bundle adjustment of tracks alone: poses and points that all observations agree on, from poses far away too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from engine.evidence.track_equations import TrackEquations, linearise, residuals
from engine.evidence.triangulation import Observations, pixel_scale
from engine.geometry import se3
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

    @torch.no_grad()
    def rounds(self) -> Iterator[None]:
        """Solves, a step at a time; nothing remains to be done when it ends."""
        for scale in self.options.scales_px:
            yield from self._round(scale * pixel_scale(self.intrinsics))

    def _round(self, scale: float) -> Iterator[None]:
        damping, options = self.options.initial_damping, self.options
        self.cost = self._cost(self.poses, self.points, scale)
        for _ in range(options.steps):
            residual, camera = residuals(self.observations, self.points, self.poses, self.intrinsics)
            weight = 1 / (1 + residual.square().sum(-1) / scale**2)
            weight = weight * (camera[:, 2] > options.least_depth)
            equations = linearise(self.observations, camera, residual, weight, self.poses, self.intrinsics)
            before = self.cost
            while damping < options.largest_damping:
                poses, points = self._solve(equations, damping)
                cost = self._cost(poses, points, scale)
                if cost < before:
                    self.poses, self.points, self.cost = poses, points, cost
                    damping = max(damping * options.damping_decrease, 1e-9)
                    break
                damping *= options.damping_increase
                yield
            yield
            if not before - self.cost > options.least_gain * before:
                return

    def _solve(self, equations: TrackEquations, damping: float) -> tuple[Tensor, Tensor]:
        reduced = equations.reduce(damping)
        diagonal = equations.cameras.diagonal()
        gauge = 1e-9 * diagonal.mean() + 1e-12
        step = -torch.linalg.solve(reduced.matrix + torch.diag(diagonal * damping + gauge), reduced.gradient)
        poses = se3.compose(se3.exponential(step.view(-1, 6)), self.poses)
        return poses, self.points + equations.point_steps(step, damping)

    def _cost(self, poses: Tensor, points: Tensor, scale: float) -> float:
        residual, camera = residuals(self.observations, points, poses, self.intrinsics)
        squared = torch.where(camera[:, 2] > self.options.least_depth, residual.square().sum(-1), 1e3 * scale**2)
        return float(torch.log1p(squared / scale**2).mean())
