"""Pixels of a view and points of its scene: rays through pixels, points on screen. Pure functions."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from engine.geometry.view_camera import ViewCamera, centres

Vector = Float[np.ndarray, "3"]
NEAREST = 1e-6  # depth in scene units below which a point counts as behind the viewer


def find_ray(camera: ViewCamera, x: float, y: float) -> tuple[Vector, Vector]:
    """Origin and unit direction, in the world, of the ray through a pixel."""
    rotation = camera.world_to_camera[:, :3].astype(np.float64)
    (fx, fy), (cx, cy) = camera.focal, camera.centre
    direction = np.array([(x - cx) / fx, (y - cy) / fy, 1.0]) @ rotation
    return centres(camera.world_to_camera[None])[0], direction / np.linalg.norm(direction)


def transform_to_view(camera: ViewCamera, points: Float[np.ndarray, "*points 3"]) -> Float[np.ndarray, "*points 3"]:
    """Points of the world in the viewer's axes."""
    pose = camera.world_to_camera.astype(np.float64)
    return points @ pose[:, :3].T + pose[:, 3]


def project_to_screen(camera: ViewCamera, seen: Float[np.ndarray, "*points 3"]) -> Float[np.ndarray, "*points 2"]:
    """Pixels of points in the viewer's axes; their depth must be positive."""
    return seen[..., :2] / seen[..., 2:] * np.array(camera.focal) + np.array(camera.centre)


def measure_distances_to_segments(
    camera: ViewCamera,
    starts: Float[np.ndarray, "*segments 3"],
    ends: Float[np.ndarray, "*segments 3"],
    x: float,
    y: float,
) -> tuple[Float[np.ndarray, "*segments"], Float[np.ndarray, "*segments"]]:
    """How far, in pixels, segments of the world pass from a pixel, and how deep they are there.

    Parts behind the viewer are left out: both are infinite where all of a segment lies behind the viewer, and where it
    is not finite.
    """
    first, last = transform_to_view(camera, starts), transform_to_view(camera, ends)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        change = last[..., 2] - first[..., 2]
        share = np.clip((NEAREST - first[..., 2]) / change, 0.0, 1.0)[..., None]  # where it crosses the viewer's plane
        crossing = first + share * (last - first)
        crossing[..., 2] = NEAREST
        a = np.where(first[..., 2:] > NEAREST, first, crossing)
        b = np.where(last[..., 2:] > NEAREST, last, crossing)
        a_pixel, b_pixel = project_to_screen(camera, a), project_to_screen(camera, b)
        way = b_pixel - a_pixel
        squared = (way**2).sum(axis=-1)
        along = np.clip(((np.array([x, y]) - a_pixel) * way).sum(axis=-1) / np.maximum(squared, 1e-12), 0.0, 1.0)
        apart = np.linalg.norm(a_pixel + along[..., None] * way - np.array([x, y]), axis=-1)
        depth = 1 / ((1 - along) / a[..., 2] + along / b[..., 2])  # inverse depth is linear on screen
    seen = ((first[..., 2] > NEAREST) | (last[..., 2] > NEAREST)) & np.isfinite(apart)
    return np.where(seen, apart, np.inf), np.where(seen, depth, np.inf)
