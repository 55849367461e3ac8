"""A stopwatch that can be stopped and started again, for runs that pause or continue from a checkpoint."""

from __future__ import annotations

import time


class Stopwatch:
    """Counts seconds of monotonic time while it runs; stopped at first.

    Args:
        seconds: where counting begins.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self._counted = seconds
        self._since: float | None = None

    @property
    def seconds(self) -> float:
        """Seconds counted so far."""
        return self._counted + (time.monotonic() - self._since if self._since is not None else 0.0)

    def start(self) -> None:
        """Starts counting; no effect if it is running."""
        if self._since is None:
            self._since = time.monotonic()

    def stop(self) -> None:
        """Stops counting; no effect if it is stopped."""
        self._counted, self._since = self.seconds, None
