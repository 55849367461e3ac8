"""Files that are dropped into the window. Dear PyGui has no event for them; GLFW, with which it is built, has.

On X11 and macOS Dear PyGui's library exports GLFW's functions; on Windows, where it does not use GLFW, nothing can be
dropped.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

import dearpygui._dearpygui

_Callback = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(ctypes.c_char_p))


class FileDrop:
    """Collects dropped files. To be made in the window's thread, after its viewport was shown.

    Attributes:
        possible: whether files can be dropped on this system.
    """

    def __init__(self) -> None:
        self._dropped: list[tuple[Path, ...]] = []
        self._callback = _Callback(self._take)  # GLFW keeps no reference to it
        self.possible = _listen(self._callback)

    def taken(self) -> list[tuple[Path, ...]]:
        """The paths that were dropped since the last call, those of one drop together."""
        dropped, self._dropped = self._dropped, []
        return dropped

    def _take(self, _window: int, count: int, paths: ctypes._Pointer[ctypes.c_char_p]) -> None:
        found = (paths[index] for index in range(count))
        self._dropped.append(tuple(Path(os.fsdecode(path)) for path in found if path))


def _listen(callback: ctypes._FuncPointer) -> bool:
    """Registers the callback with GLFW; False where its functions are missing."""
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
