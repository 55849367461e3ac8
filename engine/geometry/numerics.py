"""Precision, constants and small systems of equations for what is computed on any device."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import torch
from jaxtyping import Float, Num
from torch import Tensor


def to_double(tensor: Tensor) -> Tensor:
    """The tensor in float64; unchanged on Apple's GPU (mps), which has no float64."""
    return tensor if tensor.device.type == "mps" else tensor.double()


def determinant(matrix: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch"]:
    """Determinants of 3x3 matrices as a triple product: faster than a factorisation, differentiable where singular."""
    first, second, third = matrix.unbind(-2)
    return (first * torch.linalg.cross(second, third)).sum(-1)


def invert_3x3(matrix: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch 3 3"]:
    """Inverses of regular matrices, differentiable; on a GPU by cofactors, see `solve_positive`."""
    if matrix.device.type == "cpu":
        return torch.linalg.inv_ex(matrix)[0]
    first, second, third = matrix.unbind(-2)
    crosses = [torch.linalg.cross(*pair) for pair in ((second, third), (third, first), (first, second))]
    return torch.stack(crosses, dim=-1) / determinant(matrix)[..., None, None]


def solve_positive(
    matrix: Num[Tensor, "*batch size size"], right: Num[Tensor, "*batch size columns"]
) -> Num[Tensor, "*batch size columns"]:
    """The solution X of A X = B by elimination without pivots, in products only.

    A library for batches of small matrices may be told by the host where each of them lies, which a recorded step
    (`engine.system.recorded_work`) would read when that memory of the host is in other use.

    Args:
        matrix: A, symmetric and positive definite; or complex and symmetric, with a real and an imaginary part that
            are so, of which one may have eigenvalues 0. For such matrices no order of elimination is unstable.
        right: B, of the same type.
    Reference:
        Higham, Factorizing complex symmetric matrices with positive definite real and imaginary parts, Mathematics of
        Computation 1998; Accuracy and Stability of Numerical Algorithms, SIAM 2002, section 14.4 (Gauss-Jordan).
    """
    rest = torch.cat([matrix, right], dim=-1)
    for pivot in range(matrix.shape[-1]):  # in each round the first column becomes one of the unit matrix, and goes
        row = rest[..., pivot, 1:] / rest[..., pivot, :1]
        rest = rest[..., 1:] - rest[..., :1] * row[..., None, :]
        rest[..., pivot, :] = row
    return rest


def make_constant(values: float | Sequence[float], like: Tensor) -> Tensor:
    """Numbers as a tensor of the type and on the device of another one, made once: it must not be written.

    All of them are kept, for recorded work reads them where they lie (`engine.system.recorded_work`).
    """
    return _make_constant(values if isinstance(values, int | float) else tuple(values), like.dtype, like.device)


@cache
def _make_constant(values: float | tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.tensor(values, dtype=dtype, device=device)
