"""Quotients of trigonometric functions that are entire in the squared angle, without their 0/0 at zero.

Near zero a power series, elsewhere the closed form. As functions of the squared angle they need no norm, so
that a rotation vector of zero has all its derivatives. `torch.where` lets the gradient of the branch not
taken through as 0 x (its value), so both branches are evaluated where they are finite.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

_NEAR = 0.25  # squared radians: seven terms of the series below give all of float64


def sine_quotient(squared_angle: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    r"""\sin(\theta) / \theta as a function of \theta^2."""
    near, far = _branches(squared_angle)
    angle = far.sqrt()
    return torch.where(squared_angle < _NEAR, _horner(near, _factorials(1)), angle.sin() / angle)


def cosine_quotient(squared_angle: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    r"""(1 - \cos\theta) / \theta^2 as a function of \theta^2."""
    near, far = _branches(squared_angle)
    sine = (far.sqrt() / 2).sin()
    return torch.where(squared_angle < _NEAR, _horner(near, _factorials(2)), 2 * sine * sine / far)


def sine_remainder(squared_angle: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    r"""(\theta - \sin\theta) / \theta^3 as a function of \theta^2."""
    near, far = _branches(squared_angle)
    angle = far.sqrt()
    return torch.where(squared_angle < _NEAR, _horner(near, _factorials(3)), (1 - angle.sin() / angle) / far)


def cotangent_remainder(squared_angle: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    r"""(1 - (\theta / 2) \cot(\theta / 2)) / \theta^2 as a function of \theta^2, for \theta < 2 \pi."""
    near, far = _branches(squared_angle)
    half = far.sqrt() / 2
    return torch.where(squared_angle < _NEAR, _horner(near, _BERNOULLI), (1 - half / half.tan()) / far)


def arctangent_over_argument(squared: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    r"""\arctan(x) / x as a function of x^2, for x^2 up to 0.01."""
    return _horner(squared, [(-1) ** k / (2 * k + 1) for k in range(8)])


def _branches(squared_angle: Tensor) -> tuple[Tensor, Tensor]:
    """The argument of the series and of the closed form, each moved to where it is harmless if not used."""
    return squared_angle.clamp(max=_NEAR), squared_angle.clamp(min=_NEAR)


def _horner(x: Tensor, coefficients: Sequence[float]) -> Tensor:
    value = torch.full_like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value = value * x + coefficient
    return value


def _factorials(first: int) -> list[float]:
    """1 / first! - x / (first + 2)! + x^2 / (first + 4)! - ..."""
    return [(-1) ** k / math.factorial(2 * k + first) for k in range(8)]


# 1/12 + x/720 + ...: the coefficients |B_2k| / (2k)! of x/2 cot(x/2), B_2k being Bernoulli's numbers.
_BERNOULLI = [
    bernoulli / math.factorial(2 * k)
    for k, bernoulli in enumerate([1 / 6, 1 / 30, 1 / 42, 1 / 30, 5 / 66, 691 / 2730, 7 / 6, 3617 / 510], start=1)
]
