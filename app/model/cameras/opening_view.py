"""The 3D view while a scene is being opened: cameras and points as they are found. No Dear PyGui, no OpenGL."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float32

from app.model.cameras.colmap_alignment import choose_points, make_point_colours, measure_model_size
from app.model.cameras.drawn_reference import Gauge, fit_gauge_to_cameras, move_points, move_poses
from app.model.cameras.pictures_of_run import reduce_photos
from app.model.cameras.scene_scale import SceneScale, frame_points, make_first_view, measure_cameras
from app.model.common.error_colours import ACCENT
from app.model.common.kept import Kept
from app.model.common.orbit import OrbitCamera
from app.model.common.pictures import CameraSet, CamerasPicture, PointCloud, Thumbnails
from app.model.state.opening import Opening
from app.model.state.state import Layers
from engine.geometry.view_camera import centres
from engine.scenes.progress import PhotosRead
from engine.sfm.events import Mapped

Poses = Float[np.ndarray, "frames 3 4"]


@dataclass(frozen=True)
class OpeningLook:
    """How the growing model is shown.

    Attributes:
        follow: seconds in which the view has made up 63 % of the way to where it sees the whole model.
        fading: steps of the training in which the points give way to the field.
        inner: share of the sparse points that are brought into view, by their distance from the median point.
        image_plane: half width and height of a photo at depth 1 while the size of the photos is not known.
    """

    follow: float = 0.35
    fading: int = 250
    inner: float = 0.9
    image_plane: tuple[float, float] = (0.6, 0.45)


LOOK = OpeningLook()


@dataclass(frozen=True)
class GrowingModel:
    """A model in the world in which the first one was drawn.

    Attributes:
        poses: of all photos; NaN for those without a camera so far.
        newest: number of the photo that was placed last, or None.
        points: some of its points.
        scale: the sizes at which it is drawn.
    """

    poses: Float32[np.ndarray, "photos 3 4"]
    newest: int | None
    points: PointCloud
    scale: SceneScale


class OpeningView:
    """Makes the pictures of one opening; the view follows the model as it grows, until the user moves it."""

    def __init__(self) -> None:
        self._kept = Kept()
        self._of: Mapped | None = None
        self._model: GrowingModel | None = None
        self._orbit: OrbitCamera | None = None  # as it was left by `follow`
        self._followed_at = 0.0

    @property
    def model(self) -> GrowingModel | None:
        """The newest model."""
        return self._model

    def see(self, opening: Opening) -> GrowingModel | None:
        """Takes the newest model of an opening; None while there is none."""
        found = opening.model
        if found is not None and found is not self._of and len(found.frames) > 1:
            sizes = opening.progress.features if opening.progress is not None else {}
            size = sizes[found.frames[0]].size if found.frames[0] in sizes else None
            self._of, self._model = found, place_growing_model(found, size, self._model)
        return self._model

    def follow(self, orbit: OrbitCamera, size: tuple[int, int], now: float) -> OrbitCamera:
        """The view's camera for this frame of the window.

        Args:
            orbit: as it is; another one than was returned the last time if the user has moved it. It then stays.
            size: (width, height) of the view, pixels.
            now: seconds, of any steady clock.
        """
        if self._model is None or (self._orbit is not None and orbit is not self._orbit):
            return orbit
        wanted = self._kept.get("wanted", frame_model, self._model, size)
        if self._orbit is None:
            shown = wanted
        else:
            share = 1 - math.exp(-max(now - self._followed_at, 0.0) / LOOK.follow)
            shown = blend_orbits(self._orbit, wanted, share)
        self._orbit, self._followed_at = shown, now
        return shown

    def picture(
        self, opening: Opening, orbit: OrbitCamera, size: tuple[int, int], layers: Layers, frustum_scale: float
    ) -> CamerasPicture | None:
        """The 3D view in (width, height) pixels; None before the first cameras."""
        model, kept = self.see(opening), self._kept
        if model is None:
            return None
        thumbnails = None
        if opening.photos is not None and layers.thumbnails:
            thumbnails = kept.get("thumbnails", _make_thumbnails, opening.photos)
        return CamerasPicture(
            camera=kept.get("camera", lambda orbit, size: orbit.view(size), orbit, size),
            fitted=kept.get("cameras", _colour_cameras, model.poses, opening.photos, model.scale.image_plane),
            image_plane=model.scale.image_plane,
            frustum_depth=model.scale.frustum_depth * frustum_scale,
            selected=model.newest,
            thumbnails=thumbnails,
            points=model.points,
            ground=model.scale.ground if layers.ground else None,
            volume_opacity=0.0,
        )


def place_growing_model(found: Mapped, size: tuple[int, int] | None, before: GrowingModel | None) -> GrowingModel:
    """A model where the one before was drawn: COLMAP may move, turn and scale its world with each step.

    Args:
        found: the newest model.
        size: (width, height) of the photos in whose pixels its focal length is; None if unknown.
        before: the model that was drawn before it, if any.
    """
    poses: Poses = np.full((found.total, 3, 4), np.nan)
    poses[list(found.frames)] = found.poses
    known = before.poses if before is not None and len(before.poses) == found.total else np.full_like(poses, np.nan)
    gauge = fit_gauge_to_cameras(poses, known)
    if gauge is None:
        gauge = Gauge(measure_model_size(found, 1.0), np.eye(3), np.zeros(3))
    moved = move_poses(poses, gauge)
    chosen = choose_points(found.points)
    points = move_points(found.points[chosen], gauge)
    image_plane = LOOK.image_plane
    if size is not None and math.isfinite(found.focal) and found.focal > 0:
        image_plane = (size[0] / (2 * found.focal), size[1] / (2 * found.focal))
    fresh = [frame for frame in found.frames if not np.isfinite(known[frame]).all()]
    newest = fresh[-1] if fresh else before.newest if before is not None and found.what != "model" else None
    return GrowingModel(
        poses=moved,
        newest=newest,
        points=PointCloud(points.astype(np.float32), make_point_colours(found.colours[chosen])),
        scale=measure_cameras(moved[list(found.frames)].astype(np.float64), choose_inner_points(points), image_plane),
    )


def choose_inner_points(points: Float[np.ndarray, "points 3"]) -> Float[np.ndarray, "inner 3"]:
    """The points that the view brings into sight: those nearest to the median point (`OpeningLook.inner`)."""
    if not len(points):
        return points
    distance = np.linalg.norm(points - np.median(points, axis=0), axis=1)
    return points[distance <= np.quantile(distance, LOOK.inner)]


def frame_model(model: GrowingModel, size: tuple[int, int]) -> OrbitCamera:
    """The view from which all cameras and most points are seen, in the direction of a scene's first view."""
    places = centres(model.poses[np.isfinite(model.poses).all(axis=(1, 2))])
    points = np.concatenate([places, model.scale.landmarks])
    return frame_points(make_first_view(model.scale, OrbitCamera()), points, size)


def blend_orbits(one: OrbitCamera, other: OrbitCamera, share: float) -> OrbitCamera:
    """The view between two, `share` 0 is the first; `other` itself once the difference cannot be seen."""
    target = (1 - share) * np.array(one.target) + share * np.array(other.target)
    distance = one.distance ** (1 - share) * other.distance**share
    up = _blend_directions(one.up, other.up, share)
    ahead = _blend_directions(one.ahead, other.ahead, share)
    level = ahead - (ahead @ up) * up
    azimuth = one.azimuth + share * math.remainder(other.azimuth - one.azimuth, math.tau)
    elevation = (1 - share) * one.elevation + share * other.elevation
    blended = replace(
        other,
        target=_triple(target),
        distance=distance,
        up=_triple(up),
        ahead=_triple(level / np.linalg.norm(level)),
        azimuth=azimuth,
        elevation=elevation,
    )
    apart = float(np.linalg.norm(blended.position - other.position)) / other.distance
    turned = 1 - float(blended.direction @ other.direction)
    return other if apart < 1e-3 and turned < 1e-6 else blended


def carry_view(
    orbit: OrbitCamera, shown: Poses, found: Poses, up: tuple[float, float, float], ahead: tuple[float, float, float]
) -> OrbitCamera | None:
    """A view of cameras in one world as the same view of them in another, so that they stay where they are seen.

    Args:
        orbit: the view.
        shown: the cameras as they were seen.
        found: the same cameras in the other world.
        up, ahead: of the other world, unit vectors at right angles; the horizon becomes level again.
    Returns:
        the view; None where the cameras of one world lie in a point.
    """
    gauge = fit_gauge_to_cameras(shown, found)
    if gauge is None:
        return None
    direction = gauge.turn @ orbit.direction
    level_up, level_ahead = np.array(up), np.array(ahead)
    across = np.cross(level_up, level_ahead)
    return replace(
        orbit,
        target=_triple(move_points(np.array(orbit.target)[None], gauge)[0]),
        distance=gauge.scale * orbit.distance,
        up=up,
        ahead=ahead,
        azimuth=math.atan2(float(direction @ across), float(direction @ level_ahead)),
        elevation=-math.asin(min(max(float(direction @ level_up), -1.0), 1.0)),
    )


def carry_points(model: GrowingModel, found: Poses) -> PointCloud | None:
    """The points of a model in the world of the same cameras elsewhere; None where these lie in a point."""
    gauge = fit_gauge_to_cameras(model.poses, found)
    if gauge is None:
        return None
    places = move_points(model.points.places.astype(np.float64), gauge).astype(np.float32)
    return PointCloud(places, model.points.colours)


def fade_points(points: PointCloud, opacity: float) -> PointCloud:
    """The points with their opacity times a factor."""
    return PointCloud(points.places, points.colours * np.array([1, 1, 1, opacity], np.float32))


def _colour_cameras(
    poses: Float32[np.ndarray, "photos 3 4"], photos: PhotosRead | None, image_plane: tuple[float, float]
) -> CameraSet:
    colours = np.tile(np.array(ACCENT, np.float32), (len(poses), 1))
    if photos is None or len(photos.images) != len(poses) or len({image.shape for image in photos.images}) == 1:
        return CameraSet(poses, colours)
    sizes = np.array([image.shape[1::-1] for image in photos.images], np.float32)
    planes = sizes / sizes.max(axis=1, keepdims=True) * max(image_plane)  # the longer sides are taken to be alike
    return CameraSet(poses, colours, planes=planes)


def _make_thumbnails(photos: PhotosRead) -> Thumbnails:
    return Thumbnails(("opening", id(photos), len(photos.names)), reduce_photos(list(photos.images)))


def _blend_directions(
    one: tuple[float, float, float], other: tuple[float, float, float], share: float
) -> Float[np.ndarray, "3"]:
    blended = (1 - share) * np.array(one) + share * np.array(other)
    length = float(np.linalg.norm(blended))
    return blended / length if length > 1e-3 else np.array(other)


def _triple(vector: Float[np.ndarray, "3"]) -> tuple[float, float, float]:
    x, y, z = vector.tolist()
    return x, y, z
