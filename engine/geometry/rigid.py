"""The differentiable rigid solvers, in space and in the plane: the global transform that best fits the local warps."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from engine.geometry.procrustes import special_procrustes

__all__ = ["solve_rigid", "solve_rigid_planar", "special_procrustes"]


def solve_rigid(
    source: Float[Tensor, "*batch points 3"],
    target: Float[Tensor, "*batch points 3"],
    weights: Float[Tensor, "*batch points"] | None = None,
) -> Float[Tensor, "*batch 3 4"]:
    r"""The rigid transform that fits one set of points to another with least squared error, in closed form.

    .. math:: T^* = \arg\min_{T \in SE(3)} \sum_u w_u \| T\, p_u - q_u \|^2

    The rotation is the special Procrustes fit to the covariance of the two centred sets; the translation
    aligns the centroids. Gradients flow to points and weights and are finite for every input. Coplanar points
    determine the rotation. About an axis that the points leave undetermined (collinear or coincident points)
    the angle is arbitrary and no gradient flows.

    Args:
        source: points p, any unit.
        target: points q, same unit.
        weights: w >= 0, equal if None. A point of weight zero has no influence.
    Returns:
        poses `[R|t]`, det R = +1. The identity rotation where all points of a set coincide, the identity
        pose where there are no points or all weights are zero.
    Reference:
        Umeyama, PAMI 1991, equations 40 and 41 with scale 1; L2G-NeRF (Chen et al., CVPR 2023), section 3.
    """
    source_mean, target_mean, covariance = _moments(source, target, weights)
    rotation = special_procrustes(covariance)
    return torch.cat([rotation, target_mean.mT - rotation @ source_mean.mT], dim=-1)


def solve_rigid_planar(
    source: Float[Tensor, "*batch points 2"],
    target: Float[Tensor, "*batch points 2"],
    weights: Float[Tensor, "*batch points"] | None = None,
) -> Float[Tensor, "*batch 2 3"]:
    """`solve_rigid` in the plane, where the rotation's cosine and sine are sums of dot and cross products.

    Args:
        source: points p, any unit.
        target: points q, same unit.
        weights: w >= 0, equal if None.
    Returns:
        motions `[R|t]` as in `se2`; the identity rotation, with no gradient, where the points leave it
        undetermined (all of a set coincide, or the sets are mirror images of equal spread along both axes).
    """
    source_mean, target_mean, covariance = _moments(source, target, weights)
    cosine = covariance[..., 0, 0] + covariance[..., 1, 1]
    sine = covariance[..., 1, 0] - covariance[..., 0, 1]
    squared = cosine * cosine + sine * sine
    determined = squared > torch.finfo(squared.dtype).tiny
    length = torch.where(determined, squared, 1).sqrt()
    cosine, sine = torch.where(determined, cosine / length, 1), torch.where(determined, sine / length, 0)
    rotation = torch.stack([cosine, -sine, sine, cosine], dim=-1).unflatten(-1, (2, 2))
    return torch.cat([rotation, target_mean.mT - rotation @ source_mean.mT], dim=-1)


def _moments(source: Tensor, target: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Both centroids (as rows) and the mean of the outer products (target x source) of the centred points."""
    if weights is None:
        count = max(source.shape[-2], 1)
        source_mean, target_mean = source.sum(-2, keepdim=True) / count, target.sum(-2, keepdim=True) / count
        covariance = (target - target_mean).mT @ (source - source_mean) / count
    else:
        share = (weights / weights.sum(-1, keepdim=True).clamp(min=torch.finfo(weights.dtype).tiny))[..., None]
        source_mean, target_mean = (share * source).sum(-2, keepdim=True), (share * target).sum(-2, keepdim=True)
        covariance = (share * (target - target_mean)).mT @ (source - source_mean)
    return source_mean, target_mean, covariance
