"""`pieces.cut` on the CPU: the compiled kernel as a differentiable function of torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from engine.fields.contraction import kernels
from engine.fields.contraction.kernels import PIECES
from engine.fields.contraction.pieces import Pieces


class _Cut(torch.autograd.Function):
    """The pieces; rays get the gradients of `start` and `step`."""

    @staticmethod
    def forward(ctx: Any, origins: Tensor, directions: Tensor, nearest: float, outer: float) -> tuple[Tensor, ...]:
        rays = len(origins)
        points, ways = (rows.detach().float().contiguous().numpy() for rows in (origins, directions))
        start, step = torch.empty(2, rays, PIECES, 3).unbind()
        ends, first, rate, ratio = torch.empty(4, rays, PIECES).unbind()
        length = torch.empty(rays)
        regions, depths = np.empty((rays, PIECES), np.int64), np.empty((rays, PIECES, 2))
        made = (start, step, ends, length, first, rate, ratio)
        kernels.cut(points, ways, nearest, outer, *(values.numpy() for values in made), regions, depths)
        ctx.kept = (points, ways, outer, length.numpy(), ends.numpy(), regions, depths)
        ctx.mark_non_differentiable(ends, length, first, rate, ratio)
        return made

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor | None, ...]:
        by_origins, by_directions = torch.empty(2, len(ctx.kept[0]), 3).unbind()
        above = (gradient.contiguous().numpy() for gradient in gradients[:2])
        kernels.differentiate(*ctx.kept, *above, by_origins.numpy(), by_directions.numpy())
        return by_origins, by_directions, None, None


def cut(origins: Float[Tensor, "rays 3"], directions: Float[Tensor, "rays 3"], nearest: float, outer: float) -> Pieces:
    """See `pieces.cut`; single precision."""
    start, step, ends, length, first, rate, ratio = _Cut.apply(origins, directions, nearest, outer)
    return Pieces(start, step, ends, length, first, rate, ratio)
