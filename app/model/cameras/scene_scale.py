"""Sizes of what is drawn in the 3D view of a scene, and its first view: pure functions of the scene's cameras."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from app.model.common.orbit import OrbitCamera
from app.model.common.pictures import Ground
from engine.geometry.view_camera import centres, find_mean_up, unit
from engine.scenes.scene import Scene, SceneKind

Points = Float[np.ndarray, "points 3"]
Poses = Float[np.ndarray, "frames 3 4"]
Vector = Float[np.ndarray, "3"]


@dataclass(frozen=True)
class Proportions:
    """How the 3D view is laid out.

    Attributes:
        photo_width: width of a photo in a frustum, in distances between neighbouring cameras: they hardly overlap.
        smallest_frustum, largest_frustum: bounds of the frusta's depth, in nearest depths of the scene.
        snap_angle: radians; a world axis within this angle of the cameras' mean up direction is taken for up.
        grid_cells: of the ground over the extent of the scene, about.
        fill: share of the picture that framed points fill.
        alike: length of the mean of viewing directions from which on cameras count as looking the same way: they then
            differ by 60 degrees from it or less.
        near_share: share of points that may lie nearer than the nearest depth: outliers.
    """

    photo_width: float = 1.15
    smallest_frustum: float = 0.05
    largest_frustum: float = 0.5
    snap_angle: float = math.radians(25.0)
    grid_cells: int = 10
    fill: float = 0.88
    alike: float = 0.5
    near_share: float = 0.05


PROPORTIONS = Proportions()


@dataclass(frozen=True)
class SceneScale:
    """Sizes and directions of one scene. They do not depend on the fitted poses, so nothing changes size in training.

    Attributes:
        kind: of the scene.
        up, ahead: unit vectors at right angles; ahead is where forward-facing cameras look.
        image_plane: half width and half height of the photos at depth 1, their mean where they differ.
        frustum_depth: scene units.
        landmarks: points of the near part of the volume, which "frame all" brings into view beside the cameras.
        reach: depth to which a forward-facing volume is drawn, scene units.
        ground: the grid under all cameras and landmarks.
    """

    kind: SceneKind
    up: Vector
    ahead: Vector
    image_plane: tuple[float, float]
    frustum_depth: float
    landmarks: Points
    reach: float
    ground: Ground


def measure_scene(scene: Scene) -> SceneScale:
    """Measures a scene by its reference poses where it has them, else by its initial poses."""
    frames = list(scene.training_frames)
    known = scene.initial_poses if scene.reference_poses is None else scene.reference_poses
    poses = known[frames].numpy().astype(np.float64)
    poses = poses[np.isfinite(poses).all(axis=(1, 2))]
    intrinsics = scene.intrinsics
    focal = intrinsics.focal[frames].double().mean(dim=0).tolist()
    width, height = intrinsics.own_sizes[frames].double().mean(dim=0).tolist()
    image_plane = (width / (2 * focal[0]), height / (2 * focal[1]))
    up = snap_to_axis(find_mean_up(poses))
    facing = scene.kind == "forward-facing"
    ahead = level_direction(poses[:, 2, :3].mean(axis=0) if facing and len(poses) else np.array([0.0, 1.0, 0.0]), up)
    middle = centres(poses).mean(axis=0) if len(poses) else np.zeros(3)
    if facing:
        landmarks = find_near_rectangle(middle, up, ahead, image_plane, scene.near)
    else:
        landmarks = make_box_corners(np.array(scene.box_centre), scene.box_half_extent)
    everything = np.concatenate([centres(poses), landmarks])
    return SceneScale(
        kind=scene.kind,
        up=up,
        ahead=ahead,
        image_plane=image_plane,
        frustum_depth=choose_frustum_depth(centres(poses), image_plane, scene.near),
        landmarks=landmarks,
        reach=min(scene.far, 4 * scene.near),
        ground=make_ground(everything, up),
    )


def measure_cameras(poses: Poses, landmarks: Points, image_plane: tuple[float, float]) -> SceneScale:
    """Measures cameras and points of which no scene has been made yet.

    They count as forward-facing where the cameras look in similar directions, as an object else.
    """
    looking = poses[:, 2, :3].mean(axis=0)
    facing = float(np.linalg.norm(looking)) > PROPORTIONS.alike
    up = find_mean_up(poses)
    seen = np.einsum("fj,pj->fp", poses[:, 2, :3], landmarks) + poses[:, 2, 3:]
    depths = seen[seen > 0]
    near = float(np.quantile(depths, PROPORTIONS.near_share)) if len(depths) else 1.0
    return SceneScale(
        kind="forward-facing" if facing else "object",
        up=up,
        ahead=level_direction(looking if facing else np.array([0.0, 1.0, 0.0]), up),
        image_plane=image_plane,
        frustum_depth=choose_frustum_depth(centres(poses), image_plane, near),
        landmarks=landmarks,
        reach=near,
        ground=make_ground(np.concatenate([centres(poses), landmarks]), up),
    )


def round_to_nice_number(value: float) -> float:
    """The number 1, 2 or 5 times a power of ten that is nearest, by ratio."""
    if not (math.isfinite(value) and value > 0):
        return 1.0
    exponent = math.floor(math.log10(value))
    candidates = [digit * 10.0**power for power in (exponent, exponent + 1) for digit in (1, 2, 5)]
    return min(candidates, key=lambda candidate: abs(math.log(candidate / value)))


def snap_to_axis(up: Vector) -> Vector:
    """The axis of the world that is nearly `up` (`Proportions.snap_angle`), else `up` itself."""
    axis = int(np.argmax(np.abs(up)))
    return math.copysign(1.0, up[axis]) * np.eye(3)[axis] if abs(up[axis]) > math.cos(PROPORTIONS.snap_angle) else up


def level_direction(direction: Vector, up: Vector) -> Vector:
    """The part of a direction that is at right angles to up, as a unit vector."""
    level = direction - (direction @ up) * up
    if np.linalg.norm(level) < 1e-6:
        level = np.cross(up, np.eye(3)[np.argmin(np.abs(up))])
    return unit(level)


def measure_neighbour_distance(places: Points) -> float:
    """Median distance from a camera to its nearest neighbour, scene units; 0 for fewer than two."""
    if len(places) < 2:
        return 0.0
    apart = np.linalg.norm(places[:, None] - places[None], axis=-1)
    np.fill_diagonal(apart, np.inf)
    return float(np.median(apart.min(axis=1)))


def choose_frustum_depth(places: Points, image_plane: tuple[float, float], near: float) -> float:
    """A depth at which neighbouring photos hardly overlap, bounded by shares of the nearest depth; scene units."""
    fitting = PROPORTIONS.photo_width * measure_neighbour_distance(places) / (2 * max(image_plane))
    return min(max(fitting, PROPORTIONS.smallest_frustum * near), PROPORTIONS.largest_frustum * near)


def find_near_rectangle(
    middle: Vector, up: Vector, ahead: Vector, image_plane: tuple[float, float], near: float
) -> Points:
    """Corners of the middle half of what a camera at `middle` sees in the plane of the nearest depth."""
    right = np.cross(ahead, up)
    x, y = 0.5 * near * image_plane[0], 0.5 * near * image_plane[1]
    return np.array([middle + near * ahead + u * x * right + v * y * up for u in (-1, 1) for v in (-1, 1)])


def make_box_corners(centre: Vector, half_extent: float) -> Points:
    """The corners of a cube."""
    signs = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
    return centre + half_extent * signs


def make_ground(points: Points, up: Vector) -> Ground:
    """A grid under all points, with about `Proportions.grid_cells` cells over their extent."""
    heights = points @ up
    level = points - heights[:, None] * up
    middle = (level.min(axis=0) + level.max(axis=0)) / 2
    extent = float(np.linalg.norm(level - middle, axis=1).max())
    origin = middle + (heights.min() - 0.05 * np.ptp(heights)) * up
    return Ground(_triple(origin), _triple(up), round_to_nice_number(1.6 * extent / PROPORTIONS.grid_cells), 12)


def make_first_view(scale: SceneScale, orbit: OrbitCamera) -> OrbitCamera:
    """The direction of the first view: from behind forward-facing cameras, or from above an object.

    The distance is set by `frame_points`.
    """
    facing = scale.kind == "forward-facing"
    angles = (math.radians(24.0), math.radians(20.0)) if facing else (math.radians(-40.0), math.radians(24.0))
    up, ahead = _triple(scale.up), _triple(scale.ahead)
    return replace(orbit, azimuth=angles[0], elevation=angles[1], up=up, ahead=ahead)


def frame_points(orbit: OrbitCamera, points: Points, size: tuple[int, int]) -> OrbitCamera:
    """The same direction of view, moved so that all points fill a picture of (width, height) pixels."""
    points = points[np.isfinite(points).all(axis=1)]
    if not len(points):
        return orbit
    rotation = orbit.pose[:, :3].astype(np.float64)
    half = PROPORTIONS.fill * math.tan(0.5 * orbit.field_of_view) * np.array([size[0] / size[1], 1.0])
    seen = points @ rotation.T
    # A viewer at (a, b, c) sees a point at (x, y, z) if |x - a| <= half (z - c), and as much for y and b. The planes
    # x - half z and x + half z that touch the outermost points say how far forward the viewer may come.
    low = (seen[:, :2] - half * seen[:, 2:]).max(axis=0)
    high = (seen[:, :2] + half * seen[:, 2:]).min(axis=0)
    extent = float(np.ptp(seen, axis=0).max())
    apart = 0.05 * extent if extent > 1e-3 else orbit.distance  # from the nearest point; a single point has no extent
    forward = min(float(((high - low) / (2 * half)).min()), float(seen[:, 2].min()) - apart)
    depth = float(np.median(seen[:, 2])) - forward
    target = np.array([*(low + high) / 2, forward + depth]) @ rotation
    return replace(orbit, target=_triple(target), distance=depth)


def _triple(vector: Vector) -> tuple[float, float, float]:
    x, y, z = vector.tolist()
    return x, y, z
