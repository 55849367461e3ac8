"""Rigid motions of space. A pose is `[R|t]`, (..., 3, 4); unless a name says otherwise it maps world to camera.

Leading batch dimensions broadcast: one pose per frame and many points per frame are
`transform(poses[:, None], points)`.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from engine.geometry.series import cosine_quotient, cotangent_remainder, sine_remainder
from engine.geometry.so3 import _rodrigues, orthonormalise, rotation_angle, vector_from_rotation

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
    """Poses that move nothing."""
    return torch.eye(3, 4, dtype=dtype, device=device).repeat(*batch, 1, 1)


def exponential(twist: Float[Tensor, "*batch 6"]) -> Float[Tensor, "*batch 3 4"]:
    r"""The pose reached by following a twist for one unit of time; smooth everywhere, at zero too.

    .. math:: \exp(w, v) = [\exp([w]_\times) \,|\, V v], \quad
        V = I + \frac{1 - \cos\theta}{\theta^2} [w]_\times + \frac{\theta - \sin\theta}{\theta^3} [w]_\times^2

    Args:
        twist: rotation vector w (radians) first, then the translation part v (scene units).
    Returns:
        poses; values, first and second derivatives are finite and right for every twist.
    Reference:
        Lie algebra as in BARF (Lin et al., ICCV 2021), `camera.py`, without its truncated series.
    """
    vector, velocity = twist[..., :3], twist[..., 3:]
    squared_angle = vector.square().sum(-1)
    b, c = cosine_quotient(squared_angle), sine_remainder(squared_angle)
    crossed = torch.linalg.cross(vector, velocity)
    translation = velocity + b[..., None] * crossed + c[..., None] * torch.linalg.cross(vector, crossed)
    return torch.cat([_rodrigues(vector, squared_angle, b, c), translation[..., None]], dim=-1)


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
    """The pose second ∘ first: `first` acts on the points first."""
    product = second[..., :3] @ first
    return torch.cat([product[..., :3], product[..., 3:] + second[..., 3:]], dim=-1)


def invert(pose: Float[Tensor, "*batch 3 4"]) -> Float[Tensor, "*batch 3 4"]:
    """The pose that undoes the given one: `[R^T | -R^T t]`."""
    inverse = pose[..., :3].mT
    return torch.cat([inverse, -inverse @ pose[..., 3:]], dim=-1)


def rotate(pose: Float[Tensor, "*#batch 3 _"], vectors: Float[Tensor, "*#batch 3"]) -> Float[Tensor, "*batch 3"]:
    """R x: directions of the source frame seen from the target frame. `pose` may be a bare rotation."""
    return (pose[..., :3] * vectors[..., None, :]).sum(-1)


def transform(pose: Float[Tensor, "*#batch 3 4"], points: Float[Tensor, "*#batch 3"]) -> Float[Tensor, "*batch 3"]:
    """R x + t: points of the source frame in coordinates of the target frame."""
    return rotate(pose, points) + pose[..., 3]


def camera_centre(world_to_camera: Float[Tensor, "*batch 3 4"]) -> Float[Tensor, "*batch 3"]:
    """-R^T t: where the cameras stand in the world, scene units."""
    return -(world_to_camera[..., :3] * world_to_camera[..., 3:]).sum(-2)
