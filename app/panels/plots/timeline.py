"""The timeline panel: a slider over the seconds of the run, to replay how cameras or patches moved."""

from __future__ import annotations

import time

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.plots.curves import find_row_at
from app.model.plots.event_marks import COLOURS, Mark, find_nearest, make_marks
from app.model.plots.playback import advance, go_live, go_to, play_or_stop
from app.model.state.state import State
from app.panels.widgets.parts import MUTED, TEXT, add_drawing, add_tool_tip, measure_full_width, set_text
from engine.run.history import History, Row, mean_of

TICKS = 10  # height of the ticks, pixels
KNOB = 14  # width of the slider's knob and margins, pixels; ticks stand under the middle of the knob
REPLAY_WIDTH, LIVE_WIDTH, GAPS = 64, 48, 16  # of the buttons beside the slider, pixels
REACH = 6  # pixels from a tick at which the mouse points to it
LIVE_FROM = 0.995  # share of the slider from which on it means now, because the run goes on meanwhile


class TimelinePanel:
    """Sets `state.timeline`; the 3D view, or the image, shows the moment it stands at."""

    title = "Timeline"

    def __init__(self, state: State) -> None:
        self._state = state
        self._parent: int | str = 0
        self._drawn: tuple[object, ...] = ()
        self._marks: list[Mark] = []
        self._before = time.monotonic()

    def build(self, parent: int | str) -> None:
        self._parent = parent
        state = self._state
        with dpg.group(parent=parent):
            with dpg.group(horizontal=True):
                self._play = dpg.add_button(
                    label="Replay", width=REPLAY_WIDTH, callback=lambda: play_or_stop(state.timeline)
                )
                add_tool_tip(self._play, "Replays how cameras or patches moved to their places, in a few seconds.")
                self._live = dpg.add_button(label="Live", width=LIVE_WIDTH, callback=lambda: go_live(state.timeline))
                add_tool_tip(self._live, "Shows the present again and follows the training.")
                with dpg.group():
                    self._slider = dpg.add_slider_float(width=-1, format="%.1f s", callback=self._dragged)
                    self._group, self._list = add_drawing(TICKS)
            with dpg.tooltip(self._group):
                self._tip = dpg.add_text("")
            self._text = dpg.add_text("", color=MUTED)

    def update(self, state: State) -> None:
        now = time.monotonic()
        passed, self._before = now - self._before, now
        run = state.run
        if run is None or run.history is None or not run.history.rows:
            self._show_nothing()
            return
        rows = run.history.rows
        total, timeline = rows[-1].seconds, state.timeline
        advance(timeline, passed, total)
        if timeline.seconds is not None and timeline.seconds > total:  # the run was restarted
            go_live(timeline)
        if dpg.get_item_configuration(self._slider)["max_value"] != total:
            dpg.configure_item(self._slider, max_value=max(total, 1e-3))
        if not dpg.is_item_active(self._slider):
            dpg.set_value(self._slider, total if timeline.seconds is None else timeline.seconds)
        dpg.set_item_label(self._play, "Stop" if timeline.playing else "Replay")
        row = rows[-1] if timeline.seconds is None else rows[find_row_at(rows, timeline.seconds)]
        set_text(self._text, describe_moment(row, timeline.live))
        dpg.configure_item(self._text, color=MUTED if timeline.live else TEXT)
        self._draw_ticks(run.history, total)
        self._explain(total)

    def _show_nothing(self) -> None:
        set_text(self._text, "Nothing to replay yet")
        if self._drawn:
            self._drawn, self._marks = (), []
            dpg.configure_item(self._slider, max_value=1e-3)
            dpg.set_value(self._slider, 0.0)
            dpg.delete_item(self._list, children_only=True)

    def _dragged(self, _sender: int, seconds: float) -> None:
        run = self._state.run
        if run is not None and run.history is not None and run.history.rows:
            total = run.history.rows[-1].seconds
            go_to(self._state.timeline, seconds if seconds < LIVE_FROM * total else total, total)

    def _draw_ticks(self, history: History, total: float) -> None:
        width = self._slider_width
        key = (width, len(history.events), history.events[-1] if history.events else None, round(total))
        if key == self._drawn:
            return
        self._drawn = key
        self._marks = make_marks(history.events, "seconds")
        dpg.configure_item(self._list, width=max(width, 10))
        dpg.delete_item(self._list, children_only=True)
        for mark in self._marks:
            x = find_tick_place(mark.x, total, width)
            dpg.draw_line((x, 0), (x, TICKS - 2), color=(*COLOURS[mark.kind], 220), thickness=2, parent=self._list)

    @property
    def _slider_width(self) -> int:
        """Pixels."""
        return measure_full_width(self._parent) - REPLAY_WIDTH - LIVE_WIDTH - GAPS

    def _explain(self, total: float) -> None:
        if not dpg.is_item_hovered(self._group):
            return
        x = dpg.get_mouse_pos(local=False)[0] - dpg.get_item_rect_min(self._group)[0]
        width = self._slider_width
        reach = REACH * total / max(width - KNOB, 1)
        mark = find_nearest(self._marks, (x - KNOB / 2) / max(width - KNOB, 1) * total, reach)
        set_text(self._tip, mark.text if mark else "Ticks: λ changes, kicks, stages, bundle adjustments")


def find_tick_place(seconds: float, total: float, width: float) -> float:
    """Pixels from the left end of a slider `width` pixels wide, for a moment of a run of `total` seconds."""
    return KNOB / 2 + min(max(seconds / max(total, 1e-6), 0.0), 1.0) * (width - KNOB)


def describe_moment(row: Row, live: bool) -> str:
    """A moment of the run in a line of text."""
    parts = ["Live" if live else f"At {row.seconds:.1f} s", f"iteration {row.iteration:,}"]
    if row.stage:
        parts.append(f"stage {row.stage}")
    if row.rotation_error_deg is not None and row.translation_error is not None:
        rotation, translation = mean_of(row.rotation_error_deg), mean_of(row.translation_error)
        parts.append(f"mean errors {rotation:.2f}°, {translation:.4f} units")
    elif row.corner_error_px is not None:
        parts.append(f"corners {row.corner_error_px.mean():.2f} px")
    else:
        if np.isfinite(mean_of(row.reprojection_px)):
            parts.append(f"tracks {mean_of(row.reprojection_px):.2f} px")
        if np.isfinite(row.psnr):
            parts.append(f"PSNR {row.psnr:.2f} dB")
    return "   ".join(parts)
