"""The handles of a patch (corners, body, knob to turn it), and where its corners go in a drag. Pure functions.

Corners are in pixels of the whole image: top left, top right, bottom right, bottom left of the patch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from app.model.common.plane_view import PlaneView
from engine.messages import PerturbPatch

Part = Literal["top left", "top right", "bottom right", "bottom left", "turn", "body"]
Family = Literal["translation", "rotation", "rigid", "homography"]
CORNERS: tuple[Part, ...] = ("top left", "top right", "bottom right", "bottom left")
Corners = Float[np.ndarray, "4 2"]
Point = Float[np.ndarray, "2"]
Size = tuple[int, int]


@dataclass(frozen=True)
class HandleShape:
    """Attributes:
    reach: pixels of the screen around a corner or the knob within which it is under the mouse.
    stalk: pixels of the screen from the middle of the upper edge to the knob.
    bisections: of the search for how far a corner can move: 20 are exact to a millionth of the way.
    """

    reach: float = 10.0
    stalk: float = 26.0
    bisections: int = 20


SHAPE = HandleShape()


def place_knob(corners: Corners, view: PlaneView, size: Size) -> tuple[Point, Point]:
    """Foot and head of the knob, pixels of the pane: outwards from the middle of the patch's upper edge."""
    screen = view.on_screen(corners, size)
    foot = (screen[0] + screen[1]) / 2
    outwards = foot - screen.mean(axis=0)
    length = float(np.linalg.norm(outwards))
    return foot, foot + SHAPE.stalk * (outwards / length if length > 1e-6 else np.array([0.0, -1.0]))


def find_part_at(corners: Corners, view: PlaneView, size: Size, at: tuple[float, float]) -> Part | None:
    """The part of a patch at a pixel of the pane: corners come before the knob, the knob before the body; or None."""
    place = np.array(at)
    apart = np.linalg.norm(view.on_screen(corners, size) - place, axis=1)
    if apart.min() <= SHAPE.reach:
        return CORNERS[int(apart.argmin())]
    if np.linalg.norm(place_knob(corners, view, size)[1] - place) <= SHAPE.reach:
        return "turn"
    return "body" if is_inside(corners, view.in_image(place, size)) else None


def make_perturb_command(patch: int, corners: Corners, gesture: int | None = None) -> PerturbPatch:
    """The command that puts the corners of a patch there, as part of a gesture."""
    first, second, third, fourth = ((float(x), float(y)) for x, y in corners)
    return PerturbPatch(patch, (first, second, third, fourth), gesture)


def is_inside(corners: Corners, point: Point) -> bool:
    """Whether a point lies in a quadrilateral (even-odd rule)."""
    ends = np.roll(corners, -1, axis=0)
    crosses = (corners[:, 1] > point[1]) != (ends[:, 1] > point[1])
    with np.errstate(divide="ignore", invalid="ignore"):
        at = corners[:, 0] + (point[1] - corners[:, 1]) / (ends[:, 1] - corners[:, 1]) * (ends[:, 0] - corners[:, 0])
    return bool((crosses & (point[0] < at)).sum() % 2)


def find_patch_at(outlines: Float[np.ndarray, "patches 4 2"], point: Point) -> int | None:
    """Index of the patch under a point of the image, of several that whose middle is nearest; or None."""
    found = [index for index, corners in enumerate(outlines) if is_inside(corners, point)]
    return min(found, key=lambda index: float(np.linalg.norm(outlines[index].mean(axis=0) - point)), default=None)


@dataclass(frozen=True)
class Drag:
    """A drag of a part of a patch.

    Attributes:
        part: that is dragged.
        family: of the warps that are fitted.
        start: the corners when the drag began.
        grabbed: pixel of the image where the mouse was then.
        corners: now.
    """

    part: Part
    family: Family
    start: Corners
    grabbed: Point
    corners: Corners

    def to(self, point: Point) -> Drag:
        """The drag with the mouse at another pixel of the image."""
        return Drag(self.part, self.family, self.start, self.grabbed, self._moved(point))

    def _moved(self, point: Point) -> Corners:
        if self.family == "translation" or (self.part == "body" and self.family != "rotation"):
            return shift_corners(self.start, point - self.grabbed)
        if self.family == "rotation" or self.part == "turn":
            return turn_corners_towards(self.start, self.start.mean(axis=0), self.grabbed, point)
        corner = CORNERS.index(self.part)
        if self.family == "rigid":
            return turn_corners_towards(self.start, self.start[(corner + 2) % 4], self.grabbed, point)
        return move_corner(self.start, corner, self.start[corner] + point - self.grabbed)


def grab_part(part: Part, family: Family, corners: Corners, point: Point) -> Drag:
    """Begins a drag of a part with the mouse at a pixel of the image.

    A corner follows the mouse where homographies are fitted; a rigid patch turns about the opposite corner. Where only
    translations, or only rotations, are fitted, every part makes those.
    """
    start = np.array(corners, np.float64)
    return Drag(part, family, start, np.array(point, np.float64), start)


def shift_corners(corners: Corners, by: Point) -> Corners:
    """All four corners shifted by the same pixels."""
    return corners + by


def turn_corners(corners: Corners, about: Point, angle: float) -> Corners:
    """Turned about a pixel of the image by an angle in radians, clockwise on the screen."""
    cosine, sine = math.cos(angle), math.sin(angle)
    return (corners - about) @ np.array([[cosine, sine], [-sine, cosine]]) + about


def turn_corners_towards(corners: Corners, about: Point, before: Point, after: Point) -> Corners:
    """Turned about a pixel by the angle between two places of the mouse, seen from it."""
    first, second = before - about, after - about
    if min(np.linalg.norm(first), np.linalg.norm(second)) < 1e-6:
        return corners
    angle = math.atan2(second[1], second[0]) - math.atan2(first[1], first[0])
    return turn_corners(corners, about, angle)


def move_corner(corners: Corners, corner: int, place: Point) -> Corners:
    """One corner moved to a place, or as far towards it as the quadrilateral stays convex.

    A homography cannot fold a patch over.
    """
    reached, missed = 0.0, 1.0
    found = corners.copy()
    found[corner] = place
    if is_convex(found):
        return found
    for _ in range(SHAPE.bisections):
        middle = (reached + missed) / 2
        found[corner] = corners[corner] + middle * (place - corners[corner])
        reached, missed = (middle, missed) if is_convex(found) else (reached, middle)
    found[corner] = corners[corner] + reached * (place - corners[corner])
    return found


def is_convex(corners: Corners, least: float = 0.02) -> bool:
    """Whether a quadrilateral is convex and clockwise on the screen.

    The cross products of successive edges must all exceed the share `least` of the largest.
    """
    edges = np.roll(corners, -1, axis=0) - corners
    following = np.roll(edges, -1, axis=0)
    crosses = edges[:, 0] * following[:, 1] - edges[:, 1] * following[:, 0]
    return bool(crosses.min() > least * max(float(np.abs(crosses).max()), 1e-9))
