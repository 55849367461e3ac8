"""Camera paths for videos: smooth ones through recorded views, closed ones around a scene. Pure functions.

Poses are world-to-camera `[R|t]` with OpenCV axes (x right, y down, z forward); angles are in radians.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from roma import rotmat_to_rotvec, rotvec_to_rotmat

from engine.geometry.view_camera import ViewCamera, centres, find_mean_up, look_along, unit

Poses = Float[np.ndarray, "poses 3 4"]

TOUR_STOPS = 12  # views that a path past the cameras passes exactly, at most; with all of them it would shake
SPIRAL_TURNS = 2  # turns about the forward axis per closed path
SPIRAL_RADIUS_SHARE = 0.8  # of the spread of the cameras; below 1 so that the path stays where photos were taken
MINIMUM_ORBIT_ELEVATION = math.radians(20.0)  # above the horizon; from lower down one sees mostly the floor's edge


def interpolate_cameras(keyframes: list[ViewCamera], count: int, closed: bool = False) -> list[ViewCamera]:
    """A smooth path that passes exactly through recorded cameras.

    Camera centres and the logarithms of the focal lengths follow a Catmull-Rom spline. Rotations follow the same
    spline of rotation vectors relative to the keyframe at the beginning of the current span.

    Args:
        keyframes: one or more cameras; the result has the image size of the first.
        count: number of cameras to return, >= 1.
        closed: whether the path returns to the first keyframe.
    Returns:
        `count` cameras, equally spaced in the spline's parameter.
    """
    poses = np.stack([key.world_to_camera for key in keyframes]).astype(np.float64)
    if len(keyframes) == 1:
        return [keyframes[0]] * count
    spans = len(keyframes) if closed else len(keyframes) - 1
    moments = np.linspace(0, spans, count, endpoint=not closed)
    rotations, positions = poses[:, :, :3], centres(poses)
    logs = np.log([[key.focal[0] / key.size[0], key.focal[1] / key.size[1]] for key in keyframes])
    middles = np.array([[key.centre[0] / key.size[0], key.centre[1] / key.size[1]] for key in keyframes])
    size, made = np.array(keyframes[0].size, np.float64), []
    for moment in moments:
        span = min(int(moment), spans - 1)
        around, fraction = _around(span, len(keyframes), closed), moment - span
        rotation = _blended(rotations[around], fraction)
        position = _spline(positions[around], fraction)
        pose = np.concatenate([rotation, -(rotation @ position)[:, None]], axis=1).astype(np.float32)
        focal, centre = np.exp(_spline(logs[around], fraction)) * size, _spline(middles[around], fraction) * size
        made.append(
            replace(keyframes[0], world_to_camera=pose, focal=tuple(focal.tolist()), centre=tuple(centre.tolist()))
        )
    return made


def make_spiral(poses: Poses, focus: float, count: int) -> Poses:
    """A closed path around the mean camera of a forward-facing scene; every camera looks at one point in front of it.

    Args:
        poses: of the training frames.
        focus: depth of that point before the mean camera, scene units, > 0.
        count: number of poses to return, >= 1.
    Returns:
        world-to-camera poses.
    Reference:
        The render path of LLFF's and NeRF's code (Mildenhall et al., SIGGRAPH 2019 and ECCV 2020).
    """
    mean, spread = _mean_axes(poses)
    positions = centres(poses)
    middle = positions.mean(axis=0)
    right, down, forward = mean
    target = middle + focus * forward
    made = []
    for angle in np.arange(count) / count * math.tau:
        offset = spread[0] * math.cos(SPIRAL_TURNS * angle) * right + spread[1] * math.sin(SPIRAL_TURNS * angle) * down
        position = middle + SPIRAL_RADIUS_SHARE * (offset + spread[2] * math.sin(angle) * forward)
        made.append(look_along(position, target - position, -down))
    return np.stack(made)


def make_orbit(poses: Poses, centre: tuple[float, float, float], count: int) -> Poses:
    """A closed circle around an object, at the cameras' median distance and median height above it.

    Args:
        poses: of the training frames.
        centre: middle of the object, scene units.
        count: number of poses to return, >= 1.
    Returns:
        world-to-camera poses that look at the centre, at least `MINIMUM_ORBIT_ELEVATION` above the horizon.
    """
    positions, target, up = centres(poses), np.array(centre, np.float64), find_mean_up(poses)
    offsets = positions - target
    distance = float(np.median(np.linalg.norm(offsets, axis=1)))
    height = float(np.median(offsets @ up)) / max(distance, 1e-9)
    elevation = max(math.asin(min(max(height, -0.99), 0.99)), MINIMUM_ORBIT_ELEVATION)
    side = offsets[0] - (offsets[0] @ up) * up
    side = unit(side) if np.linalg.norm(side) > 1e-6 else unit(np.cross(up, np.eye(3)[np.argmin(np.abs(up))]))
    made = []
    for angle in np.arange(count) / count * math.tau:
        level = math.cos(angle) * side + math.sin(angle) * np.cross(up, side)
        offset = distance * (math.cos(elevation) * level + math.sin(elevation) * up)
        made.append(look_along(target + offset, -offset, up))
    return np.stack(made)


def make_tour(poses: Poses, count: int) -> Poses:
    """A path past cameras that stand anywhere, there and back, each view passed on the way to its nearest neighbour.

    Where no camera stood it is not known what there is to be seen; so the path stays between the cameras.

    Args:
        poses: of the training frames.
        count: number of poses to return, >= 1.
    Returns:
        world-to-camera poses of a closed path.
    """
    positions = centres(poses)
    left = set(range(len(poses)))
    here = int(np.linalg.norm(positions - positions.mean(axis=0), axis=1).argmax())  # one of the ends
    order = []
    while True:
        order.append(here)
        left.discard(here)
        if not left:
            break
        here = min(left, key=lambda other: float(np.linalg.norm(positions[other] - positions[here])))
    stops = np.unique(np.linspace(0, len(order) - 1, min(len(order), TOUR_STOPS)).round().astype(int))
    there = [ViewCamera(poses[order[stop]], (1.0, 1.0), (0.5, 0.5), (1, 1)) for stop in stops]
    there_and_back = there + there[-2:0:-1]
    return np.stack([camera.world_to_camera for camera in interpolate_cameras(there_and_back, count, closed=True)])


def _around(span: int, keyframes: int, closed: bool) -> list[int]:
    """Indices of four keyframes: before a span, at its two ends, after it; an open path repeats its end keyframes."""
    indices = range(span - 1, span + 3)
    return [index % keyframes if closed else min(max(index, 0), keyframes - 1) for index in indices]


def _spline(values: Float[np.ndarray, "4 channels"], fraction: float) -> Float[np.ndarray, " channels"]:
    """The Catmull-Rom spline between the two middle values, `fraction` in [0, 1]; tangents from the outer values."""
    before, first, second, after = values
    t = fraction
    return 0.5 * (
        2 * first
        + (second - before) * t
        + (2 * before - 5 * first + 4 * second - after) * t**2
        + (3 * (first - second) + after - before) * t**3
    )


def _blended(rotations: Float[np.ndarray, "4 3 3"], fraction: float) -> Float[np.ndarray, "3 3"]:
    """`_spline` of rotations: of their rotation vectors (radians) relative to the second of the four."""
    base = torch.from_numpy(rotations[1])
    vectors = rotmat_to_rotvec(torch.from_numpy(rotations) @ base.T).numpy()
    return (rotvec_to_rotmat(torch.from_numpy(_spline(vectors, fraction))) @ base).numpy()


def _mean_axes(poses: Poses) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]:
    """Right, down and forward axes of the mean camera (rows), and the 90th percentile of the centres' offsets along
    each, scene units."""
    forward = unit(poses[:, 2, :3].astype(np.float64).mean(axis=0))
    down = -find_mean_up(poses)
    right = unit(np.cross(down, forward))
    axes = np.stack([right, np.cross(forward, right), forward])
    positions = centres(poses)
    return axes, np.percentile(np.abs((positions - positions.mean(axis=0)) @ axes.T), 90, axis=0)
