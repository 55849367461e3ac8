"""Edges and noise of rendered depths."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

_WINDOW = 5  # rays, of the median
_FIFTH = 5  # of the 25 values of a window, the rank that a line two rays wide does not reach


def smooth_noise(
    inverse: Float[Tensor, "height width"], opaque: Bool[Tensor, "height width"], noise: float
) -> Float[Tensor, "height width"]:
    """Inverse depths, with the median of their surroundings where these are noisy; elsewhere unchanged.

    Where a field has learned little of the density, far from all cameras, the mean depth differs from one ray to the
    next. A thin thing before a smooth surface is no noise: a fifth of its surroundings does not bend.

    Args:
        inverse: of the depths.
        opaque: rays whose depth means something; only where all rays around are opaque is anything changed.
        noise: second difference, relative to the value, that four fifths of noisy surroundings exceed.
    """
    bends = torch.zeros_like(inverse)
    for values, found in ((inverse, bends), (inverse.T, bends.T)):
        found[1:-1] += 0.5 * (values[2:] - 2 * values[1:-1] + values[:-2]).abs()
    around = _windows(inverse).median(dim=0).values
    roughness = _windows(bends).kthvalue(_FIFTH, dim=0).values
    noisy = (roughness > noise * around) & (_windows(opaque.float()).amin(dim=0) == 1)
    return torch.where(noisy, around, inverse)


def _windows(values: Float[Tensor, "height width"]) -> Float[Tensor, "window height width"]:
    """The surroundings of each value; at the border those of the nearest value inside."""
    padded = F.pad(values[None, None], [_WINDOW // 2] * 4, mode="replicate")
    return F.unfold(padded, _WINDOW)[0].unflatten(-1, values.shape)


def find_depth_edges(inverse: Float[Tensor, "height width"], bend: float) -> Bool[Tensor, "height width"]:
    """Pixels at an edge between near and far, where depth may be a mixture of both.

    Inverse depth is linear along a row of pixels on any plane, however slanted. At an edge it bends, on both sides;
    and what lies between two bends is a mixture.

    Args:
        inverse: of the depths.
        bend: least second difference, relative to the value, that is an edge.
    """
    edges = torch.zeros_like(inverse, dtype=torch.bool)
    for values, found in ((inverse, edges), (inverse.T, edges.T)):
        bent = (values[2:] - 2 * values[1:-1] + values[:-2]).abs() > bend * values[1:-1]
        bent = torch.cat([bent[:1], bent, bent[-1:]])
        bent[1:-1] |= bent[2:] & bent[:-2]
        found |= bent
    return edges
