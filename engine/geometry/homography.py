"""The differentiable homography solver: the projective transform that fits a planar warp field best."""

from __future__ import annotations

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from engine.geometry.numerics import determinant, invert_3x3, solve_positive, to_double

_SIMILARITY_WEIGHT = 1e-12  # relative to the data; far above float64 rounding, far below any gap that data make
_GAP_DAMPING = 1e-7  # gaps to the smallest eigenvalue below this fraction of the trace no longer pass gradients
_LIFT = 1e-14  # of the trace, added to all eigenvalues before the inverse: far below the weight of the similarity
_SQUARINGS = 14  # of the inverse: the smallest eigenvalue is told from one that is a thousandth larger
_MINIMUM_DETERMINANT = 1e-9  # a fit (of unit norm) with a smaller one maps the plane to a line
_MINIMUM_DIVISOR = 1e-8  # homogeneous coordinates between plus and minus this are moved here before the division


def solve_homography(
    source: Float[Tensor, "*batch points 2"],
    target: Float[Tensor, "*batch points 2"],
    weights: Float[Tensor, "*batch points"] | None = None,
) -> Float[Tensor, "*batch 3 3"]:
    r"""The homography that brings one set of points onto another: the normalised direct linear transform.

    .. math:: H^* = \arg\min_{\|\hat H\| = 1} \sum_u w_u \| \hat H\, \hat p_u \times \hat q_u \|^2

    (the first two components of the cross product), in coordinates in which both sets have centroid zero and
    root mean square radius \sqrt 2. The minimiser is the eigenvector of the smallest eigenvalue of a 9x9
    matrix. Its derivative is taken from that eigenvector alone, so that equal values among the other eigenvalues
    (every square grid has some) do not matter.

    Where points leave the homography undetermined (fewer than four, or all but one on a line) the result is
    the minimiser nearest to the best fitting rotation of the normalised points, or that rotation itself if the former
    is singular. There the gradient is finite, and damped in the undetermined directions.

    Args:
        source: points p, any unit.
        target: points q, any unit.
        weights: w >= 0, equal if None. A point of weight zero has no influence.
    Returns:
        homographies from source to target, scaled to det = 1. The identity where all weights are zero.
    Reference:
        Hartley, In defense of the eight-point algorithm, PAMI 1997; Hartley and Zisserman, Multiple View
        Geometry, algorithm 4.2. Magnus, On differentiating eigenvalues and eigenvectors, 1985.
    """
    dtype = source.dtype
    source, target = to_double(source), to_double(target)
    share = torch.ones_like(source[..., 0]) if weights is None else weights.to(source.dtype)
    share = (share / share.sum(-1, keepdim=True).clamp(min=torch.finfo(share.dtype).tiny))[..., None]
    source, to_normal = _normalise(source, share)
    target, to_target = _normalise(target, share)
    similarity = _similarity(source, target, share)
    tie_break = (
        torch.eye(9, dtype=share.dtype, device=share.device) - similarity[..., :, None] * similarity[..., None, :]
    )
    fitted = _SmallestEigenvector.apply(_dlt_matrix(source, target, share) + _SIMILARITY_WEIGHT * tie_break)
    regular = determinant(fitted.unflatten(-1, (3, 3))).abs() > _MINIMUM_DETERMINANT
    normal = torch.where(regular[..., None] | fitted.isnan(), fitted, similarity).unflatten(-1, (3, 3))
    homography = invert_3x3(to_target) @ normal @ to_normal
    cubed = determinant(homography)[..., None, None]
    return (homography / (cubed.sign() * cubed.abs().pow(1 / 3))).to(dtype)


def apply_homography(
    homography: Float[Tensor, "*#batch 3 3"], points: Float[Tensor, "*#batch points 2"]
) -> Float[Tensor, "*batch points 2"]:
    """Points mapped by one homography per batch entry; finite, though large, where the divisor is zero.

    Args:
        homography: scaled so that its entries are of the order of 1.
        points: image-plane coordinates.
    Returns:
        the mapped points.
    """
    mapped = points @ homography[..., :2].mT + homography[..., None, :, 2]
    divisor = mapped[..., 2:]
    divisor = torch.where(divisor < 0, divisor.clamp(max=-_MINIMUM_DIVISOR), divisor.clamp(min=_MINIMUM_DIVISOR))
    return mapped[..., :2] / divisor


def _normalise(points: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """Points with centroid zero and root mean square radius sqrt 2, and the 3x3 matrix that makes them so."""
    mean = (share * points).sum(-2, keepdim=True)
    centred = points - mean
    variance = (share * centred.square()).sum((-2, -1))
    spread = variance > 1e-20 * (
        1e-20 + (share * points.square()).sum((-2, -1))
    )  # else all points are one, up to rounding
    scale = torch.where(spread, math.sqrt(2) / torch.where(spread, variance, 1).sqrt(), 1)[..., None, None]
    eye = torch.eye(3, dtype=points.dtype, device=points.device).expand(*scale.shape[:-2], 3, 3)
    matrix = torch.cat([scale * eye[..., :2, :2], -scale * mean.mT], dim=-1)
    return scale * centred, torch.cat([matrix, eye[..., 2:, :]], dim=-2)


def _similarity(source: Tensor, target: Tensor, share: Tensor) -> Tensor:
    """The rotation that fits normalised points best, as a flat homography (..., 9) of unit norm, without gradient."""
    with torch.no_grad():
        covariance = (share * target).mT @ source
        angle = torch.atan2(
            covariance[..., 1, 0] - covariance[..., 0, 1], covariance[..., 0, 0] + covariance[..., 1, 1]
        ).nan_to_num()
        cosine, sine, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
        entries = [cosine, -sine, zero, sine, cosine, zero, zero, zero, torch.ones_like(angle)]
        return torch.stack(entries, dim=-1) / math.sqrt(3)


def _dlt_matrix(source: Tensor, target: Tensor, share: Tensor) -> Tensor:
    """A^T A of the direct linear transform, summed over the points without forming A (two rows per point).

    The rows for p = (x, y, 1) and q = (u, v) are (p, 0, -u p) and (0, p, -v p), so the blocks of the sum are
    those of the Gram matrix of (p, u p, v p).
    """
    lifted, factors = pad(source, (0, 1), value=1.0), pad(target, (1, 0), value=1.0)
    products = (factors[..., :, None] * lifted[..., None, :]).flatten(-2)
    gram = ((share * products).mT @ products).unflatten(-1, (3, 3)).unflatten(-3, (3, 3)).transpose(-3, -2)
    plain, by_u, by_v = gram[..., 0, :, :, :].unbind(-3)
    by_square = gram[..., 1, 1, :, :] + gram[..., 2, 2, :, :]
    zero = torch.zeros_like(plain)
    rows = [(plain, zero, -by_u), (zero, plain, -by_v), (-by_u, -by_v, by_square)]
    return torch.cat([torch.cat(row, dim=-1) for row in rows], dim=-2)


class _SmallestEigenvector(torch.autograd.Function):
    r"""The unit eigenvector v of the smallest eigenvalue of a symmetric matrix S, sign arbitrary.

    .. math:: \mathrm{d}v = -\sum_k v_k \frac{v_k^T \mathrm{d}S\, v}{\lambda_k - \lambda}

    A matrix that is not finite gives NaNs. On a CPU by a decomposition; elsewhere, where torch would ask whether that
    has converged, by inverse and products.
    """

    @staticmethod
    def forward(ctx: Any, matrix: Tensor) -> Tensor:
        poison = (matrix * 0).sum((-2, -1))[..., None]
        finite = matrix.nan_to_num(0.0, 0.0, 0.0)
        ctx.decomposed = matrix.device.type == "cpu"
        if not ctx.decomposed:
            smallest = _smallest_eigenvector(finite)
            ctx.save_for_backward(finite, smallest)
            return smallest + poison
        values, vectors = torch.linalg.eigh(finite)
        ctx.save_for_backward(values, vectors)
        return vectors[..., 0] + poison

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        if not ctx.decomposed:
            matrix, smallest = ctx.saved_tensors
            return _differentiate_smallest(matrix, smallest, grad)
        values, vectors = ctx.saved_tensors
        size = values.sum(-1, keepdim=True).clamp(min=1e-30)
        gaps = (values[..., 1:] - values[..., :1]) / size
        along = (vectors[..., 1:].mT @ grad[..., None])[..., 0] * gaps / (gaps.square() + _GAP_DAMPING**2) / size
        moved = (vectors[..., 1:] @ along[..., None])[..., 0]
        outer = -moved[..., :, None] * vectors[..., None, :, 0]
        return (outer + outer.mT) / 2


def _smallest_eigenvector(matrix: Float[Tensor, "*batch n n"]) -> Float[Tensor, "*batch n"]:
    """The unit eigenvector of the smallest eigenvalue of a matrix without negative ones, by powers of its inverse.

    Rounding acts as in a decomposition: by its size over the gap of the two smallest eigenvalues.
    """
    lift = _LIFT * _trace(matrix).clamp(min=torch.finfo(torch.float32).tiny)
    unit = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device).expand_as(matrix)
    power = solve_positive(matrix + lift[..., None] * unit, unit)
    for _ in range(_SQUARINGS):
        power = power / _trace(power)[..., None]
        power = power @ power
    longest = power.diagonal(dim1=-2, dim2=-1).argmax(-1)[..., None, None]
    column = power.take_along_dim(longest, dim=-1)[..., 0]
    return column / torch.linalg.vector_norm(column, dim=-1, keepdim=True)


def _differentiate_smallest(matrix: Tensor, vector: Tensor, grad: Tensor) -> Tensor:
    r"""The gradient of the matrix, as in `_SmallestEigenvector`.

    With gaps g relative to the trace and damping d, g / (g^2 + d^2) is the real part of 1 / (g + i d).
    """
    size = _trace(matrix).clamp(min=1e-30)
    value = (vector * (matrix @ vector[..., None])[..., 0]).sum(-1, keepdim=True)
    gaps = (matrix - torch.diag_embed(value.expand_as(vector))) / size[..., None]
    damped = torch.complex(gaps, torch.diag_embed(torch.full_like(vector, _GAP_DAMPING)))
    across = grad - (grad * vector).sum(-1, keepdim=True) * vector
    moved = solve_positive(damped, across.to(damped.dtype)[..., None])[..., 0].real / size
    moved = moved - (moved * vector).sum(-1, keepdim=True) * vector
    outer = -moved[..., :, None] * vector[..., None, :]
    return (outer + outer.mT) / 2


def _trace(matrix: Float[Tensor, "*batch n n"]) -> Float[Tensor, "*batch 1"]:
    return matrix.diagonal(dim1=-2, dim2=-1).sum(-1, keepdim=True)
