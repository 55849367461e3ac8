"""Rigid motions of space. A pose is `[R|t]`, (..., 3, 4); unless a name says otherwise it maps world to camera.

Leading batch dimensions broadcast: one pose per frame and many points per frame are
`transform(poses[:, None], points)`.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from engine.geometry.series import cotangent_remainder, stumpff
from engine.geometry.so3 import orthonormalise, rodrigues, rotation_angle, vector_from_rotation

__all__ = [
    "camera_centre",
    "compose",
    "exponential",
    "identity",
    "invert",
    "logarithm",
    "orthonormalise",
    "rotate",
    "rotation_angle",
    "transform",
]


def identity(
    *batch: int, dtype: torch.dtype = torch.float32, device: torch.device | str | None = None
) -> Float[Tensor, "*batch 3 4"]:
    """The identity pose, repeated over the batch shape."""
    return torch.eye(3, 4, dtype=dtype, device=device).repeat(*batch, 1, 1)


def exponential(twist: Float[Tensor, "*batch 6"]) -> Float[Tensor, "*batch 3 4"]:
    r"""The exponential map of SE(3), smooth everywhere, at zero too.

    .. math:: \exp(w, v) = [\exp([w]_\times) \,|\, V v], \quad
        V = I + \frac{1 - \cos\theta}{\theta^2} [w]_\times + \frac{\theta - \sin\theta}{\theta^3} [w]_\times^2

    Args:
        twist: rotation vector w (radians) first, then the translation part v (scene units).
    Returns:
        poses; values, first and second derivatives are finite and right for every twist.
    Reference:
        Lie algebra as in BARF (Lin et al., ICCV 2021), `camera.py`, without its truncated series.
    """
    x, y, z, vx, vy, vz = twist.movedim(-1, 0).contiguous().unbind(0)  # one contiguous run per component: faster
    squared_angle = x * x + y * y + z * z
    b, c = stumpff(squared_angle, 2), stumpff(squared_angle, 3)
    cx, cy, cz = y * vz - z * vy, z * vx - x * vz, x * vy - y * vx
    tx = vx + b * cx + c * (y * cz - z * cy)
    ty = vy + b * cy + c * (z * cx - x * cz)
    tz = vz + b * cz + c * (x * cy - y * cx)
    xx, xy, xz, yx, yy, yz, zx, zy, zz = rodrigues(x, y, z, squared_angle, b, c)
    entries = torch.stack([xx, xy, xz, tx, yx, yy, yz, ty, zx, zy, zz, tz])
    return entries.movedim(0, -1).unflatten(-1, (3, 4))


def logarithm(pose: Float[Tensor, "*batch 3 4"]) -> Float[Tensor, "*batch 6"]:
    r"""The twist whose exponential is the pose; smooth at the identity, accurate up to half a turn.

    .. math:: v = t - \tfrac12 w \times t + \frac{1 - (\theta/2) \cot(\theta/2)}{\theta^2} w \times (w \times t)

    Args:
        pose: poses, det R = +1.
    Returns:
        twists: rotation vector of length 0 to pi radians, then the translation part.
    """
    vector, translation = vector_from_rotation(pose[..., :3]), pose[..., 3]
    crossed = torch.linalg.cross(vector, translation)
    remainder = cotangent_remainder(vector.square().sum(-1))[..., None]
    velocity = translation - crossed / 2 + remainder * torch.linalg.cross(vector, crossed)
    return torch.cat([vector, velocity], dim=-1)


def compose(second: Float[Tensor, "*#batch 3 4"], first: Float[Tensor, "*#batch 3 4"]) -> Float[Tensor, "*batch 3 4"]:
    """The pose second ∘ first: `first` is applied to the points first."""
    product = second[..., :3] @ first
    return torch.cat([product[..., :3], product[..., 3:] + second[..., 3:]], dim=-1)


def invert(pose: Float[Tensor, "*batch 3 4"]) -> Float[Tensor, "*batch 3 4"]:
    """The inverse pose: `[R^T | -R^T t]`."""
    inverse = pose[..., :3].mT
    return torch.cat([inverse, -inverse @ pose[..., 3:]], dim=-1)


def rotate(pose: Float[Tensor, "*#batch 3 _"], vectors: Float[Tensor, "*#batch 3"]) -> Float[Tensor, "*batch 3"]:
    """R x: directions of the source frame seen from the target frame. `pose` may be a bare rotation."""
    return (pose[..., :3] * vectors[..., None, :]).sum(-1)


def transform(pose: Float[Tensor, "*#batch 3 4"], points: Float[Tensor, "*#batch 3"]) -> Float[Tensor, "*batch 3"]:
    """R x + t: points of the source frame in coordinates of the target frame."""
    return rotate(pose, points) + pose[..., 3]


def is_finite(poses: Float[Tensor, "*batch 3 4"]) -> Bool[Tensor, "*batch"]:
    """Which poses have only finite entries; an unknown pose is stored as NaN."""
    return torch.isfinite(poses).flatten(-2).all(dim=-1)


def camera_centre(world_to_camera: Float[Tensor, "*batch 3 4"]) -> Float[Tensor, "*batch 3"]:
    """Camera centres in the world, -R^T t, scene units."""
    return -(world_to_camera[..., :3] * world_to_camera[..., 3:]).sum(-2)
