"""The banner: what went wrong and how to mend it, until it is closed; or what is good to know, for a while."""

from __future__ import annotations

import time

import dearpygui.dearpygui as dpg

from app.model.common import layout
from app.model.state.state import State
from app.panels.widgets.parts import set_text
from app.render.renderer import Renderer
from engine.messages import Snapshot

TAG = layout.BANNER
TOP = 46  # pixels from the window's upper edge, below the top bar
HEIGHT = 44
NOTICE_SECONDS = 10.0
ALARMING, CALM = (92, 44, 32, 250), (30, 58, 66, 250)


class Banner:
    """Shows what the window, the run or the render thread has to say, the newest first."""

    def __init__(self, state: State, renderer: Renderer) -> None:
        self._state, self._renderer = state, renderer
        self._run_said = self._renderer_said = ""
        self._noticed: tuple[str | None, float] = (None, 0.0)
        self._calm = False

    def build(self) -> None:
        """Makes its own window, above the others."""
        self._themes = _theme(ALARMING), _theme(CALM)
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
        dpg.bind_item_theme(TAG, self._themes[False])

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
        text = self._state.banner or self._notice()
        if text is None:
            if dpg.is_item_shown(TAG):
                dpg.configure_item(TAG, show=False)
            return
        calm = self._state.banner is None
        if calm != self._calm:
            self._calm = calm
            dpg.bind_item_theme(TAG, self._themes[calm])
        width = dpg.get_viewport_client_width()
        set_text(self._text, text)
        wide = min(width - 80, 1100)
        if not dpg.is_item_shown(TAG):
            dpg.configure_item(TAG, show=True)
            if not calm:  # what is good to know takes no keys from whoever types
                dpg.focus_item(TAG)
        dpg.configure_item(self._text, wrap=wide - 90)
        dpg.configure_item(TAG, pos=((width - wide) // 2, TOP), width=wide, height=HEIGHT + 18 * (len(text) // 150))

    def _notice(self) -> str | None:
        """What is good to know, while it is new."""
        notice, now = self._state.notice, time.monotonic()
        if notice != self._noticed[0]:
            self._noticed = notice, now
        elif notice is not None and now - self._noticed[1] > NOTICE_SECONDS:
            self._state.notice = notice = None
        return notice

    def _close(self) -> None:
        self._state.banner = self._state.notice = None


def _theme(colour: tuple[int, int, int, int]) -> int | str:
    with dpg.theme() as theme, dpg.theme_component(dpg.mvAll):
        dpg.add_theme_color(dpg.mvThemeCol_WindowBg, colour)
        dpg.add_theme_style(dpg.mvStyleVar_WindowRounding, 4)
    return theme


def words_of(snapshot: Snapshot | None) -> str:
    """What a snapshot has to say to the user; nothing while all is well."""
    if snapshot is None or not snapshot.message:
        return ""
    if snapshot.status == "failed":
        return f"The run has failed: {snapshot.message} Restart it, or open another scene."
    return snapshot.message
