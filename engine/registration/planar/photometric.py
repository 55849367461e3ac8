"""Finding a patch from its pixels alone: Gauss-Newton on the photometric residual against what the others say.

The planar sister of `relocalisation.photometric_alignment`: many hypotheses are followed at once and compared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor
from torch.nn.functional import pad

from engine.geometry import planar_warps, sl3
from engine.geometry.homography import apply_homography
from engine.geometry.warp_names import PlanarWarp
from engine.registration.planar.mosaic import Mosaic

DAMPING_UP, DAMPING_DOWN = 6.0, 0.3
ROBUST_SCALE = 0.1  # colour residual at which a pixel's weight has halved
UNCOVERED_COST = 1.2  # of a pixel that cannot be compared; a wrong one costs about two, one that fits a few tenths
LONGEST_STEP = 0.3  # in units of the plane: what is longer is no longer first order
SHIFT, SPREAD = 0.1, 0.25  # of the random hypotheses: their translations, and their other directions of sl(3)


@dataclass
class Hypotheses:
    """Where one patch may be.

    Attributes:
        warps: from the plane of the patch to that of the image, 1 in the last corner.
        cost: mean robust photometric cost of each; infinite while unknown.
        damping: Levenberg's, of each.
    """

    warps: Float[Tensor, "hypotheses 3 3"]
    cost: Float[Tensor, " hypotheses"]
    damping: Float[Tensor, " hypotheses"]

    @property
    def best(self) -> Float[Tensor, "3 3"]:
        return self.warps[self.cost.argmin()]


def scattered(
    family: PlanarWarp, here: Float[Tensor, "3 3"], count: int, generator: Generator
) -> Float[Tensor, "hypotheses 3 3"]:
    """Hypotheses all around the middle of the image: every rotation, some shifts and shapes; the first one is `here`.

    Nothing is taken from the scene's noise: a patch that was dragged away by hand is found in the same way.
    """
    angles = torch.arange(count)[:, None] / count * 2 * math.pi
    shifts = torch.randn(count, 2, generator=generator)
    shapes = torch.randn(count, 6, generator=generator) * SPREAD
    if family == "translation":
        warps = planar_warps.exponential("translation", shifts * 2 * SHIFT)
    elif family == "rotation":
        warps = planar_warps.exponential("rotation", angles)
    else:
        warps = planar_warps.exponential("translation", shifts * SHIFT) @ planar_warps.exponential("rotation", angles)
        if family == "homography":
            warps = warps @ sl3.exponential(pad(shapes, (2, 0)))
    warps = warps.to(here)
    warps[0] = here
    return warps / warps[:, 2:, 2:]


def judged(
    warps: Float[Tensor, "hypotheses 3 3"],
    mosaic: Mosaic,
    points: Float[Tensor, "points 2"],
    colours: Float[Tensor, "3 points"],
) -> Hypotheses:
    """Hypotheses with their costs."""
    cost = _cost(mosaic, warps, points, colours)
    return Hypotheses(warps, cost, torch.full_like(cost, 1e-2))


def keep(hypotheses: Hypotheses, count: int) -> Hypotheses:
    """The best ones."""
    best = hypotheses.cost.argsort()[:count]
    return Hypotheses(hypotheses.warps[best], hypotheses.cost[best], hypotheses.damping[best])


def improve(
    hypotheses: Hypotheses,
    family: PlanarWarp,
    mosaic: Mosaic,
    points: Float[Tensor, "points 2"],
    colours: Float[Tensor, "3 points"],
) -> None:
    """One damped Gauss-Newton step of every hypothesis along its family of warps, in place; none becomes worse.

    Args:
        hypotheses: with costs of the same pixels against the same mosaic.
        mosaic: what the patch is compared with.
        points: pixels of the patch, in its plane.
        colours: the patch at these pixels.
    """
    generators = planar_warps.generators(family).to(points)
    placed = apply_homography(hypotheses.warps, points[None])
    looks = mosaic.look(placed)
    residual = looks.colour - colours[:, None]
    weights = looks.covered / (1 + residual.square().sum(dim=0) / ROBUST_SCALE**2)
    velocity = planar_warps.velocities(generators, placed)
    normal, gradient = normal_equations(residual, looks.slope_x, looks.slope_y, weights, velocity)
    diagonal = torch.diagonal(normal, dim1=-2, dim2=-1)
    floor = diagonal.mean(dim=-1, keepdim=True) * 1e-3 + 1e-6 * len(points)
    damped = normal + torch.diag_embed(diagonal * hypotheses.damping[:, None] + floor)
    step = -torch.linalg.solve(damped, gradient[..., None])[..., 0]
    step = step * (LONGEST_STEP / step.abs().amax(dim=-1, keepdim=True).clamp(min=LONGEST_STEP))
    warps = planar_warps.exponential(family, step) @ hypotheses.warps
    warps = warps / warps[:, 2:, 2:]
    cost = _cost(mosaic, warps, points, colours)
    better = cost < hypotheses.cost
    hypotheses.warps = torch.where(better[:, None, None], warps, hypotheses.warps)
    hypotheses.cost = torch.where(better, cost, hypotheses.cost)
    factor = torch.where(better, DAMPING_DOWN, DAMPING_UP)
    hypotheses.damping = (hypotheses.damping * factor).clamp(1e-5, 1e3)


def normal_equations(
    residual: Float[Tensor, "3 *batch points"],
    slope_x: Float[Tensor, "3 *batch points"],
    slope_y: Float[Tensor, "3 *batch points"],
    weights: Float[Tensor, "*batch points"],
    velocity: Float[Tensor, "*batch points degrees 2"],
) -> tuple[Float[Tensor, "*batch degrees degrees"], Float[Tensor, "*batch degrees"]]:
    """J^T W J and J^T W r of colours whose points move by `velocity`, without forming J."""
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


def agreement(
    warp: Float[Tensor, "3 3"], mosaic: Mosaic, points: Float[Tensor, "points 2"], colours: Float[Tensor, "3 points"]
) -> tuple[float, float]:
    """How much of a patch's variance what the others say explains, at most 1, and how much of the patch they cover."""
    looks = mosaic.look(apply_homography(warp, points))
    shared = looks.covered.float()
    count = shared.sum().clamp(min=1)
    mean = (colours * shared).sum(dim=-1, keepdim=True) / count
    variance = ((colours - mean).square() * shared).sum()
    error = ((looks.colour - colours).square() * shared).sum()
    return float(1 - error / variance.clamp(min=1e-9)), float(count / len(points))


def _cost(mosaic: Mosaic, warps: Tensor, points: Tensor, colours: Tensor) -> Float[Tensor, " hypotheses"]:
    """Cauchy's robust cost, per point; what is not finite is infinitely bad."""
    looks = mosaic.look(apply_homography(warps, points[None]))
    squared = (looks.colour - colours[:, None]).square().sum(dim=0)
    costs = torch.where(looks.covered, torch.log1p(squared / ROBUST_SCALE**2), UNCOVERED_COST)
    return torch.nan_to_num(costs.mean(dim=-1), nan=torch.inf)
