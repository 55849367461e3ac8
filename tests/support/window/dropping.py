"""Drops files on a window as a file manager does: the XDND protocol, version 5, through libX11."""

from __future__ import annotations

import ctypes
import ctypes.util
import time
from collections.abc import Sequence
from pathlib import Path

from tests.support.window.closing import CLIENT_MESSAGE, ClientMessage

SELECTION_REQUEST, SELECTION_NOTIFY = 30, 31
REPLACE, BYTES = 0, 8
VERSION = 5


def _selection(*windows: str) -> tuple[tuple[str, type], ...]:
    """The fields of an X event about a selection that concerns these windows."""
    first = (("type", ctypes.c_int), ("serial", ctypes.c_ulong), ("send_event", ctypes.c_int))
    numbers = (*windows, "selection", "target", "property", "time")
    rest = tuple((name, ctypes.c_ulong) for name in numbers)
    return (*first, ("display", ctypes.c_void_p), *rest, ("padding", ctypes.c_long * 24))


class _SelectionRequest(ctypes.Structure):
    _fields_ = _selection("owner", "requestor")


class _SelectionNotify(ctypes.Structure):
    _fields_ = _selection("requestor")


def drop(display: str, window: int, paths: Sequence[Path], seconds: float = 60.0) -> bool:
    """Drops files on a window, and waits until it says that it has taken them; whether it has."""
    x11 = ctypes.CDLL(ctypes.util.find_library("X11"))
    for name in ("XOpenDisplay", "XInternAtom", "XCreateSimpleWindow", "XDefaultRootWindow"):
        getattr(x11, name).restype = ctypes.c_void_p if name == "XOpenDisplay" else ctypes.c_ulong
    connection = ctypes.c_void_p(x11.XOpenDisplay(display.encode()))
    number = ctypes.c_ulong

    def atom(name: str) -> int:
        return x11.XInternAtom(connection, name.encode(), 0)

    root = x11.XDefaultRootWindow(connection)
    source = x11.XCreateSimpleWindow(connection, number(root), 0, 0, 1, 1, 0, number(0), number(0))
    x11.XSetSelectionOwner(connection, number(atom("XdndSelection")), number(source), number(0))

    def send(name: str, *data: int) -> None:
        message = ClientMessage(type=CLIENT_MESSAGE, display=connection, window=window, format=32)
        message.message_type = atom(name)
        for index, value in enumerate((source, *data)):
            message.data[index] = value
        x11.XSendEvent(connection, number(window), 0, ctypes.c_long(0), ctypes.byref(message))
        x11.XFlush(connection)

    send("XdndEnter", VERSION << 24, atom("text/uri-list"))
    send("XdndPosition", 0, 200 << 16 | 200, 0, atom("XdndActionCopy"))
    send("XdndDrop", 0, 0)
    names = "".join(f"{path.absolute().as_uri()}\r\n" for path in paths).encode()
    end, taken = time.monotonic() + seconds, False
    while time.monotonic() < end and not taken:
        if not x11.XPending(connection):
            time.sleep(0.02)
            continue
        event = _SelectionRequest()
        x11.XNextEvent(connection, ctypes.byref(event))
        if event.type == CLIENT_MESSAGE:
            message = ctypes.cast(ctypes.byref(event), ctypes.POINTER(ClientMessage)).contents
            taken = message.message_type == atom("XdndFinished")
        if event.type != SELECTION_REQUEST:
            continue
        to, where, kind = number(event.requestor), number(event.property), number(event.target)
        x11.XChangeProperty(connection, to, where, kind, BYTES, REPLACE, names, len(names))
        answer = _SelectionNotify(type=SELECTION_NOTIFY, display=connection, requestor=event.requestor)
        answer.selection, answer.target = event.selection, event.target
        answer.property, answer.time = event.property, event.time
        x11.XSendEvent(connection, to, 0, ctypes.c_long(0), ctypes.byref(answer))
        x11.XFlush(connection)
    x11.XSync(connection, 0)
    x11.XCloseDisplay(connection)
    return taken
