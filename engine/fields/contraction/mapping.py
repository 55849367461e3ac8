"""Points of the world in the contracted cube and back; in units of the near box, [-1, 1] along each axis."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

OUTER = 0.5
"""Width of the part of the cube that holds everything outside the box, in half edges of the box: the box gets two
thirds of the voxels along an edge. MERF has 1, which leaves half of them."""


def contract(points: Float[Tensor, "*batch 3"], outer: float) -> Float[Tensor, "*batch 3"]:
    r"""Where points lie in the contracted cube [-1 - outer, 1 + outer]^3.

    With j the coordinate of largest magnitude, a point with |x_j| <= 1 stays, and any other goes to

    .. math:: x_k \to x_k / |x_j| \;(k \ne j), \quad x_j \to sign(x_j) (1 + w (1 - 1 / |x_j|))

    with w = `outer`. In each of the six outer regions this is a projective map, so that lines stay lines. Two regions
    do not meet beyond the edges of the box: the map jumps there, and the cube's corners stay unused.

    Args:
        points: in units of the near box.
        outer: width of the part of the cube that holds everything outside the box, in half edges of the box, > 0.
    Returns:
        differentiable in the points.
    Reference:
        MERF (arXiv 2302.12249), equation 6, where `outer` is 1.
    """
    size, axis = points.abs().max(dim=-1, keepdim=True)
    size = size.clamp(min=1.0)
    along = torch.arange(3, device=points.device) == axis
    outside = size > 1
    across = points / size
    stretched = across.sign() * (1 + outer * (1 - 1 / size))
    return torch.where(along & outside, stretched, across)


def expand(places: Float[Tensor, "*batch 3"], outer: float) -> Float[Tensor, "*batch 3"]:
    """Points, in units of the near box, from places in the contracted cube; the inverse of `contract`.

    What lies in the cube's unused corners is taken as beyond its largest coordinate. On the faces the result is
    infinite or NaN.
    """
    largest, axis = places.abs().max(dim=-1, keepdim=True)
    size = torch.where(largest > 1, outer / (1 + outer - largest), torch.ones_like(largest))
    along = torch.arange(3, device=places.device) == axis
    return torch.where(along & (largest > 1), places.sign() * size, places * size)
