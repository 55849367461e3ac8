"""The quadrature of volume rendering: pure functions from densities and colours along rays to pixels.

A ray is cut into intervals; within one, density and colour are constant. For such a medium the sums below are
exact (Max 1995; NeRF, arXiv 2003.08934, equation 3).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

_OPAQUE = 60.0  # optical depth x at which exp(-x) is negligible beside 1, and still a normal float32
_LARGEST = 1e10  # densities and lengths are clamped to it, because 0 * infinity would be NaN


class Composite(NamedTuple):
    """Colour, opacity and expected position along the ray; whatever is behind the last interval lies at `end`."""

    colour: Float[Tensor, "rays 3"]
    opacity: Float[Tensor, " rays"]
    position: Float[Tensor, " rays"]


def transmittance_weights(
    density: Float[Tensor, "rays samples"], lengths: Float[Tensor, "rays samples"]
) -> tuple[Float[Tensor, "rays samples"], Float[Tensor, " rays"]]:
    r"""The weight of every interval in the colour of its ray, and the transmittance behind the last one.

    .. math:: w_k = T_k (1 - e^{-\sigma_k \delta_k}), \quad T_k = e^{-\sum_{j < k} \sigma_j \delta_j}

    Values and gradients are finite for zero and infinite densities and lengths; beyond an optical depth of 60 an
    interval is opaque and its gradient zero. NaN stays NaN.

    Args:
        density: sigma, per scene unit, >= 0.
        lengths: delta, scene units, >= 0.
    Returns:
        weights in [0, 1], and the transmittance; their sum is 1 on every ray.
    Reference:
        NeRF, equation 3.
    """
    optical_depth = (density.clamp(max=_LARGEST) * lengths.clamp(max=_LARGEST)).clamp(max=_OPAQUE)
    passed = optical_depth.cumsum(-1)
    before = torch.cat([torch.zeros_like(passed[..., :1]), passed[..., :-1]], dim=-1)
    # For small x, 1 - exp(-x) has no precise digits in float32; expm1 has.
    return torch.exp(-before) * -torch.expm1(-optical_depth), torch.exp(-passed[..., -1])


def composite(
    weights: Float[Tensor, "rays samples"],
    colours: Float[Tensor, "rays samples 3"],
    positions: Float[Tensor, "rays samples"],
    background: Float[Tensor, " 3"] | None,
    end: float = 1.0,
) -> Composite:
    r"""Weighted sums of the colours and positions of the intervals.

    .. math:: C = \sum_k w_k c_k + (1 - \sum_k w_k) b

    Args:
        weights: of `transmittance_weights`.
        colours: of the intervals, RGB in [0, 1].
        positions: of the intervals, in any unit (the ray parameter s, depth, ...).
        background: RGB behind the last interval; None for black.
        end: position of the background, in the unit of `positions`.
    """
    opacity = weights.sum(-1)
    left = 1 - opacity
    colour = (weights[..., None] * colours).sum(-2)
    if background is not None:
        colour = colour + left[..., None] * background
    return Composite(colour, opacity, (weights * positions).sum(-1) + left * end)
