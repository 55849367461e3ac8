"""Selection of video frames: evenly spaced in image motion, and the sharpest of each interval. Pure functions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray


@dataclass(frozen=True)
class SelectionOptions:
    """Numbers of frame selection.

    Attributes:
        spacing: image motion between two selected frames, in image widths; neighbours then overlap by 95 %.
        minimum_frames, maximum_frames: bounds of the number of selected frames, if the caller gives none.
        minimum_motion: per frame, in image widths; less counts as noise of a camera that stands still.
        minimum_sharpness: relative to the median of the selected frames; a frame below is left out as blurred.
    """

    spacing: float = 0.05
    minimum_frames: int = 12
    maximum_frames: int = 48
    minimum_motion: float = 0.0005
    minimum_sharpness: float = 0.4


OPTIONS = SelectionOptions()


def measure_sharpness(frame: UInt8[np.ndarray, "height width"]) -> float:
    """Variance of the Laplacian relative to that of the brightness: low for blurred frames, whatever the exposure."""
    grey = frame.astype(np.float64)
    centre = grey[1:-1, 1:-1]
    laplacian = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * centre
    return float(laplacian.var() / (centre.var() + 1.0))


def measure_shift(one: UInt8[np.ndarray, "height width"], other: UInt8[np.ndarray, "height width"]) -> float:
    """Motion of the whole image between two frames, in image widths: the peak of their phase correlation."""
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
    """Indices of the frames to keep, ascending.

    Args:
        sharp: sharpness of each frame (`measure_sharpness`).
        motion: image motion since the frame before, in image widths (`measure_shift`); the first is ignored.
        count: how many to keep; None takes as many as lie `OPTIONS.spacing` apart, within the bounds of `OPTIONS`.
            Fewer are returned where the camera stood still or frames are blurred.
    """
    path = np.cumsum(np.where(motion > OPTIONS.minimum_motion, motion, 0.0))
    path -= path[0]
    length = float(path[-1])
    automatic = np.clip(round(length / OPTIONS.spacing), OPTIONS.minimum_frames, OPTIONS.maximum_frames)
    wanted = count or int(automatic)
    if length <= OPTIONS.minimum_motion * len(path) or len(path) <= wanted:
        parts: list[NDArray[np.int64]] = np.array_split(np.arange(len(path)), min(wanted, len(path)))
    else:
        part = np.minimum((path / length * wanted).astype(int), wanted - 1)
        parts = [np.nonzero(part == number)[0] for number in range(wanted)]
    best = [int(indices[sharp[indices].argmax()]) for indices in parts if len(indices)]
    limit = OPTIONS.minimum_sharpness * float(np.median(sharp[best]))
    return [index for index in best if sharp[index] >= limit]
