"""A drag of the gizmo as commands: up to ten small kicks a second, which add up to the whole motion."""

from __future__ import annotations

import math

from app.model.cameras.gizmo import make_twist
from app.model.common.gestures import begin_gesture
from app.model.common.pictures import GizmoPart
from engine.messages import PerturbPose

PERIOD = 0.1  # seconds between kicks
LEAST = 1e-6  # radians or scene units: less is no movement


class Nudges:
    """Keeps how much of a drag was sent to the engine."""

    def __init__(self, period: float = PERIOD) -> None:
        self._period = period
        self._frame = 0
        self._part: GizmoPart = "move x"
        self._gesture = 0
        self._sent = 0.0
        self._sent_at = -math.inf

    def begin(self, frame: int, part: GizmoPart) -> None:
        """Begins a drag of a part of the gizmo of a frame: a new gesture."""
        self._frame, self._part, self._sent = frame, part, 0.0
        self._gesture = begin_gesture()

    def due(self, amount: float, now: float) -> PerturbPose | None:
        """The kick that takes the engine from what was sent to `amount`; None within `PERIOD` of the last kick.

        Args:
            amount: scene units or radians since the drag began.
            now: seconds, of any steady clock.
        """
        if now - self._sent_at < self._period:
            return None
        command = self.rest(amount)
        if command is not None:
            self._sent_at = now
        return command

    def rest(self, amount: float) -> PerturbPose | None:
        """The kick for all of `amount` that was not sent yet; None where that is less than `LEAST`."""
        increment = amount - self._sent
        if abs(increment) < LEAST:
            return None
        self._sent = amount
        return PerturbPose(self._frame, *make_twist(self._part, increment), self._gesture)
