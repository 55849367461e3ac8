"""How many pictures came lately."""

from __future__ import annotations

from collections import deque

WINDOW = 2.0  # seconds that are looked back


class PicturesRate:
    """Counts pictures over the last seconds."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def drawn(self, now: float) -> None:
        """A picture came, at so many seconds on any clock."""
        self._times.append(now)

    def per_second(self, now: float) -> float:
        """Pictures per second over the last two seconds."""
        while self._times and now - self._times[0] > WINDOW:
            self._times.popleft()
        if len(self._times) < 2:
            return float(len(self._times)) / WINDOW
        return (len(self._times) - 1) / max(now - self._times[0], 1e-3)
