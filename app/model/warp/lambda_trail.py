"""The residual over λ as it was travelled: a trail that fades with age, in a small drawing with logarithmic axes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from app.model.common.slider_scale import ExponentRange
from app.model.common.sparkline import find_level

MOST_SEGMENTS = 150  # of a trail that is drawn: each is an item of the window
FAINTEST = 0.08  # opacity of what is a minute old


class LambdaTrail(NamedTuple):
    """Points of a trail, pixels from the top left corner of the drawing, oldest first, and the opacity of each."""

    points: Float[np.ndarray, "moments 2"]
    opacity: Float[np.ndarray, " moments"]


def find_column(
    exponent: Float[np.ndarray, "*any"], width: float, limits: ExponentRange, margin: float = 4.0
) -> Float[np.ndarray, "*any"]:
    """Pixels from the left of exponents; those beyond the slider's range are at its ends."""
    share = (np.clip(exponent, limits.lowest, limits.highest) - limits.lowest) / (limits.highest - limits.lowest)
    return margin + share * (width - 2 * margin)


def make_lambda_trail(
    exponents: Float[np.ndarray, " moments"],
    residuals: Float[np.ndarray, " moments"],
    ages: Float[np.ndarray, " moments"],
    size: tuple[float, float],
    limits: ExponentRange,
    levels: tuple[float, float],
) -> LambdaTrail:
    """The trail as it is drawn: the newest points always, of the older ones as many as there is room for.

    Args:
        exponents: x of λ = 10^x, oldest first.
        residuals: mean residuals, pixels of the photo.
        ages: in [0, 1], 0 now.
        size: (width, height) of the drawing.
        limits: exponents at its left and right ends.
        levels: residuals (> 0) at its bottom and top.
    """
    count = len(exponents)
    kept = np.unique(np.linspace(0, count - 1, min(count, MOST_SEGMENTS + 1)).astype(int)) if count else np.arange(0)
    across = find_column(exponents[kept], size[0], limits)
    down = find_level(residuals[kept], size[1], levels)
    opacity = FAINTEST + (1 - FAINTEST) * (1 - np.clip(ages[kept], 0, 1)) ** 2
    return LambdaTrail(np.stack([across, down], axis=1), opacity)
