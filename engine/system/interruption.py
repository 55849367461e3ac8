"""Ctrl-C and SIGTERM as a question that a loop may ask, so that it ends where nothing is half done."""

from __future__ import annotations

import os
import signal
from types import FrameType
from typing import Any


class Interruption:
    """While this context is open the first signal is only noted; the second one ends the process at once.

    Attributes:
        signal: that arrived, or None.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.signal: int | None = None
        self._before: dict[int, Any] = {}

    @property
    def exit_code(self) -> int:
        """As shells have it: 130 after Ctrl-C, 143 after SIGTERM."""
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
            os._exit(128 + number)  # threads may be anywhere: no orderly end is left to wait for
        self.signal = number
        os.write(2, b"\nSaving the run; once more to abort.\n")  # not print: this may interrupt another print
