"""The export dialog: format, path, progress."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dearpygui.dearpygui as dpg

from app.model.common import layout
from app.model.export import saving
from app.model.export.export_choices import ExportChoice, list_choices, propose_path
from app.model.export.export_job import Exporting
from app.model.state.scene_kinds import get_kind
from app.model.state.state import State
from app.panels.widgets.parts import MUTED, RED, dim_when_disabled, set_text, show_centred
from engine.errors import UserError
from engine.export.camera_path_file import PATH_FILE, write_path

TAG = layout.EXPORT
WIDTH, LABELS = 640, 70  # of the window, and of the labels at its left, pixels


class ExportDialog:
    """A window above the others; an export continues when it is closed."""

    def __init__(self, state: State, start: Callable[..., Exporting] = Exporting) -> None:
        """`start` begins an export; tests give another one."""
        self._state, self._start = state, start
        self._choices: tuple[ExportChoice, ...] = ()
        self._job: Exporting | None = None

    def build(self) -> None:
        """Makes the window, hidden."""
        with dpg.window(
            label="Export", tag=TAG, show=False, width=WIDTH, autosize=True, no_docking=True, no_collapse=True
        ):
            with dpg.group(horizontal=True):
                dpg.add_text("Format", color=MUTED)
                self._format = dpg.add_combo((), width=-1, indent=LABELS, callback=self._chosen)
            self._words = dpg.add_text("", color=MUTED, wrap=WIDTH - 30, indent=LABELS)
            with dpg.group(horizontal=True):
                dpg.add_text("Path", color=MUTED)
                self._path = dpg.add_input_text(width=-1, indent=LABELS)
            self._replace = dpg.add_checkbox(label="Replace an earlier export there", indent=LABELS)
            dpg.add_spacer(height=4)
            with dpg.group(horizontal=True, indent=LABELS):
                self._export = dpg.add_button(label="Write", width=110, callback=self._pressed)
                dpg.add_button(label="Close", width=80, callback=lambda: dpg.configure_item(TAG, show=False))
            dim_when_disabled(self._export)
            self._bar = dpg.add_progress_bar(width=-1, height=6, show=False)
            self._said = dpg.add_text("", wrap=WIDTH - 30, show=False)

    def open(self) -> None:
        """Shows it with the formats of the present run."""
        run = self._state.run
        if run is None or run.opened is None:
            self._state.banner = "There is nothing to export before a scene is open."
            return
        offered = list_choices(get_kind(run) == "planar")
        if offered != self._choices or not dpg.get_value(self._format):
            self._choices = offered
            dpg.configure_item(self._format, items=[choice.label for choice in offered])
            dpg.set_value(self._format, offered[0].label)
        self._chosen()
        show_centred(TAG, WIDTH, 230)

    def update(self) -> None:
        """Shows the progress; a failure is shown in the banner too, because the dialog may be closed."""
        job = self._job
        if job is None:
            return
        dpg.set_item_label(self._export, "Write" if job.finished else "Stop")
        dpg.configure_item(self._bar, show=not job.finished)
        self._state.exporting = None if job.finished else job.doing
        if not job.finished:
            dpg.set_value(self._bar, job.progress)
            self._say(f"{100 * job.progress:3.0f} %   {job.doing}")
            return
        self._job = None
        if job.error is not None:
            self._state.banner = job.error
            self._say(job.error, bad=True)
        elif job.progress < 1:
            self._say("Stopped; nothing was written.")
        else:
            self._say("\n".join(job.notes))
            if not dpg.is_item_shown(TAG):
                self._state.notice = " ".join(job.notes)

    def close(self) -> None:
        """Stops an export, and waits until it has ended."""
        if self._job is not None:
            self._job.stop()
            self._job.join()

    def _chosen(self) -> None:
        choice, run = self._choice(), self._state.run
        set_text(self._words, choice.words)
        if run is not None and run.opened is not None:
            dpg.set_value(self._path, str(propose_path(choice, run.opened.folder)))
        dpg.configure_item(self._replace, show=choice.form is not None)
        dpg.configure_item(self._said, show=False)

    def _choice(self) -> ExportChoice:
        label = dpg.get_value(self._format)
        return next((choice for choice in self._choices if choice.label == label), self._choices[0])

    def _pressed(self) -> None:
        if self._job is not None:
            self._job.stop()
            return
        try:
            self._begin(self._choice())
        except UserError as error:
            self._say(str(error), bad=True)

    def _begin(self, choice: ExportChoice) -> None:
        run, text = self._state.run, dpg.get_value(self._path).strip().strip("'\"")
        if run is None or run.opened is None:
            raise UserError("There is no run any more; open a scene first.")
        if not text:
            raise UserError("Type a path.")
        path = Path(text).expanduser().absolute()
        dpg.configure_item(self._said, show=False)
        if choice.form is None:
            saving.export_poses(self._state, path)
            self._say(f"Written: {path}")
            return
        replaces = dpg.get_value(self._replace)
        if not replaces and (path.is_file() or (path.is_dir() and any(path.iterdir()))):
            raise UserError(f"{path} exists already; give another path, or tick Replace.")
        words = ["--to", choice.form, "--output", str(path), "--device", run.opened.run.device]
        if replaces:
            words.append("--force")
        if choice.form == "video" and self._state.novel.keyframes:
            keys = run.opened.folder / PATH_FILE
            write_path(self._state.novel.keyframes, keys)
            words += ["--camera-path", str(keys)]
        self._job = self._start(run.opened.run, run.opened.folder, words, path)

    def _say(self, text: str, bad: bool = False) -> None:
        dpg.configure_item(self._said, show=True, color=RED if bad else MUTED)
        set_text(self._said, text)
