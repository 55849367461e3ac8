"""Rigid motions of the plane: `[R|t]`, (..., 2, 3). Leading batch dimensions broadcast, as in `se3`."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from engine.geometry.series import cotangent_remainder, stumpff


def identity(
    *batch: int, dtype: torch.dtype = torch.float32, device: torch.device | str | None = None
) -> Float[Tensor, "*batch 2 3"]:
    """The identity motion, repeated over the batch shape."""
    return torch.eye(2, 3, dtype=dtype, device=device).repeat(*batch, 1, 1)


def exponential(twist: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 2 3"]:
    r"""The exponential map of SE(2), smooth everywhere.

    .. math:: t = \begin{pmatrix} a & -b \\ b & a \end{pmatrix} v, \quad
        a = \sin(\theta) / \theta, \quad b = (1 - \cos\theta) / \theta

    Args:
        twist: angle \theta (radians) first, then the translation part v (BARF's code has the angle last).
    Returns:
        motions.
    Reference:
        BARF (Lin et al., ICCV 2021), planar experiments, `warp.py`.
    """
    angle, vx, vy = twist.unbind(-1)
    a, b = stumpff(angle * angle, 1), angle * stumpff(angle * angle, 2)
    cosine, sine = angle.cos(), angle.sin()
    entries = torch.stack([cosine, -sine, a * vx - b * vy, sine, cosine, b * vx + a * vy], dim=-1)
    return entries.unflatten(-1, (2, 3))


def logarithm(motion: Float[Tensor, "*batch 2 3"]) -> Float[Tensor, "*batch 3"]:
    r"""The twist whose exponential is the motion; smooth except at half a turn, where the angle jumps by 2 pi.

    Args:
        motion: motions, det R = +1.
    Returns:
        twists: angle in [-pi, pi] radians, then the translation part.
    """
    angle = rotation_angle(motion)
    h = 1 - angle * angle * cotangent_remainder(angle * angle)  # half the angle times its cotangent
    tx, ty = motion[..., 2].unbind(-1)
    return torch.stack([angle, h * tx + angle / 2 * ty, h * ty - angle / 2 * tx], dim=-1)


def rotation_angle(motion: Float[Tensor, "*batch 2 _"]) -> Float[Tensor, "*batch"]:
    """The angle of a motion or a 2x2 rotation, from x towards y, radians in [-pi, pi]."""
    return torch.atan2(motion[..., 1, 0] - motion[..., 0, 1], motion[..., 0, 0] + motion[..., 1, 1])


def compose(second: Float[Tensor, "*#batch 2 3"], first: Float[Tensor, "*#batch 2 3"]) -> Float[Tensor, "*batch 2 3"]:
    """The motion second ∘ first: `first` is applied to the points first."""
    product = second[..., :2] @ first
    return torch.cat([product[..., :2], product[..., 2:] + second[..., 2:]], dim=-1)


def invert(motion: Float[Tensor, "*batch 2 3"]) -> Float[Tensor, "*batch 2 3"]:
    """The inverse motion: `[R^T | -R^T t]`."""
    inverse = motion[..., :2].mT
    return torch.cat([inverse, -inverse @ motion[..., 2:]], dim=-1)


def transform(motion: Float[Tensor, "*#batch 2 3"], points: Float[Tensor, "*#batch 2"]) -> Float[Tensor, "*batch 2"]:
    """R x + t. One motion per patch and many points per patch are `transform(motions[:, None], points)`."""
    return (motion[..., :2] * points[..., None, :]).sum(-1) + motion[..., 2]
