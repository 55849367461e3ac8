"""Checks that there is a display to open a window on: Dear PyGui aborts the process where there is none."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sys

from engine.errors import UserError


def require_display() -> None:
    """Opens and closes the X display on Linux.

    Raises:
        UserError: there is none, or it does not answer.
    """
    if not sys.platform.startswith("linux"):
        return
    name = os.environ.get("DISPLAY", "")
    if not name:
        raise UserError(
            "There is no display to open a window on (DISPLAY is not set); log in at a desktop, use `ssh -X`, or "
            "train without a window with l2g-train."
        )
    library = ctypes.util.find_library("X11")
    if library is None:
        raise UserError("The library libX11 is missing; install it (Debian: apt install libx11-6 libgl1).")
    x11 = ctypes.CDLL(library)
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XOpenDisplay.argtypes = [ctypes.c_char_p]
    x11.XCloseDisplay.argtypes = [ctypes.c_void_p]
    display = x11.XOpenDisplay(name.encode())
    if not display:
        raise UserError(
            f"The display {name} does not answer; check DISPLAY and that you may use it, or train without a "
            "window with l2g-train."
        )
    x11.XCloseDisplay(display)
