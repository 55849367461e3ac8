"""The families of planar transforms between patches and their image, all as homographies (..., 3, 3).

Coordinates are those of the plane of `engine.scenes.planar.to_plane`: x right, y down, the middle at the origin.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from engine.geometry import se2, sl3
from engine.geometry.homography import solve_homography
from engine.geometry.rigid import solve_rigid_planar
from engine.geometry.warp_names import PlanarWarp

DEGREES: dict[PlanarWarp, int] = {"translation": 2, "rotation": 1, "rigid": 3, "homography": 8}


def exponential(warp: PlanarWarp, vector: Float[Tensor, "*batch degrees"]) -> Float[Tensor, "*batch 3 3"]:
    """The transform with the given parameters; zero gives the identity, smooth everywhere.

    Args:
        warp: the family.
        vector: `DEGREES[warp]` numbers: a translation; an angle about the origin (radians); a twist as in `se2`
            (angle first); eight numbers as in `sl3`.
    Returns:
        homographies; their last row is (0, 0, 1) but for the family `homography`, whose determinant is 1.
    """
    if warp == "homography":
        return sl3.exponential(vector)
    if warp == "translation":
        vector = pad(vector, (1, 0))
    elif warp == "rotation":
        vector = pad(vector, (0, 2))
    return homogeneous(se2.exponential(vector))


def generators(warp: PlanarWarp) -> Float[Tensor, "degrees 3 3"]:
    """The basis G of the Lie algebra of a family: `exponential(warp, v)` is the matrix exponential of sum v_k G_k."""
    across, down = _unit(0, 2), _unit(1, 2)
    turn = _unit(1, 0) - _unit(0, 1)
    if warp == "translation":
        return torch.stack([across, down])
    if warp == "rotation":
        return turn[None]
    if warp == "rigid":
        return torch.stack([turn, across, down])
    stretch, shrink = _unit(0, 0) - _unit(1, 1), _unit(2, 2) - _unit(1, 1)
    return torch.stack([across, down, _unit(0, 1), _unit(1, 0), stretch, shrink, _unit(2, 0), _unit(2, 1)])


def velocities(
    generators: Float[Tensor, "degrees 3 3"], points: Float[Tensor, "*batch 2"]
) -> Float[Tensor, "*batch degrees 2"]:
    """Derivatives of points with respect to a transform applied last, at the identity, along each generator.

    Args:
        generators: of a family, as `generators` gives them.
        points: (x, y) after all other transforms.
    Returns:
        (dx, dy) per generator.
    """
    moved = pad(points, (0, 1), value=1.0) @ generators.permute(2, 0, 1).flatten(1)
    moved = moved.unflatten(-1, (len(generators), 3))
    return moved[..., :2] - points[..., None, :] * moved[..., 2:]


def solve(
    warp: PlanarWarp,
    source: Float[Tensor, "*batch points 2"],
    target: Float[Tensor, "*batch points 2"],
) -> Float[Tensor, "*batch 3 3"]:
    """The transform of a family that fits one set of points to another best, in closed form; differentiable.

    Least squares in the plane, for homographies in the algebraic error of `solve_homography`.

    Args:
        warp: the family.
        source, target: corresponding points (x, y), any unit.
    Returns:
        homographies from source to target.
    Reference:
        L2G-NeRF (Chen et al., CVPR 2023), section 3.2; the solvers are `rigid` and `homography`.
    """
    if warp == "homography":
        return solve_homography(source, target)
    if warp == "rigid":
        return homogeneous(solve_rigid_planar(source, target))
    if warp == "rotation":  # about the origin: adding each point's mirror image moves the centroid there
        source, target = (torch.cat([points, -points], dim=-2) for points in (source, target))
        return homogeneous(solve_rigid_planar(source, target))
    shift = (target - source).mean(dim=-2)
    eye = torch.eye(2, dtype=shift.dtype, device=shift.device).expand(*shift.shape[:-1], 2, 2)
    return homogeneous(torch.cat([eye, shift[..., None]], dim=-1))


def homogeneous(motion: Float[Tensor, "*batch 2 3"]) -> Float[Tensor, "*batch 3 3"]:
    """`[A|t]` (2 x 3) with the row (0, 0, 1) appended."""
    return torch.cat([motion, pad(torch.zeros_like(motion[..., :1, :2]), (0, 1), value=1.0)], dim=-2)


def _unit(row: int, column: int) -> Float[Tensor, "3 3"]:
    matrix = torch.zeros(3, 3)
    matrix[row, column] = 1.0
    return matrix


def corners(width: float, height: float) -> Float[Tensor, "4 2"]:
    """Corners of a rectangle whose top left is the origin: top left, top right, bottom right, bottom left."""
    return torch.tensor([(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)])
