"""Files that are dropped into the window. Dear PyGui tells nobody of them; GLFW, which it is built with, does.

On X11 and macOS Dear PyGui's library brings GLFW's functions along; on Windows, where it does without GLFW, nothing
can be dropped.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import dearpygui._dearpygui

_Callback = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(ctypes.c_char_p))


class FileDrop:
    """Listens; there must be a viewport that was shown, in the thread that is calling.

    Attributes:
        possible: whether anything can be dropped here.
    """

    def __init__(self) -> None:
        self._dropped: list[tuple[Path, ...]] = []
        self._callback = _Callback(self._take)  # GLFW keeps no reference to it
        self.possible = _listen(self._callback)

    def taken(self) -> list[tuple[Path, ...]]:
        """What was dropped since it was asked the last time, together what came together."""
        dropped, self._dropped = self._dropped, []
        return dropped

    def _take(self, _window: int, count: int, paths: ctypes._Pointer[ctypes.c_char_p]) -> None:
        found = (paths[index] for index in range(count))
        self._dropped.append(tuple(Path(os.fsdecode(path)) for path in found if path))


def _listen(callback: ctypes._FuncPointer) -> bool:
    """Whether GLFW was there to be told of the callback."""
    library = ctypes.CDLL(dearpygui._dearpygui.__file__)
    try:
        current, listen = library.glfwGetCurrentContext, library.glfwSetDropCallback
    except AttributeError:
        return False
    current.restype, current.argtypes = ctypes.c_void_p, []
    listen.restype, listen.argtypes = ctypes.c_void_p, [ctypes.c_void_p, _Callback]
    window = current()
    if not window:
        return False
    listen(window, callback)
    return True
