"""Rotations in space: rotation vectors, matrices and angles, smooth at zero, where cameras start."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from engine.geometry.procrustes import special_procrustes
from engine.geometry.series import arctangent_over_argument, stumpff


def rotation_from_vector(vector: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    r"""The rotation by |w| radians about w (Rodrigues), smooth everywhere.

    .. math:: R = (1 - b \theta^2) I + a [w]_\times + b w w^T, \quad
        a = \sin(\theta) / \theta, \quad b = (1 - \cos\theta) / \theta^2

    Args:
        vector: rotation vectors w, radians.
    Returns:
        rotation matrices; first and second derivatives are exact at w = 0 too.
    """
    x, y, z = vector.movedim(-1, 0).contiguous().unbind(0)
    squared_angle = x * x + y * y + z * z
    entries = rodrigues(x, y, z, squared_angle, stumpff(squared_angle, 2), stumpff(squared_angle, 3))
    return torch.stack(entries).movedim(0, -1).unflatten(-1, (3, 3))


def rodrigues(x: Tensor, y: Tensor, z: Tensor, squared_angle: Tensor, b: Tensor, c: Tensor) -> list[Tensor]:
    """The nine entries of Rodrigues' formula, row by row, given the Stumpff functions b = c_2 and c = c_3."""
    a, cosine = 1 - c * squared_angle, 1 - b * squared_angle
    ax, ay, az = a * x, a * y, a * z
    bx, by, bz = b * x, b * y, b * z
    xy, xz, yz = bx * y, bx * z, by * z
    return [cosine + bx * x, xy - az, xz + ay, xy + az, cosine + by * y, yz - ax, xz - ay, yz + ax, cosine + bz * z]


def vector_from_rotation(rotation: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 3"]:
    """The rotation vector of a rotation, smooth at the identity and accurate up to half a turn.

    Args:
        rotation: rotation matrices, det = +1.
    Returns:
        rotation vectors, radians, of length 0 to pi. At exactly pi either of the two is returned.
    """
    quaternion = _quaternion(rotation)
    imaginary, real = quaternion[..., :3], quaternion[..., 3]
    squared_sine = imaginary.square().sum(-1)  # of the half angle
    small = squared_sine < 0.01 * real.square()
    tangent_squared = torch.where(small, squared_sine / torch.where(small, real, 1).square(), 0)
    near = 2 * arctangent_over_argument(tangent_squared) / torch.where(small, real, 1)
    sine = torch.where(small, 1, squared_sine).sqrt()
    far = 2 * torch.atan2(sine, real) / sine
    return torch.where(small, near, far)[..., None] * imaginary


def rotation_angle(rotation: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch"]:
    """The angle of a rotation, accurate for tiny angles and near half a turn.

    Args:
        rotation: rotation matrices.
    Returns:
        angles, radians, 0 to pi. At the identity, where the angle is not differentiable, the gradient is zero.
    """
    quaternion = _quaternion(rotation)
    return 2 * torch.atan2(torch.linalg.vector_norm(quaternion[..., :3], dim=-1), quaternion[..., 3])


def orthonormalise(matrix: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 3 3"]:
    """The rotation (det = +1) nearest to a matrix in the Frobenius norm.

    Args:
        matrix: any matrices; the gradient is finite for all of them.
    Returns:
        rotation matrices.
    """
    return special_procrustes(matrix)


def _quaternion(rotation: Tensor) -> Tensor:
    """Unit quaternions (x, y, z, w) with w >= 0.

    The columns of 4 q q^T are linear in R. The one with the largest diagonal entry, normalised, is q
    (Shepperd 1978); its computation has no cancellation anywhere.
    """
    (m00, m01, m02), (m10, m11, m12), (m20, m21, m22) = (row.unbind(-1) for row in rotation.unbind(-2))
    xy, xz, yz, xw, yw, zw = m01 + m10, m02 + m20, m12 + m21, m21 - m12, m02 - m20, m10 - m01
    xx, yy, zz, ww = 1 + m00 - m11 - m22, 1 - m00 + m11 - m22, 1 - m00 - m11 + m22, 1 + m00 + m11 + m22
    columns = torch.stack([xx, xy, xz, xw, xy, yy, yz, yw, xz, yz, zz, zw, xw, yw, zw, ww], dim=-1)
    largest = torch.stack([xx, yy, zz, ww], dim=-1).argmax(-1)[..., None, None]
    column = columns.unflatten(-1, (4, 4)).take_along_dim(largest, dim=-2).squeeze(-2)
    quaternion = column / torch.linalg.vector_norm(column, dim=-1, keepdim=True)
    return torch.where(quaternion[..., 3:] < 0, -quaternion, quaternion)
