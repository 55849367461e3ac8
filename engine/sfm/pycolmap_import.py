"""Loading pycolmap without its handler of SIGTERM.

When it is imported, glog inside it takes SIGTERM over: the process would print a stack trace and die, where ours saves
the run (`engine.system.interruption`). Python cannot put its handler back from a thread, so the system is asked to.
"""

from __future__ import annotations

import ctypes
import signal
import sys

ROOM = 1024  # bytes; `struct sigaction` is smaller everywhere


def load_pycolmap() -> None:
    """Imports pycolmap, from any thread, and leaves SIGTERM as it was; does nothing the second time."""
    if "pycolmap" in sys.modules:
        return
    if sys.platform == "win32":
        import pycolmap

        return
    system, before = ctypes.CDLL(None), ctypes.create_string_buffer(ROOM)
    kept = system.sigaction(int(signal.SIGTERM), None, before) == 0
    try:
        import pycolmap  # noqa: F401
    finally:
        if kept:
            system.sigaction(int(signal.SIGTERM), before, None)
