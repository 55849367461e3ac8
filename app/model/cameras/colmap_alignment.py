"""COLMAP's sparse model brought into the world of a run. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, UInt8

from app.model.cameras.drawn_reference import (
    Gauge,
    chain_gauges,
    find_drawing_gauge,
    fit_gauge_to_centres,
    move_points,
    move_poses,
)
from app.model.common.pictures import CameraSet, PointCloud
from engine.geometry.view_camera import centres
from engine.sfm.events import Mapped

COLMAP = (0.38, 0.65, 0.98, 0.95)  # of its cameras
SURFACE = (0.60, 0.66, 0.74, 1.0)  # of its mesh
UNCOLOURED = (0.62, 0.74, 0.92, 0.9)  # of its points before COLMAP has given them colours

Poses = Float[np.ndarray, "frames 3 4"]


@dataclass(frozen=True)
class PointLimits:
    """Which of COLMAP's points are used and drawn.

    Attributes:
        most: points that are drawn, at most.
        near_share: share of the points that lie nearer than the scene's nearest depth; it sets the model's size where
            there is no reference.
        farthest: points farther from the median point than so many median distances are outliers and not drawn.
        darkest: brightness in [0, 1] that black points are lifted to, so that they are seen on the dark ground.
    """

    most: int = 4000
    near_share: float = 0.05
    farthest: float = 6.0
    darkest: float = 0.18


LIMITS = PointLimits()


@dataclass(frozen=True)
class PlacedModel:
    """A model in the world of a run, as it is drawn.

    Attributes:
        cameras: of its photos, in the order of the model's `frames`.
        points: some of its points.
        placing: takes homogeneous points of its world to the world of the run.
    """

    cameras: CameraSet
    points: PointCloud
    placing: Float32[np.ndarray, "4 4"]


def place_model(
    model: Mapped,
    training_frames: tuple[int, ...],
    fitted: Poses,
    reference: Float[np.ndarray, "all 3 4"] | None,
    near: float,
) -> PlacedModel | None:
    """A model in the world of a run; for the arguments see `find_gauge_of_model`."""
    gauge = find_gauge_of_model(model, training_frames, fitted, reference, near)
    if gauge is None:
        return None
    chosen = choose_points(model.points)
    points = move_points(model.points[chosen], gauge).astype(np.float32)
    placing = np.eye(4, dtype=np.float32)
    placing[:3] = np.concatenate([gauge.scale * gauge.turn, gauge.shift[:, None]], axis=1)
    colours = np.tile(np.array(COLMAP, np.float32), (len(model.poses), 1))
    return PlacedModel(
        CameraSet(move_poses(model.poses, gauge), colours),
        PointCloud(points, make_point_colours(model.colours[chosen])),
        placing,
    )


def find_gauge_of_model(
    model: Mapped,
    training_frames: tuple[int, ...],
    fitted: Poses,
    reference: Float[np.ndarray, "all 3 4"] | None,
    near: float,
) -> Gauge | None:
    """The similarity that brings COLMAP's world into that of the fitted cameras; None where they share no photo.

    Where the scene has reference poses the model is aligned to them, and drawn where they are drawn. Else it is
    scaled by the scene's nearest depth (the scale of COLMAP's world is arbitrary) and then aligned to the fitted
    cameras as a reference would be.

    Args:
        model: whose photos are numbered as the frames of the scene.
        training_frames: of the scene.
        fitted: poses of the training frames.
        reference: poses of all frames of the scene, NaN where there is none, or None.
        near: nearest depth of the scene, scene units.
    """
    place = {frame: index for index, frame in enumerate(model.frames)}
    common = [(place[frame], index) for index, frame in enumerate(training_frames) if frame in place]
    if not common:
        return None
    if reference is not None:
        targets = reference[list(model.frames)]
        known = np.isfinite(targets).all(axis=(1, 2))
        onto = fit_gauge_to_centres(centres(model.poses[known].astype(np.float64)), centres(targets[known]))
        drawn = find_drawing_gauge(reference[list(training_frames)], fitted)
        if onto is not None and drawn is not None:
            return chain_gauges(onto, drawn)
    rows, columns = map(list, zip(*common, strict=True))
    sized = Gauge(measure_model_size(model, near), np.eye(3), np.zeros(3))
    onto = find_drawing_gauge(move_poses(model.poses[rows], sized), fitted[columns])
    return None if onto is None else chain_gauges(sized, onto)


def measure_model_size(model: Mapped, near: float) -> float:
    """The factor at which the nearest points of a model lie at the nearest depth of the scene."""
    seen = np.einsum("fj,pj->fp", model.poses[:, 2, :3], model.points) + model.poses[:, 2, 3:]
    depths = seen[seen > 0]
    return near / float(np.quantile(depths, LIMITS.near_share)) if len(depths) else 1.0


def choose_points(points: Float[np.ndarray, "points 3"]) -> np.ndarray:
    """Indices of at most `PointLimits.most` points, without those far away from all others."""
    finite = np.isfinite(points).all(axis=1)
    if not finite.any():
        return np.zeros(0, int)
    distance = np.linalg.norm(points - np.median(points[finite], axis=0), axis=1)
    kept = np.flatnonzero(finite & (distance <= LIMITS.farthest * np.median(distance[finite]) + 1e-12))
    return kept[np.linspace(0, len(kept) - 1, min(len(kept), LIMITS.most)).round().astype(int)]


def make_point_colours(colours: UInt8[np.ndarray, "points 3"]) -> Float32[np.ndarray, "points 4"]:
    """RGBA in [0, 1]: the points' own, black lifted to `PointLimits.darkest`; pale blue while COLMAP has none yet."""
    if not colours.any():
        return np.tile(np.array(UNCOLOURED, np.float32), (len(colours), 1))
    opaque = np.full((len(colours), 1), UNCOLOURED[3])
    return np.concatenate([LIMITS.darkest + (1 - LIMITS.darkest) * colours / 255, opaque], axis=1).astype(np.float32)
