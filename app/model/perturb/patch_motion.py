"""Moving a patch by numbers: by a chosen amount, or at random. Pure functions.

Corners are in pixels of the whole image: top left, top right, bottom right, bottom left of the patch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from app.model.planar.patch_handles import Corners, Family, is_convex, shift_corners, turn_corners


@dataclass(frozen=True)
class PatchMotion:
    """How a patch is moved.

    Attributes:
        shift: pixels of the image, right and down.
        turn_deg: clockwise about its middle.
        bend: of each corner, pixels right and down, after shift and turn.
    """

    shift: tuple[float, float] = (0.0, 0.0)
    turn_deg: float = 0.0
    bend: tuple[tuple[float, float], ...] = ((0.0, 0.0),) * 4

    def __bool__(self) -> bool:
        return any(self.shift) or self.turn_deg != 0 or any(any(corner) for corner in self.bend)


def move_patch(corners: Corners, motion: PatchMotion, family: Family) -> Corners:
    """The corners after a motion, of which the parts that the family of warps cannot make are left out."""
    found = np.array(corners, np.float64)
    if family != "translation":
        found = turn_corners(found, found.mean(axis=0), math.radians(motion.turn_deg))
    if family != "rotation":
        found = shift_corners(found, np.array(motion.shift))
    if family == "homography":
        for share in (1.0, 0.5, 0.25):  # a large bend of a small patch would fold it over: then less of it
            bent = found + share * np.array(motion.bend)
            if is_convex(bent):
                return bent
    return found


def draw_random_motion(sigma_shift: float, sigma_turn_deg: float, sigma_bend: float, seed: int) -> PatchMotion:
    """A random motion: independent normal components with standard deviations in pixels, degrees and pixels."""
    noise = np.random.default_rng(seed).standard_normal(11)
    bend = (sigma_bend * noise[3:]).reshape(4, 2).tolist()
    return PatchMotion(
        (float(sigma_shift * noise[0]), float(sigma_shift * noise[1])),
        float(sigma_turn_deg * noise[2]),
        tuple((x, y) for x, y in bend),
    )
