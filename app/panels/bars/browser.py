"""Choosing a folder or a file by looking through the disk, in the place of typing its path."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import dearpygui.dearpygui as dpg

Kind = Literal["folder", "file"]
SIZE, EDGE = (700, 460), 20  # of the window, and what is left free round it in a small one, pixels


class Browser:
    """A window of Dear PyGui's, made anew each time: where it begins cannot be changed later."""

    def __init__(self) -> None:
        self._window: int | str = 0
        self._take: Callable[[str], None] = lambda path: None

    def ask(self, kind: Kind, start: str, take: Callable[[str], None]) -> None:
        """Shows the window.

        Args:
            kind: what is chosen.
            start: path at which it begins, or the folder above it that exists.
            take: called with the path that was chosen.
        """
        if self._window:
            dpg.delete_item(self._window)
        self._take = take
        self._window = dpg.add_file_dialog(
            label=f"Choose a {kind}",
            directory_selector=kind == "folder",
            default_path=str(find_folder(start)),
            width=min(SIZE[0], dpg.get_viewport_client_width() - EDGE),
            height=min(SIZE[1], dpg.get_viewport_client_height() - EDGE),
            modal=True,
            callback=lambda _, found: self._take(read_choice(found, kind)),
            cancel_callback=lambda: None,
        )
        if kind == "file":
            dpg.add_file_extension(".*", parent=self._window)

    def close(self) -> bool:
        """Closes the window; whether it was open."""
        if not self._window or not dpg.is_item_shown(self._window):
            return False
        dpg.delete_item(self._window)
        self._window = 0
        return True


def find_folder(path: str) -> Path:
    """The folder at which to begin: the path, or the nearest one above it that is a folder; without a path the present
    one."""
    wanted = Path(path).expanduser().absolute() if path else Path.cwd()
    return next(folder for folder in (wanted, *wanted.parents) if folder.is_dir())


def read_choice(found: dict[str, Any], kind: Kind) -> str:
    """The path that was chosen, of what Dear PyGui tells of it: of a folder the one that is open or was clicked, of a
    file the one that was clicked, or else typed."""
    clicked = [str(path) for path in found.get("selections", {}).values()]
    if kind == "file" and clicked:
        return clicked[0]
    path = Path(str(found["file_path_name"]))
    return str(path if path.exists() else path.parent)  # "." or a file's extension may be added to a folder
