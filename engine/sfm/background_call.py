"""A call into pycolmap that takes long, run beside a loop that looks at how far it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

from engine.sfm.pycolmap_import import load_pycolmap

FATAL = 3  # glog's level: what COLMAP has to say comes as an exception too
LOOK_EVERY = 0.1  # seconds


def silence_pycolmap() -> None:
    """Loads pycolmap and keeps it from writing its log to the console."""
    load_pycolmap()
    import pycolmap

    pycolmap.logging.minloglevel = FATAL


def run_in_background(call: Callable[[Any], None]) -> Iterator[bool]:
    """Runs `call(token)` in a thread of its own and yields ten times a second until it is done: True at last.

    pycolmap lets go of the interpreter while it works. When the iterator is closed, as by Ctrl-C in the loop, the
    token asks pycolmap to leave, and its thread is waited for.

    Raises:
        whatever the call raised.
    """
    import pycolmap

    token = pycolmap.CancellationToken()
    failure: list[BaseException] = []

    def work() -> None:
        try:
            call(token)
        except BaseException as error:  # handed to the caller's thread
            failure.append(error)

    thread = threading.Thread(target=work, name="pycolmap", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(LOOK_EVERY)
            if thread.is_alive():
                yield False
    finally:
        token.cancel()
        thread.join()
    if failure:
        raise failure[0]
    yield True
