"""A value that is computed in a thread of its own, again and again, without anybody waiting for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class ComputedAside(Generic[Value]):
    """Computes one value at a time; while it does, further ones are not begun.

    Attributes:
        newest: the last value that was computed, or None.
    """

    def __init__(self) -> None:
        self.newest: Value | None = None
        self._thread: threading.Thread | None = None
        self._error: Exception | None = None

    @property
    def busy(self) -> bool:
        """Whether a value is being computed."""
        return self._thread is not None and self._thread.is_alive()

    def begin(self, compute: Callable[[], Value]) -> None:
        """Begins to compute a value, unless one is being computed.

        Raises:
            Exception: what the computation before has raised.
        """
        if self.busy:
            return
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        self._thread = threading.Thread(target=self._compute, args=(compute,), name="aside", daemon=True)
        self._thread.start()

    def join(self, timeout: float) -> None:
        """Waits for the value that is being computed, at most `timeout` seconds."""
        if self._thread is not None:
            self._thread.join(timeout)

    def _compute(self, compute: Callable[[], Value]) -> None:
        try:
            self.newest = compute()
        except Exception as error:  # shown by the thread of the window
            self._error = error
