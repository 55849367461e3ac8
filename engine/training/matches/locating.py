"""The pose of a single frame by its matches with frames whose poses are known."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from engine.evidence.resection import find_known_points, find_sharing_frames, locate_frame
from engine.evidence.tracks import Tracks
from engine.geometry.intrinsics import Intrinsics
from engine.system import cores

LOCATING_STARTS = 8  # frames that share most tracks, from whose poses a frame is located


def locate_by_matches(
    tracks: Tracks,
    frame: int,
    registered: list[int],
    poses: Float[Tensor, "frames 3 4"],
    intrinsics: Intrinsics,
) -> Float[Tensor, "3 4"] | None:
    """Where a frame stands, on the CPU; None where too few of its matches fit.

    Args:
        tracks: of all frames.
        frame: that is located.
        registered: frames whose poses are known.
        poses: of all frames, world-to-camera, on the CPU.
        intrinsics: of all frames.
    """
    if len(registered) < 2:
        return None
    known = find_known_points(tracks, frame, registered, poses[registered], intrinsics)
    nearest = find_sharing_frames(tracks, frame, registered, LOCATING_STARTS)
    with cores.leave_one_core_free():
        return locate_frame(known, poses[[frame, *nearest]])
