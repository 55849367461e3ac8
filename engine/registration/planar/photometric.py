"""Alignment of one patch with a mosaic of the others: Gauss-Newton on the photometric residual.

In the plane this is what `relocalisation.photometric_alignment` is for cameras: many hypotheses are refined at once
and compared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Generator, Tensor
from torch.nn.functional import pad

from engine.geometry import planar_warps, sl3
from engine.geometry.homography import apply_homography
from engine.geometry.warp_names import PlanarWarp
from engine.registration.gauss_newton import DampingOptions, limit_step, update_damping
from engine.registration.planar.mosaic import Mosaic


@dataclass(frozen=True)
class PlanarAlignmentOptions:
    """How hypotheses about one patch are drawn and refined.

    Attributes:
        robust_scale: colour residual (RGB in [0, 1]) at which a pixel's Cauchy weight has halved.
        uncovered_cost: cost of a pixel that the mosaic does not cover. A pixel that differs costs about 2, one that
            fits 0.1 to 0.3: a hypothesis must not become better by moving off the mosaic.
        longest_step: largest component of a step, units of the plane; a longer step is not first order any more.
        damping: of the steps.
        shift_std: standard deviation of the translations of random hypotheses, units of the plane.
        shape_std: that of the other directions of sl(3), for homographies.
    """

    robust_scale: float = 0.1
    uncovered_cost: float = 1.2
    longest_step: float = 0.3
    damping: DampingOptions = field(default_factory=lambda: DampingOptions(initial=1e-2, least=1e-5, largest=1e3))
    shift_std: float = 0.1
    shape_std: float = 0.25


DEFAULT = PlanarAlignmentOptions()


@dataclass
class Hypotheses:
    """Possible transforms of one patch.

    Attributes:
        warps: from the plane of the patch to that of the image; the last entry of each is 1.
        cost: mean robust photometric cost of each.
        damping: of the next step of each, relative to the diagonal of the normal equations.
    """

    warps: Float[Tensor, "hypotheses 3 3"]
    cost: Float[Tensor, " hypotheses"]
    damping: Float[Tensor, " hypotheses"]

    @property
    def best(self) -> Float[Tensor, "3 3"]:
        """The one of the lowest cost."""
        return self.warps[self.cost.argmin()]


def draw_hypotheses(
    family: PlanarWarp,
    current: Float[Tensor, "3 3"],
    count: int,
    generator: Generator,
    options: PlanarAlignmentOptions = DEFAULT,
) -> Float[Tensor, "hypotheses 3 3"]:
    """Transforms around the middle of the image: evenly spread rotations, random shifts and shapes; `current` first.

    They do not depend on the noise of the scene, so that a patch kicked in the window is found in the same way.
    """
    angles = torch.arange(count)[:, None] / count * 2 * math.pi
    shifts = torch.randn(count, 2, generator=generator)
    shapes = torch.randn(count, 6, generator=generator) * options.shape_std
    if family == "translation":
        warps = planar_warps.exponential("translation", shifts * 2 * options.shift_std)
    elif family == "rotation":
        warps = planar_warps.exponential("rotation", angles)
    else:
        warps = planar_warps.exponential("translation", shifts * options.shift_std)
        warps = warps @ planar_warps.exponential("rotation", angles)
        if family == "homography":
            warps = warps @ sl3.exponential(pad(shapes, (2, 0)))
    warps = warps.to(current)
    warps[0] = current
    return warps / warps[:, 2:, 2:]


def evaluate(
    warps: Float[Tensor, "hypotheses 3 3"],
    mosaic: Mosaic,
    points: Float[Tensor, "points 2"],
    colours: Float[Tensor, "3 points"],
    options: PlanarAlignmentOptions = DEFAULT,
) -> Hypotheses:
    """Hypotheses with their costs, for pixels of a patch at `points` of its plane."""
    cost = _cost(mosaic, warps, points, colours, options)
    return Hypotheses(warps, cost, torch.full_like(cost, options.damping.initial))


def keep_best(hypotheses: Hypotheses, count: int) -> Hypotheses:
    """The `count` hypotheses of the lowest costs, in their order."""
    best = hypotheses.cost.argsort()[:count]
    return Hypotheses(hypotheses.warps[best], hypotheses.cost[best], hypotheses.damping[best])


def improve(
    hypotheses: Hypotheses,
    family: PlanarWarp,
    mosaic: Mosaic,
    points: Float[Tensor, "points 2"],
    colours: Float[Tensor, "3 points"],
    options: PlanarAlignmentOptions = DEFAULT,
) -> None:
    """Takes one damped Gauss-Newton step of every hypothesis within its family, in place; no cost rises.

    Args:
        hypotheses: with costs of the same pixels against the same mosaic.
        family: of transforms that the step stays within.
        mosaic: of the other patches.
        points: pixels of the patch, in its plane.
        colours: the patch at these pixels, RGB in [0, 1].
        options: of the step.
    """
    generators = planar_warps.generators(family).to(points)
    placed = apply_homography(hypotheses.warps, points[None])
    sampled = mosaic.sample(placed)
    residual = sampled.colour - colours[:, None]
    weights = sampled.covered / (1 + residual.square().sum(dim=0) / options.robust_scale**2)
    velocity = planar_warps.velocities(generators, placed)
    normal, gradient = normal_equations(residual, sampled.slope_x, sampled.slope_y, weights, velocity)
    diagonal = torch.diagonal(normal, dim1=-2, dim2=-1)
    floor = diagonal.mean(dim=-1, keepdim=True) * 1e-3 + 1e-6 * len(points)
    damped = normal + torch.diag_embed(diagonal * hypotheses.damping[:, None] + floor)
    step = -torch.linalg.solve(damped, gradient[..., None])[..., 0]
    step = limit_step(step, options.longest_step)
    warps = planar_warps.exponential(family, step) @ hypotheses.warps
    warps = warps / warps[:, 2:, 2:]
    cost = _cost(mosaic, warps, points, colours, options)
    better = cost < hypotheses.cost
    hypotheses.warps = torch.where(better[:, None, None], warps, hypotheses.warps)
    hypotheses.cost = torch.where(better, cost, hypotheses.cost)
    hypotheses.damping = update_damping(hypotheses.damping, better, options.damping)


def normal_equations(
    residual: Float[Tensor, "3 *batch points"],
    slope_x: Float[Tensor, "3 *batch points"],
    slope_y: Float[Tensor, "3 *batch points"],
    weights: Float[Tensor, "*batch points"],
    velocity: Float[Tensor, "*batch points degrees 2"],
) -> tuple[Float[Tensor, "*batch degrees degrees"], Float[Tensor, "*batch degrees"]]:
    """J^T W J and J^T W r without forming J, the Jacobian of colours at points that move by `velocity`.

    Args:
        residual: colour differences.
        slope_x, slope_y: derivatives of the colours by the position of their points.
        weights: of each point.
        velocity: derivatives of the positions by the degrees of freedom.
    """
    xx = (slope_x * slope_x).sum(dim=0) * weights
    xy = (slope_x * slope_y).sum(dim=0) * weights
    yy = (slope_y * slope_y).sum(dim=0) * weights
    along_x, along_y = velocity.unbind(dim=-1)
    pulled_x = xx[..., None] * along_x + xy[..., None] * along_y
    pulled_y = xy[..., None] * along_x + yy[..., None] * along_y
    normal = pulled_x.mT @ along_x + pulled_y.mT @ along_y
    force_x = (slope_x * residual).sum(dim=0) * weights
    force_y = (slope_y * residual).sum(dim=0) * weights
    gradient = (along_x * force_x[..., None] + along_y * force_y[..., None]).sum(dim=-2)
    return normal, gradient


def measure_agreement(
    warp: Float[Tensor, "3 3"], mosaic: Mosaic, points: Float[Tensor, "points 2"], colours: Float[Tensor, "3 points"]
) -> tuple[float, float]:
    """Share of a patch's colour variance that the mosaic explains (at most 1), and share of the patch it covers."""
    sampled = mosaic.sample(apply_homography(warp, points))
    shared = sampled.covered.float()
    count = shared.sum().clamp(min=1)
    mean = (colours * shared).sum(dim=-1, keepdim=True) / count
    variance = ((colours - mean).square() * shared).sum()
    error = ((sampled.colour - colours).square() * shared).sum()
    return float(1 - error / variance.clamp(min=1e-9)), float(count / len(points))


def _cost(
    mosaic: Mosaic, warps: Tensor, points: Tensor, colours: Tensor, options: PlanarAlignmentOptions
) -> Float[Tensor, " hypotheses"]:
    """Mean of Cauchy's robust cost over the points; infinite where it is not finite."""
    sampled = mosaic.sample(apply_homography(warps, points[None]))
    squared = (sampled.colour - colours[:, None]).square().sum(dim=0)
    costs = torch.where(sampled.covered, torch.log1p(squared / options.robust_scale**2), options.uncovered_cost)
    return torch.nan_to_num(costs.mean(dim=-1), nan=torch.inf)
