"""Importing pycolmap without its SIGTERM handler.

On import, glog (a library inside pycolmap) installs a handler of SIGTERM that prints a stack trace and ends the
process, while this program saves the run on SIGTERM (`engine.system.interruption`). Python can restore a handler only
from the main thread, so the C function `sigaction` is called instead.
"""

from __future__ import annotations

import ctypes
import signal
import sys

SIGACTION_BYTES = 1024  # room for C's `struct sigaction`, which is smaller on all systems


def load_pycolmap() -> None:
    """Imports pycolmap, from any thread, and restores the handler of SIGTERM; no effect if it is imported already."""
    if "pycolmap" in sys.modules:
        return
    if sys.platform == "win32":
        import pycolmap

        return
    system, before = ctypes.CDLL(None), ctypes.create_string_buffer(SIGACTION_BYTES)
    kept = system.sigaction(int(signal.SIGTERM), None, before) == 0
    try:
        import pycolmap  # noqa: F401
    finally:
        if kept:
            system.sigaction(int(signal.SIGTERM), before, None)
