"""What a right click on a camera offers."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from app.model.novel.novel_control import change_mode
from app.model.state.excluding import describe_exclusion, toggle_exclusion
from app.model.state.state import State
from app.panels.widgets.parts import MUTED, set_text


class FrameMenu:
    """A small menu at the mouse, about one frame."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._frame = 0

    def build(self) -> None:
        """Makes it, hidden."""
        with dpg.window(
            label="Frame menu",
            popup=True,
            show=False,
            no_title_bar=True,
            autosize=True,
            min_size=(180, 40),
            no_move=True,
        ) as self._window:
            self._name = dpg.add_text("", color=MUTED)
            self._exclude = dpg.add_selectable(label="Exclude", callback=self._toggle)
            self._look = dpg.add_selectable(label="Look through it", callback=self._follow)

    def open(self, frame: int) -> None:
        """Opens it for a training frame, which becomes the selected one."""
        state = self._state
        run = state.run
        if run is None or run.scene is None:
            return
        self._frame = frame
        state.select(frame)
        set_text(self._name, f"Frame {frame + 1}: {run.scene.names[run.scene.training_frames[frame]]}")
        dpg.configure_item(self._exclude, label=f"{describe_exclusion(run, frame)}###exclude in menu")
        x, y = dpg.get_mouse_pos(local=False)
        dpg.configure_item(self._window, show=True, pos=(int(x), int(y)))

    def _toggle(self, sender: int) -> None:
        dpg.set_value(sender, False)
        dpg.configure_item(self._window, show=False)
        toggle_exclusion(self._state, self._frame)

    def _follow(self, sender: int) -> None:
        dpg.set_value(sender, False)
        dpg.configure_item(self._window, show=False)
        change_mode(self._state.novel, "follow")
