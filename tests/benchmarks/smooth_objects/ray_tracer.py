"""A small ray tracer of ellipsoids before nothing: highlights, reflections, shadows, and hardly a corner."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

NOWHERE = 1e9
LIGHT = np.array([0.6, 0.3, 0.74])
BOUNCES = 3
ACROSS = 2  # rays of a pixel, and as many down


@dataclass(frozen=True)
class Ellipsoid:
    """A part of an object.

    Attributes:
        centre, radii: along the axes of the world; one radius is that of a ball.
        colour: RGB, 0 to 1.
        mirror: share of the light that it reflects at right angles.
        checks: how much darker every other cell is, 0 to 1.
        cells: of the checks, per unit, times pi.
    """

    centre: tuple[float, float, float]
    radii: tuple[float, float, float] | float
    colour: tuple[float, float, float]
    mirror: float = 0.0
    checks: float = 0.0
    cells: float = 10.0

    def row(self) -> list[float]:
        """As the kernels read it."""
        radii = np.broadcast_to(np.asarray(self.radii, float), 3)
        return [*self.centre, *(1 / radii), *self.colour, self.mirror, self.checks, self.cells]


@numba.njit
def _find_hit(origin, direction, parts):
    nearest, number = NOWHERE, -1
    for index in range(parts.shape[0]):
        along = across = apart = 0.0
        for axis in range(3):
            start = (origin[axis] - parts[index, axis]) * parts[index, 3 + axis]
            step = direction[axis] * parts[index, 3 + axis]
            along += step * step
            across += start * step
            apart += start * start
        inside = across * across - along * (apart - 1)
        if inside > 0:
            distance = (-across - np.sqrt(inside)) / along
            if 1e-3 < distance < nearest:
                nearest, number = distance, index
    return nearest, number


@numba.njit
def _see_surroundings(direction):
    """What shiny things reflect: a sky, two bright windows, a dark floor."""
    if direction[2] < 0:
        return np.array([0.3, 0.3, 0.3])
    if direction[0] * 0.6 + direction[1] * 0.3 + direction[2] * 0.74 > 0.93:
        return np.array([2.2, 2.2, 2.2])
    if -direction[0] * 0.7 + direction[1] * 0.5 + direction[2] * 0.5 > 0.95:
        return np.array([1.8, 1.8, 1.8])
    height = 0.5 * (direction[2] + 1)
    return np.array([0.6 + 0.35 * height, 0.65 + 0.3 * height, 0.75 + 0.25 * height])


@numba.njit
def _trace(origin, direction, parts):
    """Colour along a ray, and whether it hits anything."""
    colour, share, hit = np.zeros(3), 1.0, False
    for bounce in range(BOUNCES):
        distance, number = _find_hit(origin, direction, parts)
        if number < 0:
            if bounce > 0:
                colour += share * _see_surroundings(direction)
            break
        hit = True
        part, point = parts[number], origin + distance * direction
        normal = (point - part[0:3]) * part[3:6] ** 2
        normal /= np.sqrt((normal**2).sum())
        base = part[6:9].copy()
        waves = np.sin(part[11] * (point - part[0:3]) + np.array([0.0, 0.3 * part[11], 0.7 * part[11]]))
        if waves.prod() <= 0:
            base *= 1 - 0.75 * part[10]
        lit = max((normal * LIGHT).sum(), 0.0)
        if _find_hit(point + normal * 1e-3, LIGHT, parts)[1] >= 0:
            lit *= 0.25
        facing = max(-(normal * direction).sum(), 0.0)
        grazing = (1 - facing) ** 5 * (0.4 if part[9] > 0.02 else 0.05)
        reflected = part[9] + (1 - part[9]) * grazing
        colour += share * (1 - reflected) * base * (0.35 + 0.25 * normal[2] + 0.6 * lit)
        share *= reflected
        origin, direction = point + normal * 1e-3, direction + 2 * facing * normal
    return colour, hit


@numba.njit
def _render(camera_to_world, side, focal, parts):
    picture = np.zeros((side, side, 4))
    for row in range(side):
        for column in range(side):
            for ray in range(ACROSS * ACROSS):
                x = (column + (ray % ACROSS + 0.5) / ACROSS - side / 2) / focal
                y = (row + (ray // ACROSS + 0.5) / ACROSS - side / 2) / focal
                direction = camera_to_world[:, 0] * x - camera_to_world[:, 1] * y - camera_to_world[:, 2]
                direction /= np.sqrt((direction**2).sum())
                colour, hit = _trace(camera_to_world[:, 3].copy(), direction, parts)
                if hit:
                    for channel in range(3):
                        picture[row, column, channel] += min(colour[channel], 1.0)
                    picture[row, column, 3] += 1
    return picture / (ACROSS * ACROSS)


def render(
    parts: list[Ellipsoid], camera_to_world: Float[np.ndarray, "3 4"], side: int, focal: float
) -> NDArray[np.uint8]:
    """A square picture, RGBA (side, side, 4), whose transparent pixels show nothing.

    Args:
        parts: of the object.
        camera_to_world: pose with OpenGL's axes (x right, y up, z backwards).
        side: pixels.
        focal: focal length, pixels.
    """
    picture = _render(camera_to_world, side, focal, np.array([part.row() for part in parts]))
    opacity = picture[..., 3:]
    colour = np.where(opacity > 0, picture[..., :3] / np.maximum(opacity, 1e-6), 0)
    return (np.concatenate([colour, opacity], axis=-1) * 255).round().astype(np.uint8)
