"""The error of a rendering against the photo: per pixel as colours, over all pixels as PSNR."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Bool, Float, Float32

FULL = 64.0  # error in levels of 255 at the bright end of the colours: photos differ by more only at edges
HIGHEST_PSNR = 60.0  # dB that is shown at most: the rounding of 8-bit photos alone limits PSNR to about 59 dB
# perceptually uniform from dark to bright, after matplotlib's `inferno`
_STOPS = np.array(
    [
        (0.00, 0.00, 0.02),
        (0.11, 0.05, 0.26),
        (0.29, 0.05, 0.42),
        (0.47, 0.11, 0.43),
        (0.65, 0.17, 0.38),
        (0.82, 0.28, 0.26),
        (0.93, 0.43, 0.14),
        (0.98, 0.65, 0.04),
        (0.99, 1.00, 0.64),
    ]
)

Image = Float32[np.ndarray, "height width 3"]
Mask = Bool[np.ndarray, "height width"]


def measure_difference(photo: Image, rendering: Image) -> Float[np.ndarray, "height width"]:
    """Root mean square difference over the channels of each pixel, in levels of 255."""
    return 255 * np.sqrt(np.square(photo - rendering).mean(axis=-1))


def colour_levels(levels: Float[np.ndarray, "*any"]) -> Float32[np.ndarray, "*any 3"]:
    """RGB in [0, 1]: dark for no error to bright for `FULL` levels and more; what is not finite is bright."""
    place = np.nan_to_num(levels / FULL, nan=1.0, posinf=1.0).clip(0, 1)
    ticks = np.linspace(0, 1, len(_STOPS))
    return np.stack([np.interp(place, ticks, _STOPS[:, c]) for c in range(3)], axis=-1).astype(np.float32)


def compute_psnr(photo: Image, rendering: Image, counts: Mask | None = None) -> float:
    """PSNR over all pixels, or those that count, dB, at most `HIGHEST_PSNR`."""
    squares = np.square(photo.astype(np.float64) - rendering)
    error = float((squares if counts is None else squares[counts]).mean())
    return HIGHEST_PSNR if error <= 10 ** (-HIGHEST_PSNR / 10) else -10 * math.log10(error)
