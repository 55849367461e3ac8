"""A pinhole camera for Gaussians."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32


@dataclass(frozen=True)
class SplatCamera:
    """A pinhole camera.

    Attributes:
        world_to_camera: `[R|t]`, x right, y down, z forward.
        lens: fx, fy, cx, cy in pixels; pixel centres lie at +0.5.
        width, height: of the picture, pixels.
        nearest: depth up to which Gaussians are not drawn, units of the world.
    """

    world_to_camera: Float32[np.ndarray, "3 4"]
    lens: Float32[np.ndarray, "4"]
    width: int
    height: int
    nearest: float
