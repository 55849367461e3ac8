"""A pinhole camera for novel views, and functions that make one. OpenCV axes: x right, y down, z forward."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

Vector = Float[np.ndarray, "3"]


@dataclass(frozen=True)
class ViewCamera:
    """A pinhole camera from which a novel view is rendered.

    Attributes:
        world_to_camera: pose `[R|t]`.
        focal: fx, fy, pixels of an image of `size`.
        centre: principal point cx, cy, pixels of an image of `size`; pixel centres at +0.5.
        size: (width, height) in pixels. To render at another size, scale focal and centre.
    """

    world_to_camera: Float32[np.ndarray, "3 4"]
    focal: tuple[float, float]
    centre: tuple[float, float]
    size: tuple[int, int]


def pinhole(pose: Float[np.ndarray, "3 4"], field_of_view: float, size: tuple[int, int]) -> ViewCamera:
    """A camera with square pixels and its principal point in the middle of the image.

    Args:
        pose: world-to-camera.
        field_of_view: vertical, radians, in (0, pi).
        size: (width, height) in pixels.
    """
    focal = 0.5 * size[1] / math.tan(0.5 * field_of_view)
    return ViewCamera(pose, (focal, focal), (size[0] / 2, size[1] / 2), size)


def unit(vector: Vector) -> Vector:
    """The vector scaled to length 1; the z axis for a vector shorter than 1e-12."""
    length = float(np.linalg.norm(vector))
    return vector / length if length > 1e-12 else np.array([0.0, 0.0, 1.0])


def find_mean_up(poses: Float[np.ndarray, "frames 3 4"]) -> Vector:
    """The mean up direction of the cameras in the world, a unit vector: the mean of their negative y axes.

    (0, -1, 0) where there are no cameras.
    """
    return unit(-poses[:, 1, :3].astype(np.float64).mean(axis=0)) if len(poses) else np.array([0.0, -1.0, 0.0])


def centres(poses: Float[np.ndarray, "frames 3 4"]) -> Float[np.ndarray, "frames 3"]:
    """Camera centres in the world, -R^T t, double precision."""
    return -np.einsum("fij,fi->fj", poses[:, :, :3].astype(np.float64), poses[:, :, 3].astype(np.float64))


def look_along(position: Vector, direction: Vector, up: Vector) -> Float[np.ndarray, "3 4"]:
    """The world-to-camera pose of a camera at `position` that looks along `direction`, its -y axis towards `up`.

    Where direction and up are parallel, an arbitrary right axis is chosen. All vectors are in the world.
    """
    forward = unit(direction)
    right = np.cross(forward, up)
    if np.linalg.norm(right) < 1e-6:  # direction and up are parallel
        right = np.cross(forward, np.eye(3)[np.argmin(np.abs(forward))])
    right = unit(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    return np.concatenate([rotation, -(rotation @ position)[:, None]], axis=1).astype(np.float32)
