"""Functions of the square root of a symmetric matrix, for which a GPU is not waited for."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

_ROUNDS = 32  # a small root grows by half in each: those of more than 2e-6 of the largest are found


def solve_one_plus_root(
    right: Float[Tensor, "rows size"], matrix: Float[Tensor, "size size"], strength: Float[Tensor, ""] | float
) -> Float[Tensor, "rows size"]:
    r"""The product :math:`B (I + s A^{1/2})^{-1}`, of the symmetric root of A.

    On a CPU by a decomposition. Elsewhere, where torch would ask whether that has converged, by a fixed number of
    steps of the coupled Newton-Schulz iteration for root and inverse root: roots that are less than some millionths of
    the largest come out too small, down to zero.

    Args:
        right: B.
        matrix: A, symmetric, without negative eigenvalues; in float64.
        strength: s >= 0.
    Reference:
        Higham, Functions of Matrices, SIAM 2008, equation 6.35.
    """
    if matrix.device.type == "cpu":
        values, vectors = torch.linalg.eigh(matrix)
        return (right @ vectors / (1 + strength * values.clamp(min=0).sqrt())) @ vectors.mT
    whole = torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device) + strength * find_root(matrix)
    factor, _ = torch.linalg.cholesky_ex(whole)
    return torch.cholesky_solve(right.mT, factor).mT


def find_root(matrix: Float[Tensor, "size size"]) -> Float[Tensor, "size size"]:
    """The symmetric square root of a symmetric matrix without negative eigenvalues; see `solve_one_plus_root`."""
    size = matrix.norm().clamp(min=torch.finfo(torch.float32).tiny)
    unit = torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)
    root, inverse = matrix / size, unit
    for _ in range(_ROUNDS):
        factor = torch.addmm(unit, inverse, root, beta=1.5, alpha=-0.5)
        root, inverse = root @ factor, factor @ inverse
    return (root + root.mT) * (0.5 * size.sqrt())
