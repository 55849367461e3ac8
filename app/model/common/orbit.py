"""Cameras that the mouse moves: round a target, or freely through the scene. Frozen values; no GUI, no OpenGL."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Float

from engine.geometry.view_camera import Vector, ViewCamera, centres, look_along, pinhole, unit


@dataclass(frozen=True)
class OrbitLimits:
    """Attributes:
    steepest: elevation in radians, at most: at 90 degrees, looking along `up`, left and right are undefined.
    zoom_per_notch: factor of the distance for one notch of the wheel.
    nearest, farthest: distance to the target, scene units.
    margin: factor of the distance by which a view of all points is farther away than it must be.
    """

    steepest: float = math.radians(89.0)
    zoom_per_notch: float = 1.15
    nearest: float = 1e-4
    farthest: float = 1e6
    margin: float = 1.15


LIMITS = OrbitLimits()


@dataclass(frozen=True)
class OrbitCamera:
    """A camera that looks at a target.

    Attributes:
        target: scene units.
        distance: from the target, scene units, > 0.
        azimuth, elevation: radians; azimuth turns round `up` from `ahead`, elevation is above the horizon.
        up, ahead: unit vectors, at right angles.
        field_of_view: vertical, radians.
    """

    target: tuple[float, float, float] = (0.0, 0.0, 0.0)
    distance: float = 5.0
    azimuth: float = math.radians(-35.0)
    elevation: float = math.radians(25.0)
    up: tuple[float, float, float] = (0.0, -1.0, 0.0)
    ahead: tuple[float, float, float] = (0.0, 0.0, 1.0)
    field_of_view: float = math.radians(45.0)

    @property
    def direction(self) -> Vector:
        """Unit vector from the camera to the target."""
        up, ahead = np.array(self.up), np.array(self.ahead)
        level = math.cos(self.azimuth) * ahead + math.sin(self.azimuth) * np.cross(up, ahead)
        return math.cos(self.elevation) * level - math.sin(self.elevation) * up

    @property
    def position(self) -> Vector:
        return np.array(self.target) - self.distance * self.direction

    @property
    def pose(self) -> Float[np.ndarray, "3 4"]:
        """World-to-camera."""
        return look_along(self.position, self.direction, np.array(self.up))

    def view(self, size: tuple[int, int]) -> ViewCamera:
        """The camera for a picture of (width, height) pixels."""
        return pinhole(self.pose, self.field_of_view, size)

    def turned(self, right: float, down: float) -> OrbitCamera:
        """Turned round the target by radians: the scene follows the mouse."""
        elevation = min(max(self.elevation + down, -LIMITS.steepest), LIMITS.steepest)
        return replace(self, azimuth=math.remainder(self.azimuth + right, math.tau), elevation=elevation)

    def panned(self, right: float, down: float, height: int) -> OrbitCamera:
        """Moved by a drag of (`right`, `down`) pixels in a view of `height` pixels: the target follows the mouse."""
        rotation = self.pose[:, :3].astype(np.float64)
        per_pixel = 2 * self.distance * math.tan(0.5 * self.field_of_view) / max(height, 1)
        moved = np.array(self.target) - per_pixel * (right * rotation[0] + down * rotation[1])
        return replace(self, target=_triple(moved))

    def zoomed(self, notches: float) -> OrbitCamera:
        """Moved nearer by notches of the wheel; farther where negative."""
        distance = self.distance * LIMITS.zoom_per_notch**-notches
        return replace(self, distance=min(max(distance, LIMITS.nearest), LIMITS.farthest))

    def framing(self, points: Float[np.ndarray, "points 3"], up: Vector, ahead: Vector) -> OrbitCamera:
        """The same angles about the axes `up` and `ahead`, at a distance from which all finite points are seen."""
        up = unit(up)
        level = unit(ahead - (ahead @ up) * up)
        points = points[np.isfinite(points).all(axis=1)]
        if not len(points):
            return replace(self, up=_triple(up), ahead=_triple(level))
        middle = (points.min(axis=0) + points.max(axis=0)) / 2
        radius = max(float(np.linalg.norm(points - middle, axis=1).max()), 1e-3)
        distance = LIMITS.margin * radius / math.sin(0.5 * self.field_of_view)
        return replace(self, target=_triple(middle), distance=distance, up=_triple(up), ahead=_triple(level))


@dataclass(frozen=True)
class FlyCamera:
    """A camera that flies freely: it turns with the mouse and moves with W A S D Q E along its own axes."""

    pose: Float[np.ndarray, "3 4"] = field(default_factory=lambda: np.eye(3, 4, dtype=np.float32))
    up: tuple[float, float, float] = (0.0, -1.0, 0.0)
    field_of_view: float = math.radians(45.0)

    @property
    def position(self) -> Vector:
        return centres(self.pose[None])[0]

    def view(self, size: tuple[int, int]) -> ViewCamera:
        """The camera for a picture of (width, height) pixels."""
        return pinhole(self.pose, self.field_of_view, size)

    def moved(self, right: float, down: float, forward: float) -> FlyCamera:
        """Moved by scene units along its own axes."""
        pose = self.pose.copy()
        pose[:, 3] -= np.array([right, down, forward], np.float32)
        return replace(self, pose=pose)

    def turned(self, right: float, down: float) -> FlyCamera:
        """Turned by radians about `up` and its own x axis; the horizon stays level, and elevation below `steepest`."""
        up = np.array(self.up)
        forward = self.pose[2, :3].astype(np.float64)
        elevation = math.asin(min(max(float(forward @ up), -1.0), 1.0))
        level = unit(forward - (forward @ up) * up)
        side = np.cross(level, up)
        level = math.cos(right) * level + math.sin(right) * side
        elevation = min(max(elevation - down, -LIMITS.steepest), LIMITS.steepest)
        direction = math.cos(elevation) * level + math.sin(elevation) * up
        return replace(self, pose=look_along(self.position, direction, up))


def _triple(vector: Vector) -> tuple[float, float, float]:
    return float(vector[0]), float(vector[1]), float(vector[2])
