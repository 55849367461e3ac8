"""Windows that ask for a path, or whether to leave."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dearpygui.dearpygui as dpg

from app.model.common import layout
from app.panels.bars.browser import Browser, Kind
from app.panels.widgets.parts import MUTED, RED, add_tool_tip, set_text, show_centred
from engine.errors import UserError

WIDTH, LEAVE_WIDTH = 620, 460  # pixels
BROWSE = 78  # width of a button that looks through the disk, with the gap beside it, pixels


class PathDialog:
    """Asks for a path; while the path is not accepted it stays open and says why."""

    def __init__(
        self,
        tag: int,
        title: str,
        sentence: str,
        act: Callable[[Path], None],
        browser: Browser | None = None,
        kinds: tuple[Kind, ...] = (),
    ) -> None:
        """`act` is called with the path; it raises `UserError` if the path cannot be used. `kinds` are what can be
        chosen in the `browser`."""
        self._tag, self._title, self._sentence, self._act = tag, title, sentence, act
        self._browser, self._kinds = browser, kinds
        self._choices: int | str = 0

    def build(self) -> None:
        """Makes the window, hidden."""
        with dpg.window(
            label=self._title, tag=self._tag, show=False, width=WIDTH, autosize=True, no_docking=True, no_collapse=True
        ):
            dpg.add_text(self._sentence, wrap=WIDTH - 30)
            with dpg.group(horizontal=True):
                taken = 110 + BROWSE * len(self._kinds)
                self._path = dpg.add_input_text(width=WIDTH - taken, on_enter=True, callback=self._chosen)
                for kind in self._kinds:
                    dpg.add_button(
                        label=f"{kind.capitalize()}…",
                        width=BROWSE - 8,
                        user_data=kind,
                        callback=lambda _, __, wanted: self._browse(wanted),
                    )
                    add_tool_tip(dpg.last_item(), f"Looks through the disk for a {kind}.")
                dpg.add_button(label="OK", width=70, callback=self._chosen)
            self._wrong = dpg.add_text("", color=RED, wrap=WIDTH - 30)
            self._choices = dpg.add_group()

    def open(self, path: str = "", choices: list[str] | None = None) -> None:
        """Shows it with a path filled in, and a button for each of the other choices."""
        dpg.set_value(self._path, path)
        set_text(self._wrong, "")
        dpg.delete_item(self._choices, children_only=True)
        for choice in choices or []:
            label = choice if len(choice) <= 80 else f"…{choice[-79:]}"
            dpg.add_button(
                label=f"{label}##{choice}",
                width=WIDTH - 32,
                parent=self._choices,
                user_data=choice,
                callback=lambda _, __, chosen: self._take(chosen),
            )
        show_centred(self._tag, WIDTH, 140 + 26 * len(choices or []))
        dpg.focus_item(self._path)

    @property
    def shown(self) -> bool:
        """Whether it is open."""
        return dpg.is_item_shown(self._tag)

    def _browse(self, kind: Kind) -> None:
        if self._browser is not None:
            self._browser.ask(kind, dpg.get_value(self._path).strip(), self._take)

    def _chosen(self) -> None:
        self._take(dpg.get_value(self._path).strip().strip("'\""))

    def _take(self, path: str) -> None:
        if not path:
            set_text(self._wrong, "Type a path.")
            return
        try:
            self._act(Path(path).expanduser())
        except UserError as error:
            set_text(self._wrong, str(error))
            dpg.focus_item(self._path)  # which the return key has taken the keyboard from
            return
        dpg.configure_item(self._tag, show=False)


class LeaveDialog:
    """Asks before leaving a run that has changed since it was saved."""

    TAG = layout.LEAVING

    def __init__(self, leave: Callable[[bool], None]) -> None:
        """`leave` is called with whether to save."""
        self._leave = leave

    def build(self) -> None:
        """Makes the window, hidden."""
        with dpg.window(
            label="Leave",
            tag=self.TAG,
            show=False,
            width=LEAVE_WIDTH,
            autosize=True,
            no_docking=True,
            no_collapse=True,
            no_resize=True,
        ):
            self._text = dpg.add_text("", wrap=LEAVE_WIDTH - 30)
            dpg.add_text("A saved run is continued with Load, or with --resume.", color=MUTED)
            dpg.add_spacer(height=4)
            with dpg.group(horizontal=True):
                dpg.add_button(label="Save and leave", width=140, callback=lambda: self._leave(True))
                dpg.add_button(label="Leave without saving", width=160, callback=lambda: self._leave(False))
                dpg.add_button(label="Stay", width=120, callback=lambda: dpg.configure_item(self.TAG, show=False))

    def open(self, folder: Path, racing: bool = False, training: bool = True, writing: bool = False) -> None:
        """Shows it.

        Args:
            folder: of the run, or of the contestant of a race that is shown.
            racing: whether there is a race.
            training: whether the run, or the race, has not ended.
            writing: whether an export or a film is being written.
        """
        where = f"last checkpoints in {folder.parent}" if racing else f"last checkpoint in {folder}"
        have = "The race has not ended; what its runs have" if racing else "The run has not ended; what it has"
        lines = [f"{have} learned since {'their' if racing else 'its'} {where} is not saved."] if training else []
        if writing:
            lines.append("What is being exported or filmed is not written to its end.")
        set_text(self._text, "\n".join(lines))
        show_centred(self.TAG, LEAVE_WIDTH, 140)
