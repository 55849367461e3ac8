"""Errors as colours."""

from __future__ import annotations

import numpy as np

from app.model.common.error_colours import colour_errors, colour_residuals, find_scale_place


def test_the_scale_is_logarithmic_and_ends_at_its_ends() -> None:
    assert np.allclose(find_scale_place(np.array([0.01, 0.1, 1.0, 10.0, 170.0])), [0, 0, 0.5, 1, 1])
    assert np.allclose(find_scale_place(np.array([np.nan, np.inf, 0.0, -1.0])), [1, 1, 0, 1])


def test_small_errors_are_green_large_ones_red_and_those_between_yellow() -> None:
    green, yellow, red = colour_errors(np.array([0.1, 1.0, 10.0]))
    assert green[1] > 2 * green[0]
    assert red[0] > 2 * red[1]
    assert abs(yellow[0] - yellow[1]) < 0.2 < yellow[0] - yellow[2]
    assert (colour_errors(np.array([0.3, 3.0]))[:, 3] == 1).all()
    assert colour_residuals(np.array([0.01]))[0, 1] > colour_residuals(np.array([10.0]))[0, 1]
