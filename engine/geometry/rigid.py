"""The differentiable rigid solver: the global transform that fits a warp field best."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from engine.geometry.procrustes import special_procrustes


def solve_rigid(
    source: Float[Tensor, "*batch points 3"],
    target: Float[Tensor, "*batch points 3"],
    weights: Float[Tensor, "*batch points"] | None = None,
) -> Float[Tensor, "*batch 3 4"]:
    r"""The rigid transform that brings one set of points onto another, in closed form.

    .. math:: T^* = \arg\min_{T \in SE(3)} \sum_u w_u \| T\, p_u - q_u \|^2

    The rotation is the special Procrustes fit to the covariance of the two centred sets; the translation
    brings the centroids together. Gradients flow to points and weights and are finite for every input: coplanar
    points are as good as any; about an axis that the points leave undetermined (collinear or collapsed sets)
    some rotation is taken and no gradient flows.

    Args:
        source: points p, any unit.
        target: points q, same unit.
        weights: w >= 0, equal if None. A point of weight zero has no influence.
    Returns:
        poses `[R|t]`, det R = +1. The identity rotation where all points of a set coincide, the identity
        pose where all weights are zero.
    Reference:
        Umeyama, PAMI 1991, equations 34 to 42 without the scale; L2G-NeRF (Chen et al., CVPR 2023), eq. 10.
    """
    if weights is None:
        source_mean, target_mean = source.mean(-2, keepdim=True), target.mean(-2, keepdim=True)
        centred, weighted = source - source_mean, target - target_mean
    else:
        share = (weights / weights.sum(-1, keepdim=True).clamp(min=torch.finfo(weights.dtype).tiny))[..., None]
        source_mean, target_mean = (share * source).sum(-2, keepdim=True), (share * target).sum(-2, keepdim=True)
        centred, weighted = source - source_mean, share * (target - target_mean)
    rotation = special_procrustes(weighted.mT @ centred)
    translation = target_mean.mT - rotation @ source_mean.mT
    return torch.cat([rotation, translation], dim=-1)
