"""The rotation nearest to a matrix, with a gradient that is finite for equal singular values too."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from engine.geometry.numerics import determinant, to_double

_DAMPING = 1e-6  # sums of two singular values below this fraction of the largest one no longer pass gradients
_MINIMUM_SIZE = 1e-30  # matrices smaller than this count as zero


def special_procrustes(matrix: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 3 3"]:
    r"""The rotation R that maximises the trace of R^T M.

    .. math:: R = \arg\min_{R \in SO(3)} \|R - M\|_F^2 = U S V^T, \quad
        M = U D V^T, \quad S = \mathrm{diag}(1, 1, \det(U V^T))

    Its differential divides only by *sums* of the (signed) singular values D S, so equal ones do not divide by zero:

    .. math:: \mathrm{d}R = U S Z V^T, \quad
        Z_{kl} = (A_{kl} - A_{lk}) / (D_k + D_l), \quad A = S U^T \mathrm{d}M\, V

    Where a sum vanishes (rank one, zero, or a reflection with two equal smallest singular values) R is not
    unique; the gradient along that undetermined axis is damped to zero. A matrix with a value that is not
    finite gives a rotation of NaNs rather than an error, so that the caller can skip that step.

    Args:
        matrix: any 3x3 matrices. Computed in float64 where the device has it.
    Returns:
        rotation matrices, det = +1; the identity for the zero matrix.
    Reference:
        Umeyama, Least-squares estimation of transformation parameters between two point patterns, PAMI 1991,
        lemma. Brégier, Deep regression on manifolds: a 3D rotation case study, 3DV 2021 (derivative).
    """
    return _SpecialProcrustes.apply(matrix)


class _SpecialProcrustes(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, matrix: Tensor) -> Tensor:
        exact = to_double(matrix)
        poison = (exact * 0).sum((-2, -1), keepdim=True)  # 0, or NaN where an entry is not finite
        left, singular, right_transposed = torch.linalg.svd(exact.nan_to_num(0.0, 0.0, 0.0))
        sign = (determinant(left) * determinant(right_transposed)).sign()
        left = torch.cat([left[..., :2], left[..., 2:] * sign[..., None, None]], dim=-1)
        singular = torch.cat([singular[..., :2], singular[..., 2:] * sign[..., None]], dim=-1)
        ctx.save_for_backward(left, singular, right_transposed)
        return (left @ right_transposed + poison).to(matrix.dtype)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        left, singular, right_transposed = ctx.saved_tensors
        size = singular[..., :1, None].clamp(min=_MINIMUM_SIZE)
        sums = (singular[..., :, None] + singular[..., None, :]) / size
        weight = sums / (sums.square() + _DAMPING**2) / size
        inner = left.mT @ grad.to(left.dtype) @ right_transposed.mT
        return (left @ ((inner - inner.mT) * weight) @ right_transposed).to(grad.dtype)
