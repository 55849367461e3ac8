"""Arrows and rings to move and turn a camera with: their shape, which one is under the mouse, what a drag does.

Everything is in the camera's own axes (x right, y down, z forward), as `PerturbPose` wants it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
from jaxtyping import Float, Float32

from app.model.common.pictures import Gizmo, GizmoPart
from app.model.common.view_rays import find_ray, measure_distances_to_segments
from engine.geometry.view_camera import ViewCamera

PARTS: tuple[GizmoPart, ...] = get_args(GizmoPart)
Vector = Float[np.ndarray, "3"]


@dataclass(frozen=True)
class GizmoShape:
    """Lengths are fractions of the gizmo's size.

    Attributes:
        foot, tip: of the arrows, from the camera's centre; the middle is left free for the camera itself.
        head: length of the arrow heads.
        radius: of the rings.
        steps: points of a ring.
        reach: pixels from a part within which it is under the mouse.
        far_penalty: pixels that are added to the distance of the far half of a ring, so that what lies before it is
            taken first.
        edge_on: sine of the angle between a ring and the line of sight below which the ring is seen too thin to be
            turned in its plane; it is then pulled along its tangent.
    """

    foot: float = 0.2
    tip: float = 1.0
    head: float = 0.17
    radius: float = 0.72
    steps: int = 72
    reach: float = 9.0
    far_penalty: float = 4.0
    edge_on: float = 0.2


SHAPE = GizmoShape()


def get_axis_index(part: GizmoPart) -> int:
    """0, 1 or 2 for x, y or z."""
    return "xyz".index(part[-1])


def is_ring(part: GizmoPart) -> bool:
    """Whether the part is a ring."""
    return part.startswith("turn")


def find_gizmo_centre(gizmo: Gizmo) -> Vector:
    """The centre of the camera, scene units."""
    rotation, translation = gizmo.pose[:, :3].astype(np.float64), gizmo.pose[:, 3].astype(np.float64)
    return -rotation.T @ translation


def find_axis_direction(gizmo: Gizmo, part: GizmoPart) -> Vector:
    """The part's axis in the world, a unit vector."""
    return gizmo.pose[get_axis_index(part), :3].astype(np.float64)


def make_arrow(gizmo: Gizmo, part: GizmoPart) -> Float[np.ndarray, "2 3"]:
    """Foot and tip in the world."""
    along = gizmo.size * find_axis_direction(gizmo, part)
    return find_gizmo_centre(gizmo) + np.array([SHAPE.foot, SHAPE.tip])[:, None] * along


def make_ring(gizmo: Gizmo, part: GizmoPart, steps: int = SHAPE.steps) -> Float[np.ndarray, "steps 3"]:
    """Points of the ring round an axis in the world, counter-clockwise about it; the last is the first again."""
    first, second = (gizmo.pose[(get_axis_index(part) + k) % 3, :3].astype(np.float64) for k in (1, 2))
    angles = np.linspace(0, 2 * np.pi, steps)[:, None]
    return find_gizmo_centre(gizmo) + SHAPE.radius * gizmo.size * (np.cos(angles) * first + np.sin(angles) * second)


def find_part_at(gizmo: Gizmo, camera: ViewCamera, x: float, y: float) -> GizmoPart | None:
    """The part under a pixel of the view, within `SHAPE.reach`; the nearest on screen where there are several."""
    viewer, _ = find_ray(camera, x, y)
    towards = viewer - find_gizmo_centre(gizmo)
    apart: dict[GizmoPart, float] = {}
    for part in PARTS:
        points = make_ring(gizmo, part) if is_ring(part) else make_arrow(gizmo, part)
        distance, _ = measure_distances_to_segments(camera, points[:-1], points[1:], x, y)
        if is_ring(part):
            behind = (points[:-1] - find_gizmo_centre(gizmo)) @ towards < 0
            distance = distance + SHAPE.far_penalty * behind
        apart[part] = float(distance.min())
    nearest = min(PARTS, key=lambda part: apart[part])
    return nearest if apart[nearest] <= SHAPE.reach else None


def project_ray_on_axis(centre: Vector, axis: Vector, origin: Vector, direction: Vector) -> float | None:
    """Where a line through `centre` comes nearest to a ray, in multiples of `axis`; None for parallel ones."""
    cosine = float(axis @ direction)
    sine_squared = 1.0 - cosine * cosine
    if sine_squared < 1e-4:
        return None
    apart = origin - centre
    return float(apart @ axis - cosine * (apart @ direction)) / sine_squared


def find_angle_in_plane(
    centre: Vector, axes: Float[np.ndarray, "3 3"], origin: Vector, direction: Vector
) -> float | None:
    """The angle at which a ray meets the plane through `centre` across the first of three axes, from the second
    towards the third; None where it does not meet it before the viewer."""
    slope = float(axes[0] @ direction)
    if abs(slope) < 1e-9:
        return None
    far = float(axes[0] @ (centre - origin)) / slope
    if far <= 0:
        return None
    met = origin + far * direction - centre
    return math.atan2(float(axes[2] @ met), float(axes[1] @ met))


@dataclass(frozen=True)
class Drag:
    """A drag of one part.

    Attributes:
        gizmo: as it was when the drag began.
        part: that is dragged.
        held: where on the part the mouse last was: scene units along an arrow, radians round a ring.
        amount: the motion since the drag began: scene units or radians, right-handed about the camera's axis.
        tangent: for a ring seen edge on, the direction in the world along which it is pulled.
    """

    gizmo: Gizmo
    part: GizmoPart
    held: float
    amount: float = 0.0
    tangent: tuple[float, float, float] | None = None

    def to(self, camera: ViewCamera, x: float, y: float) -> Drag:
        """The drag with the mouse at another pixel; unchanged where the ray through it misses the ring's plane."""
        place = _find_place(self.gizmo, self.part, self.tangent, camera, x, y)
        if place is None:
            return self
        change = place - self.held
        if is_ring(self.part) and self.tangent is None:
            change = math.remainder(change, math.tau)  # many turns add up
        return replace(self, held=place, amount=self.amount + change)

    @property
    def pose(self) -> Float32[np.ndarray, "3 4"]:
        """The dragged pose of the camera."""
        return move_pose(self.gizmo.pose, *make_twist(self.part, self.amount))


def grab_part(gizmo: Gizmo, part: GizmoPart, camera: ViewCamera, x: float, y: float) -> Drag | None:
    """Begins a drag of a part at a pixel; None where the ray through it misses the ring's plane."""
    tangent = None
    if is_ring(part):
        origin, _ = find_ray(camera, x, y)
        axis, centre = find_axis_direction(gizmo, part), find_gizmo_centre(gizmo)
        towards = (centre - origin) / max(float(np.linalg.norm(centre - origin)), 1e-12)
        if abs(float(axis @ towards)) < SHAPE.edge_on:
            # pulled along the tangent at the point of the ring that is nearest to the viewer
            pulled = np.cross(axis, -towards)
            a, b, c = (pulled / np.linalg.norm(pulled)).tolist()
            tangent = (a, b, c)
    place = _find_place(gizmo, part, tangent, camera, x, y)
    return None if place is None else Drag(gizmo, part, place, tangent=tangent)


def make_twist(part: GizmoPart, amount: float) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Rotation vector and translation of the `PerturbPose` that moves the camera along, or turns it round, its axis.

    `PerturbPose` is applied to points in the camera's axes: a camera that moves right has them move left.
    """
    x, y, z = (-amount if axis == get_axis_index(part) else 0.0 for axis in range(3))
    nothing = (0.0, 0.0, 0.0)
    return ((x, y, z), nothing) if is_ring(part) else (nothing, (x, y, z))


def move_pose(
    pose: Float32[np.ndarray, "3 4"], rotation: tuple[float, float, float], translation: tuple[float, float, float]
) -> Float32[np.ndarray, "3 4"]:
    """A pose after a rotation round one axis or a translation, both in the camera's axes."""
    angle = math.dist(rotation, (0, 0, 0))
    x, y, z = np.array(rotation) / angle if angle > 0 else np.zeros(3)
    cross = np.array([(0, -z, y), (z, 0, -x), (-y, x, 0)])
    turn = np.eye(3) + math.sin(angle) * cross + (1 - math.cos(angle)) * cross @ cross
    changed = turn @ pose.astype(np.float64)
    changed[:, 3] += translation
    return changed.astype(np.float32)


def _find_place(
    gizmo: Gizmo, part: GizmoPart, tangent: tuple[float, float, float] | None, camera: ViewCamera, x: float, y: float
) -> float | None:
    """The place on a part under a pixel: scene units along an arrow, radians round a ring."""
    origin, direction = find_ray(camera, x, y)
    centre = find_gizmo_centre(gizmo)
    if not is_ring(part):
        return project_ray_on_axis(centre, find_axis_direction(gizmo, part), origin, direction)
    radius = SHAPE.radius * gizmo.size
    if tangent is not None:
        nearest = centre + radius * np.cross(np.array(tangent), find_axis_direction(gizmo, part))
        along = project_ray_on_axis(nearest, np.array(tangent), origin, direction)
        return None if along is None else along / radius
    axes = np.stack([gizmo.pose[(get_axis_index(part) + k) % 3, :3].astype(np.float64) for k in range(3)])
    return find_angle_in_plane(centre, axes, origin, direction)
