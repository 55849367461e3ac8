"""Values on their way to the engine: not more often than it can follow, and shown until it confirms them."""

from __future__ import annotations

import math
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Throttle(Generic[Value]):
    """Lets the latest value through, at most once per period; the last one always gets through."""

    def __init__(self, period: float) -> None:
        self.period = period
        self._waiting: Value | None = None
        self._passed_at = -math.inf

    def offer(self, value: Value) -> None:
        """Takes the place of a value that still waits."""
        self._waiting = value

    def take(self, now: float) -> Value | None:
        """The value that is due, once; None if there is none. `now` is any steady clock, in seconds."""
        if self._waiting is None or now - self._passed_at < self.period:
            return None
        value, self._waiting = self._waiting, None
        self._passed_at = now
        return value


class Confirmed:
    """A number that the engine owns and the user drags: what a slider shows.

    While it is held it shows the hand's value; afterwards what was sent, until the engine says the same or `patience`
    seconds have passed; then the engine's.
    """

    def __init__(self, patience: float = 2.0, tolerance: float = 1e-6) -> None:
        self.patience, self.tolerance = patience, tolerance
        self._sent: float | None = None
        self._sent_at = -math.inf

    def send(self, value: float, now: float) -> None:
        """Takes note of what the engine was told."""
        self._sent, self._sent_at = value, now

    def shown(self, engine: float, held: float | None, now: float) -> float:
        """What to show; `held` is the hand's value while the slider is held, else None."""
        if held is not None:
            return held
        if self._sent is not None:
            if abs(engine - self._sent) <= self.tolerance or now - self._sent_at > self.patience:
                self._sent = None
            else:
                return self._sent
        return engine
