"""Errors as colours: green, yellow, red on logarithmic scales."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32

from engine.messages import FrameStatus


class ErrorScale(NamedTuple):
    """The ends of a logarithmic colour scale: errors up to `best` are green, from `worst` on red; both in `unit`."""

    best: float
    worst: float
    unit: str


ROTATION_DEG = ErrorScale(0.1, 10.0, "°")
REPROJECTION_PX = ErrorScale(0.3, 10.0, "px")
RESIDUAL_PX = ErrorScale(0.01, 10.0, "px")
CORNER_PX = ErrorScale(0.1, 30.0, "px")
STOPS: Float32[np.ndarray, "stops 3"] = np.array(
    [(0.24, 0.78, 0.44), (0.62, 0.84, 0.30), (0.95, 0.83, 0.28), (0.96, 0.55, 0.27), (0.91, 0.28, 0.30)], np.float32
)
ACCENT = (0.208, 0.769, 0.710, 1.0)
REFERENCE = (0.91, 0.64, 0.24, 0.6)
INITIAL = (0.54, 0.58, 0.63, 0.38)
SEARCHING = (0.745, 0.549, 1.0, 1.0)  # also of frames that wait to be searched for
REJECTED = (0.52, 0.50, 0.56, 0.8)
EXCLUDED = (0.60, 0.62, 0.66, 0.7)
STATUS_COLOURS = {
    FrameStatus.SEARCHING: SEARCHING,
    FrameStatus.WAITING: SEARCHING,
    FrameStatus.REJECTED: REJECTED,
    FrameStatus.EXCLUDED: EXCLUDED,
}


def find_scale_place(
    error: Float[np.ndarray, "*shape"], scale: ErrorScale = ROTATION_DEG
) -> Float[np.ndarray, "*shape"]:
    """Where errors lie on a scale, 0 at its best end to 1 at its worst; NaN counts as worst."""
    with np.errstate(divide="ignore", invalid="ignore"):
        place = np.log(np.asarray(error, np.float64) / scale.best) / np.log(scale.worst / scale.best)
    return np.clip(np.nan_to_num(place, nan=1.0, posinf=1.0, neginf=0.0), 0.0, 1.0)


def blend_stops(place: Float[np.ndarray, "*shape"]) -> Float32[np.ndarray, "*shape 4"]:
    """The colours at places of the scale, 0 to 1: opaque RGBA in [0, 1]."""
    ticks = np.linspace(0.0, 1.0, len(STOPS))
    channels = [np.interp(place, ticks, STOPS[:, channel]) for channel in range(3)]
    return np.stack([*channels, np.ones_like(place)], axis=-1).astype(np.float32)


def colour_errors(
    errors: Float[np.ndarray, " frames"], scale: ErrorScale = ROTATION_DEG
) -> Float32[np.ndarray, "frames 4"]:
    """RGBA of errors; of rotation errors in degrees where no other scale is given."""
    return blend_stops(find_scale_place(errors, scale))


def colour_frames(
    errors: Float[np.ndarray, " frames"] | None,
    frames: int,
    statuses: Sequence[FrameStatus] = (),
    scale: ErrorScale = ROTATION_DEG,
) -> Float32[np.ndarray, "frames 4"]:
    """The colours of frames: RGBA in [0, 1].

    Args:
        errors: in the unit of the scale; NaN where unknown, None where nothing is known of any frame. Frames without
            a known error have the accent colour.
        frames: how many there are.
        statuses: of the frames; those that are not registered have the colour of their status. May be shorter.
        scale: of the errors.
    """
    colours = np.tile(np.array(ACCENT, np.float32), (frames, 1))
    if errors is not None:
        known = np.flatnonzero(np.isfinite(errors[:frames]))
        colours[known] = colour_errors(errors[known], scale)
    for frame, status in enumerate(statuses[:frames]):
        if status in STATUS_COLOURS:
            colours[frame] = STATUS_COLOURS[status]
    return colours


def colour_residuals(residual_px: Float[np.ndarray, " rays"]) -> Float32[np.ndarray, "rays 4"]:
    """RGBA of residuals in pixels."""
    return blend_stops(find_scale_place(residual_px, RESIDUAL_PX))


def colour_corner_errors(error_px: Float[np.ndarray, " patches"]) -> Float32[np.ndarray, "patches 4"]:
    """RGBA of corner errors in pixels."""
    return blend_stops(find_scale_place(error_px, CORNER_PX))
