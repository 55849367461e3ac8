"""The banner: problems, until it is closed; or notices, for some seconds."""

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
HEIGHT = 44  # pixels, with one line of text
NOTICE_SECONDS = 10.0
PROBLEM_COLOUR, NOTICE_COLOUR = (92, 44, 32, 250), (30, 58, 66, 250)


class Banner:
    """Shows the newest message of the window, the run or the render thread."""

    def __init__(self, state: State, renderer: Renderer) -> None:
        self._state, self._renderer = state, renderer
        self._run_said = self._renderer_said = ""
        self._noticed: tuple[str | None, float] = (None, 0.0)
        self._is_notice = False

    def build(self) -> None:
        """Makes a window of its own, hidden."""
        self._themes = _theme(PROBLEM_COLOUR), _theme(NOTICE_COLOUR)
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
        """Shows what is new; to be called once per frame."""
        run = self._state.run
        said = get_message(run.snapshot) if run is not None else ""
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
        is_notice = self._state.banner is None
        if is_notice != self._is_notice:
            self._is_notice = is_notice
            dpg.bind_item_theme(TAG, self._themes[is_notice])
        width = dpg.get_viewport_client_width()
        set_text(self._text, text)
        wide = min(width - 80, 1100)
        if not dpg.is_item_shown(TAG):
            dpg.configure_item(TAG, show=True)
            if not is_notice:  # a notice must not take the keys from a text that is being typed
                dpg.focus_item(TAG)
        dpg.configure_item(self._text, wrap=wide - 90)
        dpg.configure_item(TAG, pos=((width - wide) // 2, TOP), width=wide, height=HEIGHT + 18 * (len(text) // 150))

    def _notice(self) -> str | None:
        """The notice of the state, which is removed after some seconds."""
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


def get_message(snapshot: Snapshot | None) -> str:
    """The message of a snapshot to the user; empty if there is none."""
    if snapshot is None or not snapshot.message:
        return ""
    if snapshot.status == "failed":
        return f"The run has failed: {snapshot.message} Restart it, or open another scene."
    return snapshot.message
