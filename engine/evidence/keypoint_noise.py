"""How exact keypoints are, by the errors that they leave under poses that fit."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor


def estimate_scale(
    error_px: Float[Tensor, " observations"], usual: float, medians: float = 2.0, least: float = 0.1
) -> float:
    """The scale of a robust cost of reprojection errors.

    Keypoints that were refined in the photos fit right poses to some hundredths of a pixel, those of SIFT alone to
    half of one; taking the latter for the former lets poses go that are known exactly. Errors are heavy-tailed, so
    that the median speaks for the good ones.

    Args:
        error_px: of observations, pixels, NaN where there is none.
        usual: the scale of keypoints of which nothing is known, pixels; the result is not larger.
        medians: the scale in medians of the errors.
        least: smallest result, as a share of `usual`.
    Returns:
        the scale, pixels.
    """
    known = error_px[error_px.isfinite()]
    if not len(known):
        return usual
    return usual * min(max(medians * float(known.median()) / usual, least), 1.0)
