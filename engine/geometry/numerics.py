"""Precision, constants and determinants for what is computed on any device."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import torch
from jaxtyping import Float
from torch import Tensor


def to_double(tensor: Tensor) -> Tensor:
    """The tensor in float64; unchanged on Apple's GPU (mps), which has no float64."""
    return tensor if tensor.device.type == "mps" else tensor.double()


def determinant(matrix: Float[Tensor, "*batch 3 3"]) -> Float[Tensor, "*batch"]:
    """Determinants of 3x3 matrices as a triple product: faster than a factorisation, differentiable where singular."""
    first, second, third = matrix.unbind(-2)
    return (first * torch.linalg.cross(second, third)).sum(-1)


def make_constant(values: float | Sequence[float], like: Tensor) -> Tensor:
    """Numbers as a tensor of the type and on the device of another one, made once: it must not be written.

    All of them are kept, for recorded work reads them where they lie (`engine.system.recorded_work`).
    """
    return _make_constant(values if isinstance(values, int | float) else tuple(values), like.dtype, like.device)


@cache
def _make_constant(values: float | tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.tensor(values, dtype=dtype, device=device)
