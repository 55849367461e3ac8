"""Samples along rays: intervals of the ray parameter s in [0, 1], without gaps or overlaps.

A field is sampled in the middle of every interval. The space defines what s means: depth for objects, inverse depth
for forward-facing scenes.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def midpoints(edges: Float[Tensor, "rays edges"]) -> Float[Tensor, "rays samples"]:
    """The middle of every interval."""
    return (edges[..., 1:] + edges[..., :-1]) / 2


def _levels(rays: int, count: int, jitter: Tensor | None, like: Tensor) -> Tensor:
    """Evenly spaced levels from 0 to 1; the inner ones are shifted, all of a ray alike."""
    shift = torch.full((rays,), 0.5).to(like) if jitter is None else jitter.to(like)
    steps = torch.arange(count + 1, dtype=like.dtype, device=like.device)
    levels = ((steps + shift[:, None] - 0.5) / count).clamp(0, 1)
    levels[:, 0] = 0
    levels[:, -1] = 1
    return levels


def uniform_edges(
    rays: int, count: int, jitter: Float[Tensor, " rays"] | None = None, device: torch.device | str | None = None
) -> Float[Tensor, "rays edges"]:
    r"""Edges of `count` intervals of equal length, shifted by one random number per ray.

    .. math:: e_k = clamp((k + j - 1/2) / count, 0, 1), e_0 = 0, e_count = 1

    Args:
        rays: number of rays.
        count: intervals per ray, >= 1.
        jitter: j in [0, 1), one per ray; None for 1/2, which centres the intervals.
        device: of the edges, if there is no jitter.
    Returns:
        ascending edges, count + 1 per ray.
    """
    return _levels(rays, count, jitter, torch.empty(0, device=device) if jitter is None else jitter)


def edges_from_weights(
    weights: Float[Tensor, "rays bins"], count: int, floor: float, jitter: Float[Tensor, " rays"] | None = None
) -> Float[Tensor, "rays edges"]:
    """Edges of `count` intervals of equal weight: most near surfaces, some everywhere.

    The weights of evenly spaced bins are widened to their neighbours by the maximum (a surface may be just outside
    its bin; as in mip-NeRF 360, arXiv 2111.12077, section 4), lifted by `floor / bins`, and their distribution is
    inverted at evenly spaced levels. `engine.fields.voxel_grid.kernels.proposals` is the compiled equivalent.

    Args:
        weights: of `engine.fields.rendering.transmittance_weights`, one per bin of s.
        count: intervals per ray, >= 1.
        floor: weight that is spread evenly over the ray, > 0; without it parts of a ray would never be sampled.
        jitter: in [0, 1), one per ray; None for 1/2.
    Returns:
        ascending edges, count + 1 per ray, the first 0 and the last 1; without gradient.
    """
    rays, bins = weights.shape
    widened = functional.max_pool1d(weights.detach()[:, None], 3, 1, padding=1)[:, 0] + floor / bins
    upper = widened.cumsum(-1)
    target = _levels(rays, count, jitter, weights) * upper[:, -1:]
    bin_index = torch.searchsorted(upper[:, :-1].contiguous(), target)
    lower = torch.cat([torch.zeros_like(upper[:, :1]), upper[:, :-1]], dim=-1)
    within = ((target - lower.gather(-1, bin_index)) / widened.gather(-1, bin_index)).clamp(0, 1)
    edges = (bin_index + within) / bins
    edges[:, 0] = 0
    edges[:, -1] = 1
    return edges
