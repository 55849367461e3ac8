"""A camera that looks at a scene from anywhere, and how one is made."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32

Vector = Float[np.ndarray, "3"]


@dataclass(frozen=True)
class ViewCamera:
    """From where a picture is looked at: a pinhole camera.

    Attributes:
        world_to_camera: pose.
        focal, centre: pixels of an image of `size`; pixel centres at +0.5.
        size: (width, height). Whoever draws at another size scales the intrinsics.
    """

    world_to_camera: Float32[np.ndarray, "3 4"]
    focal: tuple[float, float]
    centre: tuple[float, float]
    size: tuple[int, int]


def pinhole(pose: Float[np.ndarray, "3 4"], field_of_view: float, size: tuple[int, int]) -> ViewCamera:
    """A camera with square pixels and its axis in the middle; `field_of_view` is vertical, radians."""
    focal = 0.5 * size[1] / math.tan(0.5 * field_of_view)
    return ViewCamera(pose, (focal, focal), (size[0] / 2, size[1] / 2), size)


def unit(vector: Vector) -> Vector:
    """The vector at length 1; a vector without length becomes the z axis."""
    length = float(np.linalg.norm(vector))
    return vector / length if length > 1e-12 else np.array([0.0, 0.0, 1.0])


def find_mean_up(poses: Float[np.ndarray, "frames 3 4"]) -> Vector:
    """Where up is for cameras that were held upright: the mean of minus their y axes."""
    return unit(-poses[:, 1, :3].astype(np.float64).mean(axis=0)) if len(poses) else np.array([0.0, -1.0, 0.0])


def centres(poses: Float[np.ndarray, "frames 3 4"]) -> Float[np.ndarray, "frames 3"]:
    """Camera centres, -R^T t."""
    return -np.einsum("fij,fi->fj", poses[:, :, :3].astype(np.float64), poses[:, :, 3].astype(np.float64))


def look_along(position: Vector, direction: Vector, up: Vector) -> Float[np.ndarray, "3 4"]:
    """The pose of a camera at a position that looks in a direction with `up` above."""
    forward = unit(direction)
    right = np.cross(forward, up)
    if np.linalg.norm(right) < 1e-6:  # straight up or down: any right will do
        right = np.cross(forward, np.eye(3)[np.argmin(np.abs(forward))])
    right = unit(right)
    rotation = np.stack([right, np.cross(forward, right), forward])
    return np.concatenate([rotation, -(rotation @ position)[:, None]], axis=1).astype(np.float32)
