"""The cameras of a run at an earlier moment, and their trails until then, from the rows of its history."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float32

from engine.geometry import so3
from engine.geometry.view_camera import centres
from engine.messages import Snapshot
from engine.run.history import Row, filled


@dataclass(frozen=True)
class TrailLimits:
    """How finely trails are drawn.

    Attributes:
        moments: of one trail, at most.
        segments: of all trails together, at most: more would cost the 3D view its frame rate.
    """

    moments: int = 200
    segments: int = 8000


TRAILS = TrailLimits()

Poses = Float32[np.ndarray, "frames 3 4"]


class Moment(NamedTuple):
    """Fitted poses with their errors.

    Attributes:
        rotation_error_deg, translation_error: degrees and scene units; None without a reference.
        reprojection_px: of the frames' tracks, pixels; None without tracks.
    """

    poses: Poses
    rotation_error_deg: Float32[np.ndarray, " frames"] | None
    translation_error: Float32[np.ndarray, " frames"] | None
    reprojection_px: Float32[np.ndarray, " frames"] | None = None


def make_moment(snapshot: Snapshot) -> Moment:
    """The moment of a snapshot."""
    errors = (snapshot.rotation_error_deg, snapshot.translation_error, snapshot.reprojection_px)
    return Moment(snapshot.poses, *errors)


def interpolate_moment(rows: Sequence[Row], seconds: float) -> Moment | None:
    """Poses and errors at a time on the run's clock, interpolated between two rows; None without rows.

    Frames that were added later are missing.
    """
    if not rows:
        return None
    later = bisect_right([row.seconds for row in rows], seconds)
    before, after = rows[max(later - 1, 0)], rows[min(later, len(rows) - 1)]
    passed = after.seconds - before.seconds
    share = min(max((seconds - before.seconds) / passed, 0.0), 1.0) if passed > 0 else 0.0
    return Moment(
        interpolate_poses(before.poses, after.poses, share),
        _interpolate_errors(before.rotation_error_deg, after.rotation_error_deg, share),
        _interpolate_errors(before.translation_error, after.translation_error, share),
        _interpolate_errors(before.reprojection_px, after.reprojection_px, share),
    )


def interpolate_poses(one: Poses, other: Poses, share: float) -> Poses:
    """Poses between two: centres on a straight line, rotations at constant speed about one axis; share 0 is `one`."""
    if share <= 0 or one is other:
        return one
    other = other[: len(one)]
    first, second = (torch.from_numpy(np.asarray(poses, np.float64)) for poses in (one, other))
    turn = so3.vector_from_rotation(second[:, :, :3] @ first[:, :, :3].mT)
    rotation = (so3.rotation_from_vector(share * turn) @ first[:, :, :3]).numpy()
    centre = (1 - share) * centres(one) + share * centres(other)
    translation = -np.einsum("fij,fj->fi", rotation, centre)
    return np.concatenate([rotation, translation[..., None]], axis=2, dtype=np.float32)


def make_trails(rows: Sequence[Row], until: float | None = None) -> Float32[np.ndarray, "frames moments 3"] | None:
    """Camera centres from the start of the run to a time (None: its newest row), oldest first; None for no movement.

    The moments are equally spaced along the mean path of the cameras, not in time: cameras move most in the first
    seconds of a run.
    """
    rows = [row for row in rows if until is None or row.seconds <= until]
    if len(rows) < 2:
        return None
    rows = [rows[index] for index in np.unique(np.linspace(0, len(rows) - 1, 2 * TRAILS.moments).round().astype(int))]
    poses = np.stack(filled([row.poses for row in rows]), axis=1)
    places = -np.einsum("fmij,fmi->fmj", poses[..., :3], poses[..., 3])
    steps = np.nan_to_num(np.linalg.norm(np.diff(places, axis=1), axis=-1)).mean(axis=0)
    way = np.concatenate([[0.0], np.cumsum(steps)])
    if way[-1] <= 0:
        return None
    moments = min(TRAILS.moments, len(rows), max(TRAILS.segments // len(places), 2))
    chosen = np.unique(np.searchsorted(way, np.linspace(0.0, way[-1], moments)))
    return np.ascontiguousarray(places[:, chosen], dtype=np.float32)


def _interpolate_errors(
    one: Float32[np.ndarray, " frames"] | None, other: Float32[np.ndarray, " frames"] | None, share: float
) -> Float32[np.ndarray, " frames"] | None:
    if one is None or other is None:
        return None
    other = other[: len(one)]
    return ((1 - share) * one + share * other).astype(np.float32)
