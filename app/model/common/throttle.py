"""Values that are sent to the engine at a limited rate, and shown until the engine confirms them."""

from __future__ import annotations

import math
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Throttle(Generic[Value]):
    """Passes on the latest value at most once per period (seconds); the last value is always passed on."""

    def __init__(self, period: float) -> None:
        self.period = period
        self._waiting: Value | None = None
        self._passed_at = -math.inf

    def offer(self, value: Value) -> None:
        """Gives a value; it replaces one that was not taken yet."""
        self._waiting = value

    def take(self, now: float) -> Value | None:
        """The value that is due, once; None while there is none. `now` is in seconds of any steady clock."""
        if self._waiting is None or now - self._passed_at < self.period:
            return None
        value, self._waiting = self._waiting, None
        self._passed_at = now
        return value


class Confirmed:
    """What a slider shows for a number that the engine keeps and the user drags.

    While the slider is held, its own value; then the value that was sent, until the engine reports the same (to
    `tolerance`) or `patience` seconds have passed; then the engine's value.
    """

    def __init__(self, patience: float = 2.0, tolerance: float = 1e-6) -> None:
        self.patience, self.tolerance = patience, tolerance
        self._sent: float | None = None
        self._sent_at = -math.inf

    def send(self, value: float, now: float) -> None:
        """Notes a value that was sent to the engine."""
        self._sent, self._sent_at = value, now

    def shown(self, engine: float, held: float | None, now: float) -> float:
        """The value to show.

        Args:
            engine: value of the newest snapshot.
            held: value of the slider while it is held, else None.
            now: seconds, of the clock of `send`.
        """
        if held is not None:
            return held
        if self._sent is not None:
            if abs(engine - self._sent) <= self.tolerance or now - self._sent_at > self.patience:
                self._sent = None
            else:
                return self._sent
        return engine
