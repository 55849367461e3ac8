"""The read-out of a recovery: errors as a small table and as curves since the kick, and a sentence."""

from __future__ import annotations

from collections.abc import Sequence

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.common.sparkline import find_level, make_sparkline
from app.model.perturb.recovery_measures import Measure
from app.model.perturb.recovery_readout import LIMITS, Reading, RecoveryReadout
from app.panels.widgets.parts import (
    ACCENT,
    AMBER,
    FAINT,
    GREEN,
    GROOVE,
    MUTED,
    add_drawing,
    add_muted_text,
    add_tool_tip,
    set_text,
)
from engine.messages import Snapshot

HEIGHT = 46  # of the curves, pixels
UNKNOWN = "–"
COLOURS = (ACCENT, AMBER)
TIP = (
    f"Recovered: every error is at most {LIMITS.recovered:g} times what it was before the kick; nearly: "
    f"{LIMITS.nearly:g} times. Without a reference the distance to the place before the kick counts: at most "
    f"{LIMITS.recovered_share:.0%} of the kick; nearly: {LIMITS.nearly_share:.0%}. Seconds of training; pauses do not "
    "count."
)


class RecoveryView:
    """Takes every snapshot in, and draws one frame or patch."""

    def __init__(self, measure: Measure, thing: str) -> None:
        """`measure` says what the errors are, `thing` what is kicked: camera, patch."""
        self._measure, self._thing = measure, thing
        self._readout = RecoveryReadout(measure)
        self._cells: list[list[int | str]] = []

    def build(self) -> None:
        self._hint = add_muted_text(f"Kick a {self._thing} to see here how it recovers.", wrap=260)
        with dpg.group(show=False) as self._body:
            with dpg.table(header_row=False, policy=dpg.mvTable_SizingStretchProp):
                for weight in (0.9, 1.0, 1.0, 1.0):
                    dpg.add_table_column(init_width_or_weight=weight)
                with dpg.table_row():
                    for text in ("", "before", "kicked", "now"):
                        dpg.add_text(text, color=MUTED)
                for name in self._measure.names:
                    with dpg.table_row():
                        dpg.add_text(name, color=MUTED)
                        self._cells.append([dpg.add_text("") for _ in range(3)])
            self._sentence = dpg.add_text("", wrap=260)
            add_tool_tip(self._sentence, TIP)
            group, self._list = add_drawing(HEIGHT)
            curves = ", ".join(
                f"{name} ({colour})" for name, colour in zip(self._measure.names, ("teal", "amber"), strict=False)
            )
            add_tool_tip(group, f"Errors since the kick, logarithmic: {curves}; faint lines: before the kick.")
            self._box = dpg.draw_rectangle((0, 0), (200, HEIGHT), fill=GROOVE, color=FAINT, parent=self._list)
            self._limits = [
                dpg.draw_line((0, 0), (0, 0), color=(*colour[:3], 90), parent=self._list)
                for colour, _ in zip(COLOURS, self._measure.names, strict=False)
            ]
            self._lines = [
                dpg.draw_polyline([(0, 0), (0, 0)], color=color, thickness=1.5, parent=self._list)
                for color, _ in zip(COLOURS, self._measure.names, strict=False)
            ]

    def see(self, snapshot: Snapshot) -> None:
        """Takes note of a snapshot."""
        self._readout.see(snapshot)

    def update(self, frame: int, names: Sequence[str], width: int) -> None:
        """Draws the recovery of a frame, `width` pixels wide."""
        reading = self._readout.reading(frame)
        dpg.configure_item(self._body, show=reading is not None)
        dpg.configure_item(self._hint, show=reading is None, wrap=width)
        if reading is None:
            return
        for measure, (row, form) in enumerate(zip(self._cells, self._measure.formats, strict=True)):
            for cell, errors in zip(row, (reading.before, reading.kicked, reading.now), strict=True):
                set_text(cell, form.format(errors[measure]) if np.isfinite(errors[measure]) else UNKNOWN)
        set_text(
            self._sentence, " ".join(filter(None, (describe_recovery(reading), count_recovered(reading, self._thing))))
        )
        done = reading.recovered_seconds is not None
        dpg.configure_item(self._sentence, color=GREEN if done else AMBER, wrap=width)
        self._draw(reading, width)

    def _draw(self, reading: Reading, width: int) -> None:
        dpg.configure_item(self._list, width=width)
        dpg.configure_item(self._box, pmax=(width - 1, HEIGHT - 1))
        known = reading.before.tolist(), reading.kicked.tolist()
        curves = zip(reading.curves, *known, self._measure.floors, strict=True)
        for line, limit, (curve, before, kicked, floor) in zip(self._lines, self._limits, curves, strict=True):
            known_now = bool(np.isfinite(curve).any())
            dpg.configure_item(line, show=known_now)
            if not known_now:
                continue
            lowest = max(min(float(np.nanmin(curve)), before) * 0.7, floor / 4)
            limits = (lowest, max(float(np.nanmax(curve)), kicked, before) * 1.2)
            where = make_sparkline(reading.seconds, curve, (width, HEIGHT), limits)
            if len(where) == 1:
                where = np.concatenate([where, where])
            dpg.configure_item(line, points=where.tolist())
            y = float(find_level(np.array(before), HEIGHT, limits))
            dpg.configure_item(limit, p1=(2, y), p2=(width - 2, y), show=before > 0)


def describe_recovery(reading: Reading) -> str:
    """A sentence on how far a recovery is."""
    if reading.taken_back:
        return "Undone."
    if not np.isfinite(reading.now).all():
        return "Excluded: its error is not measured."
    before, kicked = reading.before, reading.kicked
    if reading.has_reference and (kicked <= LIMITS.recovered * before).all():
        return "The kick made it no worse."
    if reading.recovered_seconds is not None:
        return f"Recovered in {reading.recovered_seconds:.1f} s of training."
    since = float(reading.seconds[-1])
    if reading.nearly_seconds is not None:
        return f"Nearly recovered after {reading.nearly_seconds:.1f} s; {since:.1f} s so far."
    return f"Not recovered yet, {since:.1f} s so far."


PLURALS = {"camera": "cameras", "patch": "patches"}


def count_recovered(reading: Reading, thing: str) -> str:
    """How many of those that were kicked together have recovered; empty where it was one, or the kick was undone."""
    if reading.frames < 2 or reading.taken_back:
        return ""
    if reading.recovered == reading.frames:
        return f"All {reading.frames} {PLURALS[thing]} have recovered."
    return f"{reading.recovered} of {reading.frames} {PLURALS[thing]} have recovered."
