"""Ids of the user's gestures (one drag, one click): commands that carry one id are undone and drawn as one."""

from __future__ import annotations

import time


def begin_gesture() -> int:
    """An id that no other gesture has: the time at which it begins, in nanoseconds."""
    return time.time_ns()


class DragGesture:
    """The id of a drag for as long as it lasts, of a slider or of several that are one."""

    def __init__(self) -> None:
        self._id: int | None = None

    def current(self) -> int:
        """The id of the drag that is under way; begins one where none is."""
        if self._id is None:
            self._id = begin_gesture()
        return self._id

    def follow(self, held: bool) -> None:
        """Ends the drag where nothing is held any more.

        To be called once per frame of the window, after the callbacks of that frame: the last one of a drag arrives in
        the frame in which the slider is first seen released.
        """
        if not held:
            self._id = None
