"""Knocking a patch off by numbers: by so much, or at random. Pure.

Corners are in pixels of the whole image: top left, top right, bottom right, bottom left of the patch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from app.model.planar.patch_handles import Corners, Family, convex, moved, turned
from engine.messages import PerturbPatch


@dataclass(frozen=True)
class Knock:
    """How a patch is moved.

    Attributes:
        shift: pixels of the image, right and down.
        turn_deg: clockwise about its middle.
        bend: pixels by which each corner is moved besides.
    """

    shift: tuple[float, float] = (0.0, 0.0)
    turn_deg: float = 0.0
    bend: tuple[tuple[float, float], ...] = ((0.0, 0.0),) * 4

    def __bool__(self) -> bool:
        return any(self.shift) or self.turn_deg != 0 or any(any(corner) for corner in self.bend)


def knocked(corners: Corners, knock: Knock, family: Family) -> Corners:
    """Where a knock puts the corners, with what the family of warps does not know left out."""
    found = np.array(corners, np.float64)
    if family != "translation":
        found = turned(found, found.mean(axis=0), math.radians(knock.turn_deg))
    if family != "rotation":
        found = moved(found, np.array(knock.shift))
    if family == "homography":
        for share in (1.0, 0.5, 0.25):  # a small patch, a large knock: never folded over
            bent = found + share * np.array(knock.bend)
            if convex(bent):
                return bent
    return found


def random_knock(sigma_shift: float, sigma_turn_deg: float, sigma_bend: float, seed: int) -> Knock:
    """Seeded noise: independent normal components of these standard deviations (pixels, degrees, pixels)."""
    noise = np.random.default_rng(seed).standard_normal(11)
    bend = (sigma_bend * noise[3:]).reshape(4, 2).tolist()
    return Knock(
        (float(sigma_shift * noise[0]), float(sigma_shift * noise[1])),
        float(sigma_turn_deg * noise[2]),
        tuple((x, y) for x, y in bend),
    )


def command(patch: int, corners: Float[np.ndarray, "4 2"]) -> PerturbPatch:
    """What the engine is told."""
    first, second, third, fourth = ((float(x), float(y)) for x, y in corners)
    return PerturbPatch(patch, (first, second, third, fourth))
