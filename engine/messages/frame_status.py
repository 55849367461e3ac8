"""What a frame of a run (a camera, or a patch of one image) is to the others."""

from __future__ import annotations

from enum import StrEnum


class FrameStatus(StrEnum):
    """Frames that are not registered are left out of the loss.

    Attributes:
        REGISTERED: has a pose that agrees with the others; trains with them.
        SEARCHING: its pose is being searched for.
        WAITING: will be searched for, once the field shows what the others agree on.
        REJECTED: was searched for and fits nowhere; it is searched for again at the next stage.
        EXCLUDED: the user has left it out; nothing is done with it until it is brought back.
    """

    REGISTERED = "registered"
    SEARCHING = "searching"
    WAITING = "waiting"
    REJECTED = "rejected"
    EXCLUDED = "excluded"
