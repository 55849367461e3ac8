"""Paths that a camera flies along: smooth ones through recorded views, and closed ones round a scene. Pure maths."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from roma import rotmat_to_rotvec, rotvec_to_rotmat

from engine.geometry.view_camera import ViewCamera, centres, find_mean_up, look_along, unit

Poses = Float[np.ndarray, "poses 3 4"]

SPIRAL_TURNS = 2
SPIRAL_REACH = 0.8  # of the cameras' spread: the path stays among them
ORBIT_ELEVATION = math.radians(20.0)  # at least, above the horizon


def interpolate_cameras(keyframes: list[ViewCamera], count: int, closed: bool = False) -> list[ViewCamera]:
    """A smooth flight through recorded cameras, each met exactly.

    Centres follow a Catmull-Rom spline; rotations are blended on the way from one keyframe to the next, with the same
    ease, in the tangent space of the nearer ones (which is where such a spline lives on SO(3)).

    Args:
        keyframes: one or more; all are drawn at the size of the first.
        count: pictures, >= 1.
        closed: back to the first one at the end.
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
    """The papers' closed path for forward-facing scenes: round the mean camera, looking at one point before it.

    Args:
        poses: of the training frames.
        focus: depth of that point, scene units.
        count: pictures.
    """
    mean, spread = _mean_axes(poses)
    positions = centres(poses)
    middle = positions.mean(axis=0)
    right, down, forward = mean
    target = middle + focus * forward
    made = []
    for angle in np.arange(count) / count * math.tau:
        offset = spread[0] * math.cos(SPIRAL_TURNS * angle) * right + spread[1] * math.sin(SPIRAL_TURNS * angle) * down
        position = middle + SPIRAL_REACH * (offset + spread[2] * math.sin(angle) * forward)
        made.append(look_along(position, target - position, -down))
    return np.stack(made)


def make_orbit(poses: Poses, centre: tuple[float, float, float], count: int) -> Poses:
    """A closed path round an object, as far from it and as high above it as the cameras are in the mean."""
    positions, target, up = centres(poses), np.array(centre, np.float64), find_mean_up(poses)
    offsets = positions - target
    distance = float(np.median(np.linalg.norm(offsets, axis=1)))
    height = float(np.median(offsets @ up)) / max(distance, 1e-9)
    elevation = max(math.asin(min(max(height, -0.99), 0.99)), ORBIT_ELEVATION)
    side = offsets[0] - (offsets[0] @ up) * up
    side = unit(side) if np.linalg.norm(side) > 1e-6 else unit(np.cross(up, np.eye(3)[np.argmin(np.abs(up))]))
    made = []
    for angle in np.arange(count) / count * math.tau:
        level = math.cos(angle) * side + math.sin(angle) * np.cross(up, side)
        offset = distance * (math.cos(elevation) * level + math.sin(elevation) * up)
        made.append(look_along(target + offset, -offset, up))
    return np.stack(made)


def _around(span: int, keyframes: int, closed: bool) -> list[int]:
    """The keyframe before a span, the two at its ends, and the one after; at the ends of an open path, once more."""
    indices = range(span - 1, span + 3)
    return [index % keyframes if closed else min(max(index, 0), keyframes - 1) for index in indices]


def _spline(values: Float[np.ndarray, "4 channels"], fraction: float) -> Float[np.ndarray, " channels"]:
    """Catmull-Rom: through the two middle values, in the direction of their neighbours."""
    before, first, second, after = values
    t = fraction
    return 0.5 * (
        2 * first
        + (second - before) * t
        + (2 * before - 5 * first + 4 * second - after) * t**2
        + (3 * (first - second) + after - before) * t**3
    )


def _blended(rotations: Float[np.ndarray, "4 3 3"], fraction: float) -> Float[np.ndarray, "3 3"]:
    """The same spline of the rotation vectors seen from the first of the middle two."""
    base = torch.from_numpy(rotations[1])
    vectors = rotmat_to_rotvec(torch.from_numpy(rotations) @ base.T).numpy()
    return (rotvec_to_rotmat(torch.from_numpy(_spline(vectors, fraction))) @ base).numpy()


def _mean_axes(poses: Poses) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]:
    """Right, down and forward of the mean camera; and how far the cameras spread along them (90 % of them)."""
    forward = unit(poses[:, 2, :3].astype(np.float64).mean(axis=0))
    down = -find_mean_up(poses)
    right = unit(np.cross(down, forward))
    axes = np.stack([right, np.cross(forward, right), forward])
    positions = centres(poses)
    return axes, np.percentile(np.abs((positions - positions.mean(axis=0)) @ axes.T), 90, axis=0)
