"""What the window says of a frame (or a patch) that is not trained with the others."""

from __future__ import annotations

from collections.abc import Sequence

from engine.messages import FrameStatus

STATUS_SENTENCES: dict[FrameStatus, str] = {
    FrameStatus.REGISTERED: "",
    FrameStatus.SEARCHING: "searching: its pose is not known yet",
    FrameStatus.WAITING: "waiting: its pose will be searched for",
    FrameStatus.REJECTED: "rejected: no pose fits it",
    FrameStatus.EXCLUDED: "excluded: left out of training and measuring",
}


WAITING_UNASSISTED = "waiting: without assistance its pose is not searched for"


def get_status(statuses: Sequence[FrameStatus], frame: int) -> FrameStatus:
    """The status of one frame.

    Args:
        statuses: of all frames, as in `Snapshot.frame_status`; may be shorter, as of an earlier moment, of which the
            status is not kept. Frames that are missing in it count as registered.
        frame: index of the training frame or patch.
    """
    return statuses[frame] if frame < len(statuses) else FrameStatus.REGISTERED


def describe_status(statuses: Sequence[FrameStatus], frame: int) -> str:
    """The status of one frame in a word; nothing where it is registered."""
    status = get_status(statuses, frame)
    return "" if status is FrameStatus.REGISTERED else status.value
