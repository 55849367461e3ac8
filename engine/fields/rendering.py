"""The quadrature of volume rendering: pure functions from densities and colours along rays to pixels.

A ray is cut into intervals; within one, density and colour are constant. For such a medium the sums below are
exact (Max 1995; NeRF, arXiv 2003.08934, equation 3).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

_OPAQUE = 60.0  # an optical depth of which exp(-x) is nothing beside 1, and still a normal float32
_LARGEST = 1e10  # densities and lengths above this (infinity too) are taken for this: 0 * inf would be NaN


class Composite(NamedTuple):
    """What a ray gathered; `position` is the expected position along the ray, what is behind being at `end`."""

    colour: Float[Tensor, "rays 3"]
    opacity: Float[Tensor, " rays"]
    position: Float[Tensor, " rays"]


def transmittance_weights(
    density: Float[Tensor, "rays samples"], lengths: Float[Tensor, "rays samples"]
) -> tuple[Float[Tensor, "rays samples"], Float[Tensor, " rays"]]:
    r"""The share of every interval in its ray's colour, and what light is left behind the last.

    .. math:: w_k = T_k (1 - e^{-\sigma_k \delta_k}), \quad T_k = e^{-\sum_{j < k} \sigma_j \delta_j}

    Values and gradients are finite for zero and infinite densities and lengths; beyond an optical depth of 60 an
    interval is opaque and its gradient zero. NaN stays NaN.

    Args:
        density: sigma, per scene unit, >= 0.
        lengths: delta, scene units, >= 0.
    Returns:
        weights in [0, 1], and the transmittance left; together they sum to 1 on every ray.
    Reference:
        NeRF, equation 3.
    """
    optical_depth = (density.clamp(max=_LARGEST) * lengths.clamp(max=_LARGEST)).clamp(max=_OPAQUE)
    passed = optical_depth.cumsum(-1)
    before = torch.cat([torch.zeros_like(passed[..., :1]), passed[..., :-1]], dim=-1)
    # expm1 keeps the digits of thin media, where 1 - exp(-x) in float32 has none
    return torch.exp(-before) * -torch.expm1(-optical_depth), torch.exp(-passed[..., -1])


def composite(
    weights: Float[Tensor, "rays samples"],
    colours: Float[Tensor, "rays samples 3"],
    positions: Float[Tensor, "rays samples"],
    background: Float[Tensor, " 3"] | None,
    end: float = 1.0,
) -> Composite:
    r"""Sums colours and positions with the intervals' weights.

    .. math:: C = \sum_k w_k c_k + (1 - \sum_k w_k) b

    Args:
        weights: of `transmittance_weights`.
        colours: of the intervals, RGB in [0, 1].
        positions: of the intervals, in whatever unit (the ray parameter s, depth, ...).
        background: RGB seen through what is left; None for black.
        end: the position of what lies behind the last interval, in the unit of `positions`.
    """
    opacity = weights.sum(-1)
    left = 1 - opacity
    colour = (weights[..., None] * colours).sum(-2)
    if background is not None:
        colour = colour + left[..., None] * background
    return Composite(colour, opacity, (weights * positions).sum(-1) + left * end)
