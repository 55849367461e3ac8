"""Long calls into pycolmap in a thread, while the caller polls their progress."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

from engine.sfm.pycolmap_import import load_pycolmap

FATAL_LOG_LEVEL = 3  # of glog; COLMAP's lesser messages are not needed, as failures also raise exceptions
POLL_SECONDS = 0.1  # between two checks of whether the call has ended


def silence_pycolmap() -> None:
    """Imports pycolmap and stops it from writing its log to the console."""
    load_pycolmap()
    import pycolmap

    pycolmap.logging.minloglevel = FATAL_LOG_LEVEL


def run_in_background(call: Callable[[Any], None]) -> Iterator[bool]:
    """Runs `call(token)` in a thread and yields False every `POLL_SECONDS` until it ends, then True once.

    pycolmap releases the interpreter lock meanwhile. When the iterator is closed early (Ctrl-C in the loop, for
    example) the cancellation token tells pycolmap to stop, and the thread is joined.

    Raises:
        any exception that the call raised.
    """
    import pycolmap

    token = pycolmap.CancellationToken()
    failure: list[BaseException] = []

    def work() -> None:
        try:
            call(token)
        except BaseException as error:  # raised again in the caller's thread
            failure.append(error)

    thread = threading.Thread(target=work, name="pycolmap", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(POLL_SECONDS)
            if thread.is_alive():
                yield False
    finally:
        token.cancel()
        thread.join()
    if failure:
        raise failure[0]
    yield True
