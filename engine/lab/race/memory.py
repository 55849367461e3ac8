"""Several runs in one process: what happens before their memory is more than the machine has."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil
from distributed.system import MEMORY_LIMIT

SHARE = 0.9  # of the machine's memory (of the container's, where that has a limit) that the process may have
GROWTH = 1.05  # the process does not shrink where a run has given its memory up: it has to have grown so much since
PERIOD = 1.0  # seconds between two looks


class MemoryGuard:
    """Says when one of the runs has to end for the others to go on.

    Args:
        limit_bytes: that the process may have.
        measure: memory of the process, bytes.
    """

    def __init__(self, limit_bytes: float = SHARE * MEMORY_LIMIT, measure: Callable[[], int] | None = None) -> None:
        self._limit = limit_bytes
        self._measure = measure or (lambda: psutil.Process().memory_info().rss)
        self._looked_at = float("-inf")

    def exceeded(self, now: float | None = None) -> bool:
        """Whether there is more than there may be, at most once for the same memory; looks now and then."""
        now = time.monotonic() if now is None else now
        if now - self._looked_at < PERIOD:
            return False
        self._looked_at = now
        held = self._measure()
        if held <= self._limit:
            return False
        self._limit = GROWTH * held
        return True
