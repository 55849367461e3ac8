"""A curve without axes as points of a small drawing."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float


def make_sparkline(
    x: Float[np.ndarray, " moments"],
    y: Float[np.ndarray, " moments"],
    size: tuple[float, float],
    limits: tuple[float, float],
    margin: float = 2.0,
) -> Float[np.ndarray, "moments 2"]:
    """A curve in pixels from the top left corner: x linear over its range, y on a log scale.

    Args:
        size: (width, height) of the drawing.
        limits: values of y (> 0) at the bottom and at the top.
        margin: pixels that stay free at every side.
    """
    width, height = size
    span = float(x[-1] - x[0]) if len(x) else 0.0
    across = (x - x[0]) / span if span > 0 else np.zeros(len(x))
    return np.stack([margin + across * (width - 2 * margin), find_level(y, height, limits, margin)], axis=1)


def find_level(
    y: Float[np.ndarray, "*any"], height: float, limits: tuple[float, float], margin: float = 2.0
) -> Float[np.ndarray, "*any"]:
    """Pixels from the top of values on the log scale; values beyond the limits are at them."""
    low, high = np.log(limits[0]), np.log(max(limits[1], limits[0] * 1.001))
    up = (np.log(np.clip(y, limits[0], limits[1])) - low) / (high - low)
    return margin + (1 - up) * (height - 2 * margin)
