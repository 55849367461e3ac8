"""Rays in the contracted cube, cut into straight pieces: in torch, for GPUs and as the reference of the kernel.

Outside the near box the largest of the six functions x, -x, y, -y, z, -z decides how a point is contracted; inside,
none exceeds 1. All are affine in the depth t along a ray. So the pieces of a ray are those of the upper envelope of
seven affine functions, in the order of their slopes: seven at most.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from engine.fields.contraction.kernels import BEYOND, PIECES, SHORTEST


class Pieces(NamedTuple):
    """A ray in the contracted cube: `start + s * step` until s passes `ends`, piece after piece; s from 0 to 1.

    s is even in the length within the cube. With l from 0 to 1 along a piece, the depth is
    `first + rate * l / (1 - l + ratio * l)`. Pieces that a ray does not have begin where its last one ends.

    Attributes:
        start, step: as above, in units of the cube ([-1 - outer, 1 + outer] along each axis).
        ends: values of s, ascending; the last is `BEYOND`.
        length: of all pieces together, units of the cube.
        first, rate, ratio: of the depth along each piece, in multiples of the ray's direction; without gradient.
    """

    start: Float[Tensor, "rays pieces 3"]
    step: Float[Tensor, "rays pieces 3"]
    ends: Float[Tensor, "rays pieces"]
    length: Float[Tensor, " rays"]
    first: Float[Tensor, "rays pieces"]
    rate: Float[Tensor, "rays pieces"]
    ratio: Float[Tensor, "rays pieces"]


def cut(origins: Float[Tensor, "rays 3"], directions: Float[Tensor, "rays 3"], nearest: float, outer: float) -> Pieces:
    """The pieces of rays from depth `nearest` to infinity.

    Args:
        origins: in units of the near box, its middle at 0.
        directions: likewise, not 0; need not be normalised.
        nearest: depth at which rays begin, in multiples of the direction, >= 0.
        outer: see `mapping.contract`.
    Returns:
        differentiable in the rays: the gradient moves a piece with the depths of its ends, in terms of the ray, held.
    """
    with torch.no_grad():
        region, depths = _regions(origins, directions, nearest)
    starts, stops = depths[:, :-1], depths[:, 1:]
    axis, sign, outside = (region // 2).clamp(max=2), 1.0 - 2.0 * (region % 2), region < 6
    begin, size_begin = _place(origins, directions, starts, axis, sign, outside, outer)
    finish, size_finish = _place(origins, directions, stops, axis, sign, outside, outer)
    with torch.no_grad():
        lengths = torch.linalg.vector_norm(finish - begin, dim=-1)
        lengths = torch.where((stops > starts) & (lengths > SHORTEST), lengths, torch.zeros_like(lengths))
        total = lengths.sum(dim=-1, keepdim=True)
        stop_s = lengths.cumsum(dim=-1) / total
        start_s = stop_s - lengths / total
        used = lengths > 0
        share = torch.where(used, stop_s - start_s, torch.ones_like(stop_s))
        last = used & (used.flip(-1).cumsum(-1).flip(-1) == 1)
        ends = torch.where(last | (last.cumsum(-1) > 0), torch.full_like(stop_s, BEYOND), stop_s)
        slope = (directions.gather(-1, axis.reshape(len(axis), -1)) * sign).abs()
        endless = stops.isinf()
        rate = torch.where(endless, size_begin / slope, size_begin * (stops - starts) / size_finish)
        ratio = torch.where(endless, torch.zeros_like(stops), size_begin / size_finish)
    step = (finish - begin) / share[..., None]
    start = begin - start_s[..., None] * step
    return Pieces(start, step, ends, total[:, 0], starts.nan_to_num(posinf=0.0), rate, ratio)


def _regions(origins: Tensor, directions: Tensor, nearest: float) -> tuple[Tensor, Tensor]:
    """Which of the seven functions is largest, one after the other, and the depths between (rays, PIECES + 1)."""
    rays = len(origins)
    at_zero = torch.stack([origins, -origins], dim=-1).flatten(1)
    at_zero = torch.cat([at_zero, torch.ones_like(at_zero[:, :1])], dim=-1)
    slopes = torch.stack([directions, -directions], dim=-1).flatten(1)
    slopes = torch.cat([slopes, torch.zeros_like(slopes[:, :1])], dim=-1)
    current = (at_zero + nearest * slopes).argmax(dim=-1, keepdim=True)
    depth = torch.full((rays, 1), nearest, dtype=origins.dtype, device=origins.device)
    regions, depths = [current], [depth]
    for _ in range(PIECES):
        steeper = slopes > slopes.gather(-1, current)
        gained = slopes - slopes.gather(-1, current)
        crossing = (at_zero.gather(-1, current) - at_zero) / torch.where(steeper, gained, torch.ones_like(gained))
        crossing = torch.where(steeper, torch.maximum(crossing, depth), torch.full_like(crossing, torch.inf))
        depth = crossing.amin(dim=-1, keepdim=True)
        tied = torch.where((crossing == depth) & steeper, slopes, torch.full_like(slopes, -torch.inf))
        current = torch.where(depth.isinf(), current, tied.argmax(dim=-1, keepdim=True))
        regions.append(current)
        depths.append(depth)
    return torch.cat(regions[:PIECES], dim=-1), torch.cat(depths, dim=-1)


def _place(
    origins: Tensor, directions: Tensor, depths: Tensor, axis: Tensor, sign: Tensor, outside: Tensor, outer: float
) -> tuple[Tensor, Tensor]:
    """Where the ends of pieces lie in the cube, and their distance in the maximum norm (1 inside the box)."""
    endless = depths.isinf()[..., None]
    points = (
        origins[:, None]
        + torch.where(endless, torch.zeros_like(depths[..., None]), depths[..., None]) * (directions[:, None])
    )
    points = torch.where(endless, directions[:, None].expand_as(points), points)  # what lies in this direction
    size = points.gather(-1, axis[..., None])[..., 0] * sign
    size = torch.where(outside, size, torch.ones_like(size))
    along = (torch.arange(3, device=axis.device) == axis[..., None]) & outside[..., None]
    across = points / size[..., None]
    inverse = torch.where(endless[..., 0], torch.zeros_like(size), 1 / size)
    stretched = (sign * (1 + outer * (1 - inverse)))[..., None].expand_as(across)
    return torch.where(along, stretched, across), size.detach()
