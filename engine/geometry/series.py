"""Functions of the squared rotation angle that have no 0/0 at zero, with all their derivatives.

Near zero a power series, elsewhere the closed form. They take the squared angle because its gradient is finite at a
zero rotation vector, where that of the angle (a norm) is not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

_SERIES_BELOW = 1.0  # squared radians; there the truncated series is exact to the last digit


def stumpff(squared_angle: Float[Tensor, "*batch"], order: int) -> Float[Tensor, "*batch"]:
    r"""Stumpff's functions, the coefficients of Rodrigues' formula and of the exponential maps.

    .. math:: c_k(x) = \sum_{j \ge 0} \frac{(-x)^j}{(2j + k)!}: \quad
        c_1 = \frac{\sin\theta}{\theta}, \; c_2 = \frac{1 - \cos\theta}{\theta^2}, \;
        c_3 = \frac{\theta - \sin\theta}{\theta^3}, \; \dots \quad (x = \theta^2)

    Their derivatives are combinations of the same functions, without any division, hence exact at zero:

    .. math:: c_k' = (k\, c_{k+2} - c_{k+1}) / 2

    Args:
        squared_angle: x = \theta^2 >= 0, square radians.
        order: k >= 1.
    Returns:
        c_k(x).
    Reference:
        Stumpff, Himmelsmechanik I, 1959.
    """
    return _Stumpff.apply(squared_angle, order)


class _Stumpff(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, squared_angle: Tensor, order: int) -> Tensor:
        ctx.save_for_backward(squared_angle)
        ctx.order = order
        near, far = _branches(squared_angle)
        terms = 6 if squared_angle.dtype == torch.float32 else 9
        series = _horner(near, [(-1) ** j / math.factorial(2 * j + order) for j in range(terms)])
        angle = far.sqrt()
        lowest = 2 - order % 2
        closed = angle.sin() / angle if lowest == 1 else 2 * (angle / 2).sin().square() / far
        for k in range(lowest, order, 2):
            closed = (1 / math.factorial(k) - closed) / far
        return torch.where(squared_angle < _SERIES_BELOW, series, closed)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (squared_angle,) = ctx.saved_tensors
        slope = ctx.order * stumpff(squared_angle, ctx.order + 2) - stumpff(squared_angle, ctx.order + 1)
        return grad * slope / 2, None


def cotangent_remainder(squared_angle: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    r"""(1 - (\theta / 2) \cot(\theta / 2)) / \theta^2 as a function of \theta^2, for \theta < 2 \pi."""
    near, far = _branches(squared_angle)
    half = far.sqrt() / 2
    return torch.where(squared_angle < _SERIES_BELOW, _horner(near, _BERNOULLI), (1 - half / half.tan()) / far)


def arctangent_over_argument(squared: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
    r"""\arctan(x) / x as a function of x^2, for x^2 up to 0.01."""
    return _horner(squared, [(-1) ** k / (2 * k + 1) for k in range(8)])


def _branches(squared_angle: Tensor) -> tuple[Tensor, Tensor]:
    """The argument clamped to the range of the series, and clamped to the range of the closed form.

    `torch.where` multiplies the gradient of the branch that is not taken by zero, so that gradient must be finite.
    """
    return squared_angle.clamp(max=_SERIES_BELOW), squared_angle.clamp(min=_SERIES_BELOW)


def _horner(x: Tensor, coefficients: Sequence[float]) -> Tensor:
    value = x * coefficients[-1] + coefficients[-2]
    for coefficient in reversed(coefficients[:-2]):
        value = value * x + coefficient
    return value


# 1/12 + x/720 + ...: the coefficients |B_2k| / (2k)! of x/2 cot(x/2), B_2k being Bernoulli's numbers.
_BERNOULLI = [
    bernoulli / math.factorial(2 * k)
    for k, bernoulli in enumerate(
        [1 / 6, 1 / 30, 1 / 42, 1 / 30, 5 / 66, 691 / 2730, 7 / 6, 3617 / 510, 43867 / 798, 174611 / 330], start=1
    )
]
