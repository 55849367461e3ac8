"""Ctrl-C and SIGTERM as an attribute that a loop checks, so that it ends between two complete units of work.

And what Ctrl-C does before there is such a loop.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

INTERRUPTED = 128 + signal.SIGINT
"""Exit code after Ctrl-C, by the convention of shells."""


@contextlib.contextmanager
def end_at_once() -> Iterator[None]:
    """A context in which Ctrl-C ends the process immediately, without a word.

    For imports and other work of which nothing is left behind: raised as an exception, an interrupt may become another
    error there, be printed and ignored, or leave a library half made.
    """
    with _handling(lambda number, frame: os._exit(INTERRUPTED)):
        yield


@contextlib.contextmanager
def noting_interrupts() -> Iterator[list[int]]:
    """A context in which Ctrl-C raises `KeyboardInterrupt` as usual and is noted in the list that it gives."""
    noted: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        noted.append(number)
        signal.default_int_handler(number, frame)

    with _handling(note):
        yield noted


@contextlib.contextmanager
def _handling(handle: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """A context in which SIGINT calls a function; elsewhere than in the main thread it changes nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


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
