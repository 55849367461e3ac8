"""Matches that agree with known poses. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from engine.sfm.events import Pair
from engine.sfm.lens import Lens
from engine.sfm.quick.options import OPTIONS

Matches = Int[np.ndarray, "matches 2"]
Centre = Float[np.ndarray, " 2"]
UNDISTORTING_STEPS = 5  # of a fixed-point iteration; lenses of cameras converge to 1e-6 within them


def find_consistent_matches(
    pairs: Sequence[tuple[Pair, Matches]],
    points: Sequence[Float[np.ndarray, "features 2"]],
    poses: Float[np.ndarray, "photos 3 4"],
    lenses: Sequence[tuple[Lens, Centre]],
) -> list[tuple[Pair, Matches]]:
    """The matches whose Sampson error is at most `OPTIONS.maximum_triangulated_error`; all of those pairs of which
    a photo has no pose.

    Args:
        pairs: verified matches.
        points: features of each photo, pixels.
        poses: world-to-camera; NaN where unknown.
        lenses: lens and principal point of each photo, pixels.
    """
    ideal = [undistort(one, *lens) for one, lens in zip(points, lenses, strict=True)]
    kept = []
    for (first, second), matches in pairs:
        if np.isfinite(poses[[first, second]]).all():
            error = measure_sampson_error(
                ideal[first][matches[:, 0]], ideal[second][matches[:, 1]], poses[first], poses[second]
            )
            focal = (lenses[first][0].focal + lenses[second][0].focal) / 2
            matches = matches[error * focal <= OPTIONS.maximum_triangulated_error]
        kept.append(((first, second), matches))
    return kept


def undistort(points: Float[np.ndarray, "features 2"], lens: Lens, centre: Centre) -> Float[np.ndarray, "features 2"]:
    """Pixels as points of the plane z = 1 without distortion.

    Args:
        points: pixels.
        lens: of the camera.
        centre: principal point, pixels.
    """
    distorted = (points - centre) / lens.focal
    ideal = distorted
    for _ in range(UNDISTORTING_STEPS):
        ideal = distorted / (1 + lens.radial * (ideal**2).sum(axis=1, keepdims=True))
    return ideal


def measure_sampson_error(
    first: Float[np.ndarray, "matches 2"],
    second: Float[np.ndarray, "matches 2"],
    first_pose: Float[np.ndarray, "3 4"],
    second_pose: Float[np.ndarray, "3 4"],
) -> Float[np.ndarray, " matches"]:
    """First-order distance of matches from the epipolar geometry of two poses, in the plane z = 1.

    Args:
        first, second: matched points of the plane z = 1.
        first_pose, second_pose: world-to-camera.
    Reference:
        Hartley and Zisserman, Multiple View Geometry, section 11.4.3.
    """
    rotation = second_pose[:, :3] @ first_pose[:, :3].T
    x, y, z = second_pose[:, 3] - rotation @ first_pose[:, 3]
    essential = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]) @ rotation
    one, other = (np.column_stack([points, np.ones(len(points))]) for points in (first, second))
    line, back = one @ essential.T, other @ essential
    value = (other * line).sum(axis=1)
    size = (line[:, :2] ** 2).sum(axis=1) + (back[:, :2] ** 2).sum(axis=1)
    return np.abs(value) / np.sqrt(np.maximum(size, 1e-30))
