"""Ctrl-C and SIGTERM as an attribute that a loop checks, so that it ends between two complete units of work."""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import Any


class Interruption:
    """A context in which the first SIGINT or SIGTERM is recorded and the second ends the process immediately.

    Attributes:
        signal: number of the signal that arrived, or None.

    Args:
        words: what is said when it arrives.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self, words: str = "Saving the run; once more to abort.") -> None:
        self.signal: int | None = None
        self._words = f"\n{words}\n".encode()
        self._before: dict[int, Any] = {}

    @property
    def exit_code(self) -> int:
        """Exit code by the convention of shells: 130 after Ctrl-C, 143 after SIGTERM, 0 without a signal."""
        return 128 + self.signal if self.signal else 0

    def __enter__(self) -> Interruption:
        self._before = {number: signal.signal(number, self._note) for number in self.SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, _: FrameType | None) -> None:
        if self.signal is not None:
            os.write(2, b"\nAborted.\n")
            os._exit(128 + number)  # an orderly end would have to wait for all threads
        self.signal = number
        os.write(2, self._words)  # not print: this may interrupt another print
