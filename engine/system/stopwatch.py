"""A clock that can be halted, for runs that pause and for runs that are continued another day."""

from __future__ import annotations

import time


class Stopwatch:
    """Counts seconds while it runs, beginning at `seconds`."""

    def __init__(self, seconds: float = 0.0) -> None:
        self._counted = seconds
        self._since: float | None = None

    @property
    def seconds(self) -> float:
        return self._counted + (time.monotonic() - self._since if self._since is not None else 0.0)

    def start(self) -> None:
        """Runs on; nothing changes if it runs already."""
        if self._since is None:
            self._since = time.monotonic()

    def stop(self) -> None:
        """Halts; nothing changes if it stands already."""
        self._counted, self._since = self.seconds, None
