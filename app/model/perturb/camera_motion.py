"""Kicks of a camera: from turns and shifts in its own axes to the twists of `PerturbPose`. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float

from engine.geometry import se3
from engine.geometry.view_camera import centres

Twist = tuple[tuple[float, float, float], tuple[float, float, float]]

SMALLEST_SPREAD = 0.05  # in nearest depths of the scene: initial cameras in one point have no spread of their own


def measure_spread(poses: Float[np.ndarray, "frames 3 4"], near: float = 1.0) -> float:
    """The spread of the cameras: root mean square distance of their centres from the middle, scene units.

    At least `SMALLEST_SPREAD` nearest depths, so that one per cent of it is always a visible motion.
    """
    where = centres(poses)
    found = float(np.sqrt(np.square(where - where.mean(axis=0)).sum(axis=1).mean())) if len(where) else 0.0
    smallest = SMALLEST_SPREAD * near
    return max(found, smallest) if math.isfinite(found) else smallest


def make_motion(rotation_deg: Sequence[float], translation: Sequence[float]) -> Float[np.ndarray, "3 4"]:
    """A turn and a shift of a camera, in its own axes before it moves (x right, y down, z forward).

    Args:
        rotation_deg: rotation vector, degrees: x tilts up, y pans right, z rolls clockwise.
        translation: scene units: right, down, forward.
    """
    vector = torch.tensor([math.radians(angle) for angle in rotation_deg] + [0.0, 0.0, 0.0], dtype=torch.float64)
    turned = se3.exponential(vector).numpy()
    turned[:, 3] = translation
    return turned


def find_twist(moved: Float[np.ndarray, "3 4"]) -> Twist:
    """The twist (rotation vector, translation) of the `PerturbPose` that makes a motion of the camera.

    The engine applies exp(twist) to points in the camera's axes, which is the inverse of the camera's motion.
    """
    vector = se3.logarithm(se3.invert(torch.from_numpy(np.ascontiguousarray(moved, np.float64)))).tolist()
    return (vector[0], vector[1], vector[2]), (vector[3], vector[4], vector[5])


def find_missing_motion(before: Float[np.ndarray, "3 4"], after: Float[np.ndarray, "3 4"]) -> Float[np.ndarray, "3 4"]:
    """The motion that leads from `before` to `after`, in the axes of the camera after `before`."""
    first, second = (torch.from_numpy(np.ascontiguousarray(pose, np.float64)) for pose in (before, after))
    return se3.compose(se3.invert(first), second).numpy()


def draw_random_twist(rotation_sigma_deg: float, translation_sigma: float, seed: int) -> Twist:
    """A random twist of one camera: independent normal components, as `PerturbAll` draws them for all cameras.

    Args:
        rotation_sigma_deg: standard deviation of each component of the rotation vector, degrees.
        translation_sigma: of each component of the translation, scene units.
    """
    noise = np.random.default_rng(seed).standard_normal(6)
    rotation = noise[:3] * math.radians(rotation_sigma_deg)
    shift = noise[3:] * translation_sigma
    return (float(rotation[0]), float(rotation[1]), float(rotation[2])), (
        float(shift[0]),
        float(shift[1]),
        float(shift[2]),
    )
