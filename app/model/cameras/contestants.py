"""The cameras of several runs in one world, a colour each. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Float32

from app.model.cameras.drawn_reference import (
    Gauge,
    chain_gauges,
    find_drawing_gauge,
    invert_gauge,
    move_poses,
)
from app.model.common.pictures import CameraSet

Poses = Float[np.ndarray, "frames 3 4"]
OPACITY = 0.9


def read_colour(colour: str, opacity: float = OPACITY) -> tuple[float, float, float, float]:
    """RGBA in [0, 1] of a colour such as `#56b4e9`."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue, opacity


def colour_all(frames: int, colour: str) -> Float32[np.ndarray, "frames 4"]:
    """One colour for all frusta."""
    return np.tile(np.array(read_colour(colour), np.float32), (frames, 1))


def place_contestants(fitted: Poses, others: Sequence[tuple[Poses, str]], reference: Poses | None) -> CameraSet | None:
    """The cameras of the other contestants, in the world of the one that is shown; None where there are none.

    Where the scene has reference poses both worlds are aligned to them, as each draws its reference: cameras that
    agree with the reference agree with each other. Else one world is aligned to the other.

    Args:
        fitted: poses of the training frames of the run that is shown.
        others: of each other contestant, poses of the same frames, and its colour.
        reference: of these frames, NaN where there is none, or None.
    """
    poses, colours = [], []
    for own, colour in others:
        if own.shape != fitted.shape:
            continue  # frames have joined one run and not yet the other
        gauge = find_gauge_between(own, fitted, reference)
        if gauge is not None:
            poses.append(move_poses(own, gauge))
            colours.append(colour_all(len(own), colour))
    return CameraSet(np.concatenate(poses), np.concatenate(colours)) if poses else None


def find_gauge_between(own: Poses, fitted: Poses, reference: Poses | None) -> Gauge | None:
    """From one contestant's world to another's; None where no pose is finite. Arguments as in `place_contestants`."""
    if reference is not None:
        mine, theirs = find_drawing_gauge(reference, own), find_drawing_gauge(reference, fitted)
        if mine is not None and theirs is not None:
            return chain_gauges(invert_gauge(mine), theirs)
    return find_drawing_gauge(own, fitted)
