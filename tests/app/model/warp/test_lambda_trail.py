"""The residual over λ, as it is drawn."""

from __future__ import annotations

import numpy as np
import pytest

from app.model.common.slider_scale import LAMBDA
from app.model.warp.lambda_trail import FAINTEST, MOST_SEGMENTS, make_lambda_trail

SIZE, LEVELS = (200.0, 64.0), (1e-3, 1.0)


def test_a_small_lambda_is_left_and_a_large_residual_above() -> None:
    exponents, residuals = np.array([6.0, 2.0, -4.0]), np.array([1e-3, 3e-2, 1.0])
    trail = make_lambda_trail(exponents, residuals, np.array([1.0, 0.5, 0.0]), SIZE, LAMBDA, LEVELS)
    x, y = trail.points.T
    assert (np.diff(x) < 0).all()
    assert (np.diff(y) < 0).all()
    assert (x.min(), x.max()) == pytest.approx((4.0, SIZE[0] - 4.0))
    assert y.min() > 0
    assert y.max() < SIZE[1]
    assert trail.opacity[0] == pytest.approx(FAINTEST)
    assert trail.opacity[-1] == 1.0
    assert (np.diff(trail.opacity) > 0).all()


def test_a_long_trail_keeps_its_ends_and_an_empty_one_is_empty() -> None:
    exponents = np.linspace(-4, 6, 3000)
    trail = make_lambda_trail(exponents, np.full(3000, 0.1), np.linspace(1, 0, 3000), SIZE, LAMBDA, LEVELS)
    assert len(trail.points) == len(trail.opacity) == MOST_SEGMENTS + 1
    assert (trail.points[0, 0], trail.points[-1, 0]) == pytest.approx((4.0, SIZE[0] - 4.0))
    nothing = np.empty(0)
    assert make_lambda_trail(nothing, nothing, nothing, SIZE, LAMBDA, LEVELS).points.shape == (0, 2)
