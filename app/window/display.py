"""The display to open a window on: Dear PyGui aborts the process where there is none, and does not know its size."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sys
from typing import Any, NamedTuple

from engine.errors import UserError


def require_display() -> None:
    """Opens and closes the X display on Linux.

    Raises:
        UserError: there is none, or it does not answer.
    """
    if not sys.platform.startswith("linux"):
        return
    _close(*_open_display())


class Screen(NamedTuple):
    """The part of the screen that a window may fill.

    Attributes:
        left, top, width, height: pixels; on several monitors, of all of them together.
        managed: whether a window manager places windows and adds a title.
    """

    left: int
    top: int
    width: int
    height: int
    managed: bool


def measure_screen() -> Screen | None:
    """The screen of the X display, without panels of the desktop; None where it is not known.

    Raises:
        UserError: as `require_display`.
    """
    if not sys.platform.startswith("linux"):
        return None
    x11, display = _open_display()
    try:
        number = x11.XDefaultScreen(display)
        whole = Screen(0, 0, x11.XDisplayWidth(display, number), x11.XDisplayHeight(display, number), False)
        if not _read_root(x11, display, b"_NET_SUPPORTING_WM_CHECK", 1):
            return whole
        left, top, width, height = _read_root(x11, display, b"_NET_WORKAREA", 4) or whole[:4]
        return Screen(left, top, width, height, managed=True)
    finally:
        _close(x11, display)


def _read_root(x11: Any, display: int, name: bytes, count: int) -> tuple[int, ...]:
    """The first numbers of a property of the root window; none where it has no such property."""
    kind, size, items, left = ctypes.c_ulong(), ctypes.c_int(), ctypes.c_ulong(), ctypes.c_ulong()
    data = ctypes.POINTER(ctypes.c_long)()  # numbers of 32 bits come as C's long
    parts = (ctypes.byref(part) for part in (kind, size, items, left, data))
    property_name, root = x11.XInternAtom(display, name, 0), x11.XDefaultRootWindow(display)
    x11.XGetWindowProperty(display, root, property_name, 0, count, 0, 0, *parts)
    found = tuple(int(data[index]) for index in range(count)) if items.value >= count and size.value == 32 else ()
    if data:
        x11.XFree(data)
    return found


def _open_display() -> tuple[Any, int]:
    """Xlib, and the display as it sees it; `_close` closes that."""
    name = os.environ.get("DISPLAY", "")
    if not name:
        if os.environ.get("WAYLAND_DISPLAY"):
            raise UserError(
                "This is a Wayland session without X11, and the window needs X11 (DISPLAY is not set); install or "
                "enable XWayland (Debian: apt install xwayland) and log in again, or train without a window with "
                "l2g-train."
            )
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
    pointer, number = ctypes.c_void_p, ctypes.c_int
    x11.XCloseDisplay.argtypes = x11.XDefaultScreen.argtypes = x11.XDefaultRootWindow.argtypes = [pointer]
    x11.XDisplayWidth.argtypes = x11.XDisplayHeight.argtypes = [pointer, number]
    x11.XInternAtom.argtypes, x11.XInternAtom.restype = [pointer, ctypes.c_char_p, number], ctypes.c_ulong
    x11.XDefaultRootWindow.restype = ctypes.c_ulong
    window = atom = ctypes.c_ulong
    x11.XGetWindowProperty.argtypes = [
        *(pointer, window, atom, ctypes.c_long, ctypes.c_long, number, atom),
        *(pointer, pointer, pointer, pointer, pointer),
    ]
    x11.XFree.argtypes = [pointer]
    display = x11.XOpenDisplay(name.encode())
    if not display:
        raise UserError(
            f"The display {name} does not answer; check DISPLAY and that you may use it, or train without a "
            "window with l2g-train."
        )
    return x11, display


def _close(x11: Any, display: int) -> None:
    x11.XCloseDisplay(display)
