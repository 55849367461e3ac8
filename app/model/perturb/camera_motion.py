"""Moving a camera by hand: from turns and shifts in its own axes to the engine's twists. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float

from engine.geometry import se3
from engine.geometry.view_camera import centres

Twist = tuple[tuple[float, float, float], tuple[float, float, float]]

SMALLEST_SPREAD = 0.05  # of the nearest depth: cameras that all still stand on one spot have no spread of their own


def measure_spread(poses: Float[np.ndarray, "frames 3 4"], near: float = 1.0) -> float:
    """How far the cameras stand apart: the root mean square distance of their centres to the middle, scene units.

    Never less than a twentieth of the nearest depth of the scene, so that a per cent of it always moves something.
    """
    where = centres(poses)
    found = float(np.sqrt(np.square(where - where.mean(axis=0)).sum(axis=1).mean())) if len(where) else 0.0
    smallest = SMALLEST_SPREAD * near
    return max(found, smallest) if math.isfinite(found) else smallest


def make_motion(rotation_deg: Sequence[float], translation: Sequence[float]) -> Float[np.ndarray, "3 4"]:
    """Where a camera goes, in its own axes before it moved (x right, y down, z forward): turned, and shifted.

    Args:
        rotation_deg: rotation vector, degrees: x tilts up, y pans right, z rolls clockwise.
        translation: scene units: right, down, forward.
    """
    vector = torch.tensor([math.radians(angle) for angle in rotation_deg] + [0.0, 0.0, 0.0], dtype=torch.float64)
    turned = se3.exponential(vector).numpy()
    turned[:, 3] = translation
    return turned


def find_twist(moved: Float[np.ndarray, "3 4"]) -> Twist:
    """The twist that `PerturbPose` needs so that the camera makes this motion.

    The engine applies exp(twist) to the points in front of the camera, which is the camera's motion undone.
    """
    vector = se3.logarithm(se3.invert(torch.from_numpy(np.ascontiguousarray(moved, np.float64)))).tolist()
    return (vector[0], vector[1], vector[2]), (vector[3], vector[4], vector[5])


def find_missing_motion(before: Float[np.ndarray, "3 4"], after: Float[np.ndarray, "3 4"]) -> Float[np.ndarray, "3 4"]:
    """The motion that is still missing when `before` was made and `after` is wanted, in the axes reached."""
    first, second = (torch.from_numpy(np.ascontiguousarray(pose, np.float64)) for pose in (before, after))
    return se3.compose(se3.invert(first), second).numpy()


def draw_random_twist(rotation_sigma_deg: float, translation_sigma: float, seed: int) -> Twist:
    """Seeded noise for one camera: independent normal components, as the engine's own for all of them."""
    noise = np.random.default_rng(seed).standard_normal(6)
    rotation = noise[:3] * math.radians(rotation_sigma_deg)
    shift = noise[3:] * translation_sigma
    return (float(rotation[0]), float(rotation[1]), float(rotation[2])), (
        float(shift[0]),
        float(shift[1]),
        float(shift[2]),
    )
