"""The banner: a sentence about what went wrong and how to mend it, until it is closed."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from app import layout
from app.panels.parts import set_text
from app.render.renderer import Renderer
from app.state import State
from engine.messages import Snapshot

TAG = layout.BANNER
TOP = 46  # pixels from the window's upper edge, below the top bar
HEIGHT = 44


class Banner:
    """Shows what the window, the run or the render thread has to say, the newest first."""

    def __init__(self, state: State, renderer: Renderer) -> None:
        self._state, self._renderer = state, renderer
        self._run_said = self._renderer_said = ""

    def build(self) -> None:
        """Makes its own window, above the others."""
        with dpg.theme() as theme, dpg.theme_component(dpg.mvAll):
            dpg.add_theme_color(dpg.mvThemeCol_WindowBg, (92, 44, 32, 250))
            dpg.add_theme_style(dpg.mvStyleVar_WindowRounding, 4)
        with (
            dpg.window(
                tag=TAG,
                show=False,
                no_title_bar=True,
                no_resize=True,
                no_move=True,
                no_docking=True,
                no_scrollbar=True,
                min_size=(100, HEIGHT),
            ),
            dpg.group(horizontal=True),
        ):
            dpg.add_button(label="Close", callback=self._close)
            self._text = dpg.add_text("")
        dpg.bind_item_theme(TAG, theme)

    def update(self) -> None:
        """Takes up what is new."""
        run = self._state.run
        said = words_of(run.snapshot) if run is not None else ""
        if said != self._run_said:
            self._run_said = said
            self._state.banner = said or self._state.banner
        if (self._renderer.error or "") != self._renderer_said:
            self._renderer_said = self._renderer.error or ""
            self._state.banner = self._renderer_said or self._state.banner
        text = self._state.banner
        if text is None:
            if dpg.is_item_shown(TAG):
                dpg.configure_item(TAG, show=False)
            return
        width = dpg.get_viewport_client_width()
        set_text(self._text, text)
        wide = min(width - 80, 1100)
        if not dpg.is_item_shown(TAG):
            dpg.configure_item(TAG, show=True)
            dpg.focus_item(TAG)
        dpg.configure_item(self._text, wrap=wide - 90)
        dpg.configure_item(TAG, pos=((width - wide) // 2, TOP), width=wide, height=HEIGHT + 18 * (len(text) // 150))

    def _close(self) -> None:
        self._state.banner = None


def words_of(snapshot: Snapshot | None) -> str:
    """What a snapshot has to say to the user; nothing while all is well."""
    if snapshot is None or not snapshot.message:
        return ""
    if snapshot.status == "failed":
        return f"The run has failed: {snapshot.message} Restart it, or open another scene."
    return snapshot.message
