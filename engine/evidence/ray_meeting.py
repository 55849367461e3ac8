"""How far two matched rays are from meeting in front of their cameras: an epipolar distance that needs no depth."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

LEAST_RATIO = 0.2  # of the depths in both cameras, and largest its inverse: beyond it two photos share few features


def ray_gaps(
    origins: Float[Tensor, "pairs 2 3"],
    directions: Float[Tensor, "pairs 2 3"],
    least_baseline: Float[Tensor, ""] | float = 0.0,
) -> Float[Tensor, " pairs"]:
    r"""The least distance at which both rays of a pair pass by one point, seen from the cameras: radians.

    With depths :math:`z_i = s u_i, \|u\| = 1` the gap between the points at these depths, over the root of the sum of
    their squares, is :math:`\| \beta b + D u \|` where b is the baseline, :math:`D = (d_1, -d_2)`, and
    :math:`\beta = 1/s \ge 0` as the rays must meet in front of the cameras. Minimised over :math:`\beta`

    .. math:: r^2 = \| D u \|^2 - \max(0, -\hat b^\top D u)^2, \quad \hat b = b / \sqrt{\|b\|^2 + \epsilon^2}

    and over u the smallest eigenvector of a 2 x 2 matrix, kept between `LEAST_RATIO` and its inverse and held constant
    in the gradient, as a minimum allows. Scale-free; without a baseline it is the distance of the directions, so that
    cameras that all begin at one pose turn towards each other.

    Args:
        origins: of the two rays of each pair, in the world.
        directions: likewise, of any length but 0.
        least_baseline: :math:`\epsilon`, scene units: a baseline that long or shorter has no direction to speak of.
    Returns:
        gaps, in [0, 2], differentiable; the gradient is finite for every pair, that of two equal rays too.
    Reference:
        The rays of matched keypoints must meet: CRAYM (Lin et al., arXiv 2412.01618), section 3; the depth-free form
        is the epipolar constraint (Longuet-Higgins, 1981).
    """
    unit = directions / directions.norm(dim=-1, keepdim=True)
    first, second = unit[:, 0], -unit[:, 1]
    baseline = origins[:, 0] - origins[:, 1]
    tiny = 1e-24 + torch.as_tensor(least_baseline, dtype=origins.dtype, device=origins.device) ** 2
    along = baseline / (baseline.square().sum(dim=-1, keepdim=True) + tiny).sqrt()
    share = _depth_ratio(first.detach(), second.detach(), along.detach())
    meeting = share[:, :1] * first + share[:, 1:] * second
    ahead = (-(along * meeting).sum(dim=-1)).clamp(min=0.0)
    squared = meeting.square().sum(dim=-1) - ahead.square()
    return (squared.clamp(min=0.0) + 1e-14).sqrt()


def _depth_ratio(
    first: Float[Tensor, "pairs 3"], second: Float[Tensor, "pairs 3"], along: Float[Tensor, "pairs 3"]
) -> Float[Tensor, "pairs 2"]:
    """The unit vector of both depths for which the gap is least: where rays meet, or infinitely far away."""
    meeting = _least(first, second, along)
    ahead = (along * (meeting[:, :1] * first + meeting[:, 1:] * second)).sum(-1, keepdim=True) < 0
    return torch.where(ahead, meeting, _least(first, second, torch.zeros_like(along)))


def _least(first: Tensor, second: Tensor, along: Tensor) -> Float[Tensor, "pairs 2"]:
    """The unit vector u, of positive entries within `LEAST_RATIO` of each other, that minimises the length of
    (I - along alongᵀ)^(1/2) (first, second) u."""
    one, other = (first * along).sum(-1), (second * along).sum(-1)
    a, c = 1 - one.square(), 1 - other.square()
    b = (first * second).sum(-1) - one * other
    angle = 0.5 * torch.atan2(2 * b, a - c) + torch.pi / 2  # of the smallest eigenvector of ((a, b), (b, c))
    least = math.atan(LEAST_RATIO)
    # A vector and its opposite are one; outside of what is allowed, the nearer end has the lesser value.
    angle = torch.remainder(angle + torch.pi / 4, torch.pi) - torch.pi / 4
    angle = angle.clamp(min=least, max=torch.pi / 2 - least)
    return torch.stack([angle.cos(), angle.sin()], dim=-1)


def robust_mean(gaps: Float[Tensor, " pairs"], weight: Float[Tensor, " pairs"], scale: float) -> Float[Tensor, ""]:
    """Mean of log(1 + (gap / scale)²) (Cauchy), weighted: wrong matches pull the less the farther they are off.

    Args:
        gaps: not negative.
        weight: of each, not negative; 0 leaves a pair out. The mean of none is 0.
        scale: gap at which a pair pulls most.
    """
    cost = torch.log1p((gaps / scale).square())
    return (cost * weight).sum() / weight.sum().clamp(min=1e-9)
