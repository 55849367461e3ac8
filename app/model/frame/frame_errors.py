"""What is known of the error of each frame: against a reference, or else what its tracks of matches say."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from app.model.common.error_colours import REPROJECTION_PX, ROTATION_DEG, ErrorScale
from engine.evidence.verdict import Verdict
from engine.messages import FrameStatus, Snapshot

Errors = Float32[np.ndarray, " frames"]


class FrameErrors(NamedTuple):
    """Errors of the frames, NaN where unknown, and the scale on which they are coloured."""

    values: Errors
    scale: ErrorScale


def choose_frame_errors(rotation_error_deg: Errors | None, reprojection_px: Errors | None) -> FrameErrors | None:
    """Rotation errors where there is a reference, else reprojection errors; None where there are neither."""
    for values, scale in ((rotation_error_deg, ROTATION_DEG), (reprojection_px, REPROJECTION_PX)):
        if values is not None and np.isfinite(values).any():
            return FrameErrors(values, scale)
    return None


def describe_tracks(snapshot: Snapshot, frame: int) -> str:
    """What its tracks say of a frame in a few words: `143 tracks, 96 % fit, 0.41 px`; empty without tracks."""
    if snapshot.track_count is None or frame >= len(snapshot.track_count):
        return ""
    count = int(snapshot.track_count[frame])
    parts = [f"{count:,} track{'' if count == 1 else 's'}"]
    share, error = _get(snapshot.track_share, frame), _get(snapshot.reprojection_px, frame)
    if math.isfinite(share):
        parts.append(f"{100 * share:.0f} % fit")
    if math.isfinite(error):
        parts.append(f"{error:.2f} px")
    return ", ".join(parts)


def choose_verdict(snapshot: Snapshot | None) -> Verdict | None:
    """The verdict to be shown of a run: none while patches, or most of the frames, are searched for: where they are is
    not known yet."""
    if snapshot is None:
        return None
    searched, count = len(snapshot.frames_that_are(FrameStatus.SEARCHING)), len(snapshot.frame_status)
    hidden = searched > 0 if snapshot.planar is not None else 2 * searched > count
    return None if hidden else snapshot.verdict


def describe_frame_verdict(snapshot: Snapshot, frame: int) -> str:
    """State and reason of a frame that the verdict does not call registered; empty else, and without a verdict."""
    verdict = snapshot.verdict
    if verdict is None or frame >= len(verdict.frames):
        return ""
    found = verdict.frames[frame]
    return "" if found.state == "registered" else f"{found.state}: {found.reason}"


def _get(values: Errors | None, frame: int) -> float:
    return math.nan if values is None or frame >= len(values) else float(values[frame])
