"""Messages: problems, until they are closed; or notices, for some seconds. They lie over the status line alone."""

from __future__ import annotations

import time

import dearpygui.dearpygui as dpg

from app.model.common import layout
from app.model.state.state import State
from app.panels.widgets.parts import PADDING, add_tool_tip, measure_line, measure_size, set_text, shorten_text
from app.render.renderer import Renderer
from engine.messages import Snapshot

TAG = layout.BANNER
NOTICE_SECONDS = 10.0
PROBLEM_COLOUR, NOTICE_COLOUR = (92, 44, 32, 255), (30, 58, 66, 255)
GAP = 8  # pixels between two items in a line
LINE_GAP = 4  # pixels between two lines of a text


class Banner:
    """Shows the newest message of the window, the run or the render thread in the place of the status line.

    Nothing can be clicked there, so that a message that comes by itself is never in the way of the mouse. What has no
    room in the line is read after a click on More, which unfolds the message upwards.
    """

    def __init__(self, state: State, renderer: Renderer) -> None:
        self._state, self._renderer = state, renderer
        self._run_said = self._renderer_said = ""
        self._noticed: tuple[str | None, float] = (None, 0.0)
        self._is_notice = self._unfolded = False
        self._said: str | None = None

    def build(self) -> None:
        """Makes a window of its own, hidden."""
        self._themes = _theme(PROBLEM_COLOUR), _theme(NOTICE_COLOUR)
        with (
            dpg.window(
                tag=TAG,
                label="Message",
                show=False,
                no_title_bar=True,
                no_resize=True,
                no_move=True,
                no_docking=True,
                no_scrollbar=True,
                min_size=(100, 1),
            ),
            dpg.group(horizontal=True, horizontal_spacing=GAP, label="strip"),
        ):
            dpg.add_button(label="Close", callback=self._close)
            self._more = dpg.add_button(label="More###more", show=False, callback=self._unfold)
            add_tool_tip(self._more, "Shows the whole message, or one line of it.")
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
        if text != self._said:
            self._said, self._unfolded = text, False
        if text is None:
            if dpg.is_item_shown(TAG):
                dpg.configure_item(TAG, show=False)
            return
        is_notice = self._state.banner is None
        if is_notice != self._is_notice:
            self._is_notice = is_notice
            dpg.bind_item_theme(TAG, self._themes[is_notice])
        if not dpg.is_item_shown(TAG):
            dpg.configure_item(TAG, show=True)
            if not is_notice:  # a notice must not take the keys from a text that is being typed
                dpg.focus_item(TAG)
        self._place(text)

    def _place(self, text: str) -> None:
        """Over the status line; the whole text where it was asked for, else as much as has room in the line."""
        width, bottom = dpg.get_viewport_client_width(), dpg.get_viewport_client_height()
        height = round(measure_size(layout.STATUS)[1]) or layout.STATUS_HEIGHT
        room = width - dpg.get_item_pos(self._text)[0] - PADDING
        words = " ".join(text.split())
        short = shorten_text(words, room)
        if dpg.is_item_shown(self._more) != (short != words):
            dpg.configure_item(self._more, show=short != words)
        label = "Less" if self._unfolded else "More"
        if not dpg.get_item_label(self._more).startswith(label):
            dpg.set_item_label(self._more, f"{label}###more")
        set_text(self._text, text if self._unfolded else short)
        dpg.configure_item(self._text, wrap=round(room) + 1 if self._unfolded else -1)
        if self._unfolded:
            lines = max(measure_size(self._text)[1], measure_line())
            height = max(height, round(lines) + 2 * PADDING + LINE_GAP)
        dpg.configure_item(TAG, pos=(0, bottom - height), width=width, height=height)

    def _notice(self) -> str | None:
        """The notice of the state, which is removed after some seconds."""
        notice, now = self._state.notice, time.monotonic()
        if notice != self._noticed[0]:
            self._noticed = notice, now
        elif notice is not None and now - self._noticed[1] > NOTICE_SECONDS and not self._unfolded:
            self._state.notice = notice = None
        return notice

    def _unfold(self) -> None:
        self._unfolded = not self._unfolded

    def _close(self) -> None:
        self._state.banner = self._state.notice = None


def _theme(colour: tuple[int, int, int, int]) -> int | str:
    with dpg.theme() as theme, dpg.theme_component(dpg.mvAll):
        dpg.add_theme_color(dpg.mvThemeCol_WindowBg, colour)
    return theme


def get_message(snapshot: Snapshot | None) -> str:
    """The message of a snapshot to the user; empty if there is none."""
    if snapshot is None or not snapshot.message:
        return ""
    if snapshot.status == "failed":
        return f"The run has failed: {snapshot.message} Restart it, or open another scene."
    return snapshot.message
