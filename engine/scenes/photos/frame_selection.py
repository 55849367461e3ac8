"""Which frames of a video to keep: spread evenly over its motion, and in each part the sharpest. Pure functions."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

STRIDE = 0.05  # of the picture's width that frames lie apart, unless there are too many then
FEWEST, MOST = 12, 48  # frames that are chosen if nobody says how many
STILL = 0.0005  # of the width per frame: less is noise, not motion
BLURRED = 0.4  # of the median sharpness of the chosen frames, below which a frame is left out


def measure_sharpness(frame: UInt8[np.ndarray, "height width"]) -> float:
    """Variance of the Laplacian relative to that of the brightness: it falls with blur, not with the light."""
    grey = frame.astype(np.float64)
    centre = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * centre
    return float(laplacian.var() / (centre.var() + 1.0))


def measure_shift(one: UInt8[np.ndarray, "height width"], other: UInt8[np.ndarray, "height width"]) -> float:
    """How far the picture as a whole moved between two frames, in widths: the peak of their phase correlation."""
    window = np.outer(np.hanning(one.shape[0]), np.hanning(one.shape[1]))
    spectra = [np.fft.rfft2((frame - frame.mean()) * window) for frame in (one, other)]
    product = spectra[0] * spectra[1].conj()
    surface = np.fft.irfft2(product / (np.abs(product) + 1e-3 * np.abs(product).max() + 1e-12), one.shape)
    down, across = np.unravel_index(surface.argmax(), surface.shape)
    moved = [peak - side if peak > side / 2 else peak for peak, side in zip((down, across), one.shape, strict=True)]
    return math.hypot(*moved) / one.shape[1]


def select_frames(
    sharp: Float[np.ndarray, " frames"], motion: Float[np.ndarray, " frames"], count: int | None = None
) -> list[int]:
    """The frames to keep, in order.

    Args:
        sharp: sharpness of each frame.
        motion: how far the picture moved from the frame before, in widths; the first is ignored.
        count: how many to keep; by default as many as lie a twentieth of the width apart, between 12 and 48. Fewer
            come back where the camera stood still or frames are blurred.
    """
    path = np.cumsum(np.where(motion > STILL, motion, 0.0))
    path -= path[0]
    length = float(path[-1])
    wanted = count or int(np.clip(round(length / STRIDE), FEWEST, MOST))
    if length <= STILL * len(path) or len(path) <= wanted:
        parts: list[NDArray[np.int64]] = np.array_split(np.arange(len(path)), min(wanted, len(path)))
    else:
        part = np.minimum((path / length * wanted).astype(int), wanted - 1)
        parts = [np.nonzero(part == number)[0] for number in range(wanted)]
    best = [int(indices[sharp[indices].argmax()]) for indices in parts if len(indices)]
    limit = BLURRED * float(np.median(sharp[best]))
    return [index for index in best if sharp[index] >= limit]
