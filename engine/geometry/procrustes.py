"""The rotation nearest to a matrix, with a gradient that is finite for equal singular values too.

It takes nothing but products of small matrices: after a decomposition torch asks whether it has converged, for which
the host would wait for a GPU.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from engine.geometry.numerics import determinant, make_constant, to_double

_DAMPING = 1e-6  # sums of two singular values below this fraction of the largest one no longer pass gradients
_MINIMUM_SIZE = 1e-30  # matrices smaller than this count as zero
_ROUNDS, _SQUARINGS = 7, 5  # in each round: eigenvalues that differ by a 10-millionth end e^1000 apart

# The upper triangle of Horn's matrix, whose eigenvector of the largest eigenvalue is the quaternion (w, x, y, z) of
# the rotation: where an entry of M, counted row by row, appears in it, and with which sign.
_HORN = {
    (0, 0): ((0, 1), (4, 1), (8, 1)),
    (0, 1): ((7, 1), (5, -1)),
    (0, 2): ((2, 1), (6, -1)),
    (0, 3): ((3, 1), (1, -1)),
    (1, 1): ((0, 1), (4, -1), (8, -1)),
    (1, 2): ((1, 1), (3, 1)),
    (1, 3): ((2, 1), (6, 1)),
    (2, 2): ((0, -1), (4, 1), (8, -1)),
    (2, 3): ((5, 1), (7, 1)),
    (3, 3): ((0, -1), (4, -1), (8, 1)),
}


def _horn_rows() -> tuple[float, ...]:
    """Horn's matrix as a linear map of the nine entries of M to sixteen: 9 x 16, row by row."""
    rows = [[0.0] * 16 for _ in range(9)]
    for (row, column), entries in _HORN.items():
        for entry, sign in entries:
            rows[entry][4 * row + column] = rows[entry][4 * column + row] = float(sign)
    return tuple(value for row in rows for value in row)


_HORN_ROWS = _horn_rows()
_UNIT = tuple(float(row == column) for row in range(4) for column in range(4))


def special_procrustes(matrix: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 3 3"]:
    r"""The rotation R that maximises the trace of R^T M.

    .. math:: R = \arg\min_{R \in SO(3)} \|R - M\|_F^2

    It is that of the quaternion which is the eigenvector of the largest eigenvalue of a symmetric 4x4 matrix (Horn).
    The matrix is shifted, so that this eigenvalue is the largest in magnitude, and squared 35 times, which leaves the
    projection onto that eigenvector. Its differential follows from :math:`R^T M = S` being symmetric:

    .. math:: \mathrm{d}R = R [\omega]_\times, \quad
        (\mathrm{tr}(S) I - S)\, \omega = \mathrm{vee}(R^T \mathrm{d}M - \mathrm{d}M^T R)

    The eigenvalues of the matrix before :math:`\omega` are *sums* of the (signed) singular values of M, so that equal
    ones do not divide by zero. Where a sum vanishes (rank one, zero, or a reflection with two equal smallest singular
    values) R is not unique; one of those that are best is returned, and the gradient along that undetermined axis is
    damped to zero. A matrix with a value that is not finite gives a rotation of NaNs rather than an error, so that
    the caller can skip that step.

    Args:
        matrix: any 3x3 matrices. Computed in float64 where the device has it.
    Returns:
        rotation matrices, det = +1; the identity for the zero matrix.
    Reference:
        Horn, Closed-form solution of absolute orientation using unit quaternions, JOSA A 1987, section 4. Brégier,
        Deep regression on manifolds: a 3D rotation case study, 3DV 2021 (the derivative, in another form).
    """
    return _SpecialProcrustes.apply(matrix)


class _SpecialProcrustes(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, matrix: Tensor) -> Tensor:
        exact = to_double(matrix)
        exact = exact / torch.linalg.vector_norm(exact, dim=(-2, -1), keepdim=True).clamp(min=_MINIMUM_SIZE)
        rotation = _rotation(_largest_eigenvector(_horn_matrix(exact)))
        ctx.save_for_backward(matrix, rotation)
        return rotation.to(matrix.dtype)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        matrix, rotation = ctx.saved_tensors
        exact = to_double(matrix)
        size = torch.linalg.vector_norm(exact, dim=(-2, -1), keepdim=True).clamp(min=_MINIMUM_SIZE)
        symmetric = rotation.mT @ (exact / size)
        diagonal = symmetric.diagonal(dim1=-2, dim2=-1)
        trace = diagonal.sum(-1, keepdim=True).expand_as(diagonal)
        sums = torch.diag_embed(trace) - (symmetric + symmetric.mT) / 2
        turn = _solve_damped(sums, _axis(rotation.mT @ grad.to(rotation.dtype)))
        return (rotation @ _cross_matrix(turn) / size).to(grad.dtype)


def _horn_matrix(matrix: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 4 4"]:
    return (matrix.flatten(-2) @ make_constant(_HORN_ROWS, matrix).view(9, 16)).unflatten(-1, (4, 4))


def _largest_eigenvector(matrix: Float[Tensor, "*batch 4 4"]) -> Float[Tensor, "*batch 4"]:
    """The unit eigenvector of the largest eigenvalue, of Horn's matrix of one of Frobenius norm 1; sign arbitrary.

    Of two eigenvalues that are equal, up to rounding, any vector of their plane. Rounding acts as in any stable
    method: by its size over the gap of the eigenvalues.
    """
    # The largest eigenvalue is the sum of the signed singular values, the least one minus the sum of the two largest
    # plus the third, of which none is below -1: by one more the former is the larger in magnitude.
    power = (matrix + make_constant(_UNIT, matrix).view(4, 4)).reshape(-1, 4, 4)
    for _ in range(_ROUNDS):
        for _ in range(_SQUARINGS):
            power = torch.bmm(power, power)
        power = power / power.diagonal(dim1=-2, dim2=-1).sum(-1)[:, None, None]
    longest = power.diagonal(dim1=-2, dim2=-1).argmax(-1)[:, None, None]
    column = power.take_along_dim(longest, dim=-1)[..., 0]
    return (column / torch.linalg.vector_norm(column, dim=-1, keepdim=True)).view(matrix.shape[:-1])


def _rotation(quaternion: Float[Tensor, "*batch 4"]) -> Float[Tensor, "*batch 3 3"]:
    """The rotation of a unit quaternion (w, x, y, z): since q^T N(M) q is the trace of R^T M for all M, the map that
    makes Horn's matrix N of M makes, the other way round, R of q q^T."""
    outer = (quaternion[..., :, None] * quaternion[..., None, :]).flatten(-2)
    return (outer @ make_constant(_HORN_ROWS, quaternion).view(9, 16).mT).unflatten(-1, (3, 3))


def _solve_damped(matrix: Float[Tensor, "*batch 3 3"], vector: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3"]:
    r"""The solution x of A x = b, A symmetric, damped where A is nearly singular: (A^2 + d^2)^{-1} A b.

    That is the real part of (A + i d)^{-1} b, by Cramer's rule; A^2 itself would lose half of the digits.
    """
    shifted = torch.complex(matrix, torch.diag_embed(torch.full_like(vector, _DAMPING)))
    first, second, third = shifted.unbind(-2)
    cofactors = torch.stack(
        [torch.linalg.cross(second, third), torch.linalg.cross(third, first), torch.linalg.cross(first, second)], -1
    )
    solved = (cofactors @ vector.to(cofactors.dtype)[..., None])[..., 0]
    return (solved / determinant(shifted)[..., None]).real


def _axis(matrix: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 3"]:
    """The vector a such that the sum of products of the entries of X and [w]_x is a . w, for all w."""
    apart = matrix - matrix.mT
    return torch.stack([apart[..., 2, 1], apart[..., 0, 2], apart[..., 1, 0]], dim=-1)


def _cross_matrix(vector: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3 3"]:
    x, y, z = vector.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).unflatten(-1, (3, 3))
