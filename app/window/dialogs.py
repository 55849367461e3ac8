"""What the user is asked: for a scene, photos, a run, a file to write, and whether to leave."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dearpygui.dearpygui as dpg

from app.model.common import layout
from app.model.export import saving
from app.model.state.adding import add_photos, can_grow
from app.model.state.runs import Runs
from app.model.state.state import State
from app.panels.bars.browser import Browser, Kind
from app.panels.bars.dialogs import LeaveDialog, PathDialog
from app.panels.export.dialog import ExportDialog
from app.window.preferences import Preferences
from app.window.theme import frame_dialogs
from engine.scenes.paths import is_image, is_video

SCENES = Path(__file__).resolve().parents[2] / "scenes"  # shipped scenes, where the program runs from its repository
PHOTOS = "A photo of the same camera, or a folder of them. Photos can also be dropped into the window."
FORMATS = (
    "A folder of photos, or a video; a scene of LLFF, Blender, nerfstudio, instant-ngp, COLMAP and others; or one "
    "image, to align patches of it. It can also be dropped into an empty window."
)
RUN = "Folder of a run of this scene, with its checkpoint."


class Dialogs:
    """All windows that ask something; hidden until then.

    Attributes:
        export: the dialog of exports, which is to be updated in every frame.
    """

    def __init__(
        self,
        state: State,
        runs: Runs,
        preferences: Preferences,
        open_scene: Callable[[Path], None],
        leave: Callable[[bool], None],
    ) -> None:
        """`open_scene` is called with a path; `leave` with whether to save."""
        self._state, self._preferences, self._leave = state, preferences, leave
        self._write: Callable[[Path], None] = lambda path: None
        browser = self._browser = Browser()
        both: tuple[Kind, ...] = ("folder", "file")
        self._opening = PathDialog(layout.OPENING, "Open a scene", FORMATS, open_scene, browser, both)
        self._loading = PathDialog(layout.LOADING, "Continue a run", RUN, runs.resume, browser, ("folder",))
        self._adding = PathDialog(
            layout.ADDING, "Add photos", PHOTOS, lambda path: add_photos(state, [path]), browser, both
        )
        self._writing = PathDialog(layout.WRITING, "Write", "Path of the file.", lambda path: self._write(path))
        self._leaving = LeaveDialog(leave)
        self.export = ExportDialog(state)

    def build(self) -> None:
        """Makes them."""
        for dialog in (self._opening, self._loading, self._adding, self._writing, self.export, self._leaving):
            dialog.build()
        frame_dialogs(layout.DIALOGS)

    def ask_for_scene(self) -> None:
        """Asks for a scene, with recent and shipped ones."""
        kept = map(Path, self._preferences.recent)
        recent = [str(path) for path in kept if path.is_dir() or is_image(path) or is_video(path)]
        shipped = [str(SCENES / name) for name in ("fern", "desk", "locomotive", "cat") if (SCENES / name).is_dir()]
        self._opening.open(choices=list(dict.fromkeys(recent + shipped)))

    def ask_for_photos(self) -> None:
        """Asks for photos to add to the run.

        Raises:
            UserError: no photos can be added to it.
        """
        can_grow(self._state)
        self._adding.open()

    def ask_for_run(self) -> None:
        """Asks for a run to continue."""
        run = self._state.run
        folder = str(run.opened.folder) if run is not None and run.opened is not None else ""
        self._loading.open(folder)

    def ask_path(self, title: str, name: str, act: Callable[[Path], None]) -> None:
        """Asks where to write something, in the folder of the run under a name; `act` is called with the path."""
        run = self._state.run
        folder = run.opened.folder if run is not None and run.opened is not None else Path()
        dpg.configure_item(layout.WRITING, label=title)

        def write(path: Path) -> None:
            saving.refuse_existing(path)
            act(path)

        self._write = write
        self._writing.open(str(folder / name))

    def ask_to_leave(self) -> None:
        """Leaves; asks before if a run is still training."""
        run = self._state.run
        opened = run.opened if run is not None else None
        snapshot = run.snapshot if run is not None else None
        training = snapshot is not None and snapshot.status not in ("finished", "failed")
        writing = self._state.exporting is not None or bool(self._state.novel.filmed)
        if opened is None or not (training or writing) or dpg.is_item_shown(LeaveDialog.TAG):
            self._leave(True)
        else:
            racing = self._state.race.race is not None
            self._leaving.open(opened.folder, racing, training, writing)

    def close_all(self) -> None:
        """Hides all of them, and the help, or only what is above them; what is under way goes on."""
        if self._browser.close():
            return
        self._state.help_open = False
        for tag in layout.DIALOGS:
            if tag != layout.HELP:
                self.hide(tag)

    def hide(self, tag: int) -> None:
        """Hides one of them, for what it asks for has come in another way."""
        dpg.configure_item(tag, show=False)
