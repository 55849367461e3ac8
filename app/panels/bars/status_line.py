"""The line at the bottom: device, memory, speeds, folder, OpenGL."""

from __future__ import annotations

import math
import time

import dearpygui.dearpygui as dpg

from app.model.common.process_memory import measure_resident_bytes
from app.model.frame.frame_errors import choose_verdict
from app.model.state.state import State
from app.panels.bars.badge import COLOURS
from app.panels.widgets.parts import AMBER, MUTED, PADDING, add_tool_tip, measure_size, set_text
from app.render.renderer import Renderer
from engine.cli.progress import updated_rate
from engine.messages import Snapshot

SEPARATOR = "   ·   "
PERIOD = 0.5  # seconds between two updates


class StatusLine:
    """Shows numbers of the program itself."""

    title = "Status"

    def __init__(self, state: State, renderer: Renderer) -> None:
        self._state, self._renderer = state, renderer
        self._before: Snapshot | None = None
        self._rate = math.nan
        self._frames, self._read_at = 0, time.monotonic()

    def build(self, parent: int | str) -> None:
        with dpg.group(horizontal=True, parent=parent):
            self._verdict = dpg.add_text("", color=AMBER, show=False)
            self._text = dpg.add_text("", color=MUTED)
        add_tool_tip(self._verdict, "What is wrong in this run, as far as its photos tell.")
        add_tool_tip(
            self._text,
            "Training device, memory of this process, steps and pictures per second, folder of the run, OpenGL.",
        )

    def update(self, state: State) -> None:
        self._frames += 1
        now = time.monotonic()
        run = state.run
        if run is not None and run.snapshot is not None and run.snapshot is not self._before:
            self._rate = updated_rate(self._rate, self._before, run.snapshot)
            self._before = run.snapshot
        if now - self._read_at < PERIOD:
            return
        self._show_verdict(run.snapshot if run is not None else None)
        frames_per_second = self._frames / (now - self._read_at)
        self._frames, self._read_at = 0, now
        parts = []
        if run is not None and run.opened is not None:
            parts.append(run.opened.run.device.upper())
        memory = measure_resident_bytes()
        if memory is not None:
            parts.append(f"{memory / 1e9:.2f} GB")
        running = run is not None and run.snapshot is not None and run.snapshot.status == "running"
        parts.append(f"{self._rate:5.1f} it/s" if running and math.isfinite(self._rate) else "    – it/s")
        parts.append(f"{frames_per_second:3.0f} fps")
        if run is not None and run.opened is not None:
            parts.append(str(run.opened.folder))
        parts.append(self._renderer.info)
        taken = measure_size(self._verdict)[0] if dpg.is_item_shown(self._verdict) else 0
        # Without a window there is room for everything.
        room = dpg.get_viewport_client_width() - taken - 3 * PADDING if dpg.is_viewport_ok() else math.inf
        while len(parts) > 1 and (dpg.get_text_size(SEPARATOR.join(parts)) or [0])[0] > room:
            parts.pop()
        set_text(self._text, SEPARATOR.join(parts))

    def _show_verdict(self, snapshot: Snapshot | None) -> None:
        """The reason of a verdict, where it is not that the cameras are registered: to be read without a tool tip."""
        verdict = choose_verdict(snapshot)
        shown = verdict is not None and verdict.state != "registered"
        dpg.configure_item(self._verdict, show=shown)
        if verdict is not None and shown:
            dpg.configure_item(self._verdict, color=COLOURS[verdict.state])
            set_text(self._verdict, f"{verdict.state}: {verdict.reason}   ·")
