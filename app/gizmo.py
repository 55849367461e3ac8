"""Arrows and rings to drag and turn a camera with: their shape, which one the mouse is on, and what a drag means.

Everything is in the camera's own axes (x right, y down, z forward), as `PerturbPose` wants it.
"""

from __future__ import annotations

from typing import get_args

import numpy as np
from jaxtyping import Float

from app.render.pictures import Gizmo, GizmoPart

PARTS: tuple[GizmoPart, ...] = get_args(GizmoPart)
ARROW_FROM, ARROW_TO, HEAD = 0.2, 1.0, 0.17  # fractions of the gizmo's size: foot, tip and length of the head
RING_RADIUS = 0.72
RING_STEPS = 72

Vector = Float[np.ndarray, "3"]


def axis_index(part: GizmoPart) -> int:
    """0, 1 or 2 for x, y or z."""
    return "xyz".index(part[-1])


def gizmo_centre(gizmo: Gizmo) -> Vector:
    """Of the camera, scene units."""
    rotation, translation = gizmo.pose[:, :3].astype(np.float64), gizmo.pose[:, 3].astype(np.float64)
    return -rotation.T @ translation


def axis_direction(gizmo: Gizmo, part: GizmoPart) -> Vector:
    """The part's axis in the world, a unit vector."""
    return gizmo.pose[axis_index(part), :3].astype(np.float64)


def arrow(gizmo: Gizmo, part: GizmoPart) -> Float[np.ndarray, "2 3"]:
    """Foot and tip in the world."""
    along = gizmo.size * axis_direction(gizmo, part)
    return gizmo_centre(gizmo) + np.array([ARROW_FROM, ARROW_TO])[:, None] * along


def ring(gizmo: Gizmo, part: GizmoPart, steps: int = RING_STEPS) -> Float[np.ndarray, "steps 3"]:
    """Points round the axis in the world, in the sense of a right-handed turn; the last is the first again."""
    first, second = (gizmo.pose[(axis_index(part) + k) % 3, :3].astype(np.float64) for k in (1, 2))
    angles = np.linspace(0, 2 * np.pi, steps)[:, None]
    return gizmo_centre(gizmo) + RING_RADIUS * gizmo.size * (np.cos(angles) * first + np.sin(angles) * second)
