"""The bar at the top: buttons, the scene and its method, and how far the run is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.state.choices import describe_assistance
from app.model.state.state import State
from app.model.state.viewed_run import ViewedRun
from app.panels.bars.badge import VerdictBadge
from app.panels.widgets.parts import ACCENT, MUTED, PADDING, add_tool_tip, measure_text, set_text, shorten_text
from engine.messages import FrameStatus, Snapshot
from engine.run.history import mean_of

GAP = "   "  # between numbers
LEAST_NUMBERS = 1  # that are shown, however much there is to say beside them
LEAST_NOTE = 80  # pixels of what is said beside them, if it is said at all
BETWEEN = 24  # pixels between the numbers and what is said beside them


@dataclass(frozen=True)
class Actions:
    """What the buttons call."""

    open: Callable[[], None]
    add: Callable[[], None]
    save: Callable[[], None]
    load: Callable[[], None]
    export: Callable[[], None]
    screenshot: Callable[[], None]
    layout: Callable[[], None]
    help: Callable[[], None]


class TopBar:
    """One line, docked at the upper edge of the window."""

    title = "Top"

    def __init__(self, state: State, actions: Actions) -> None:
        self._state, self._actions = state, actions
        self._badge = VerdictBadge(state)

    def build(self, parent: int | str) -> None:
        act = self._actions
        buttons: tuple[tuple[str, Callable[[], None], str], ...] = (
            ("Open", act.open, "Opens another scene (Ctrl-O)."),
            ("Add photos", act.add, "Adds more photos to the run (Ctrl-A); they can be dropped into the window too."),
            ("Save", act.save, "Writes a checkpoint from which the run can be continued (Ctrl-S)."),
            ("Load", act.load, "Continues a run of this scene that was saved."),
            ("Export", act.export, "Writes cameras, points, a mesh, a film or a report for other programs."),
            ("Picture", act.screenshot, "Writes a picture of the whole window (F12)."),
            (
                "Layout",
                act.layout,
                "Puts all panels back to their first places, at the next start of the program.",
            ),
            ("Help", act.help, "All keys and gestures (F1)."),
        )
        with dpg.group(horizontal=True, parent=parent):
            for label, callback, words in buttons:
                add_tool_tip(
                    dpg.add_button(label=label, callback=lambda _, __, call: call(), user_data=callback), words
                )
            dpg.add_spacer(width=12)
            self._what = dpg.add_text("", color=ACCENT)
            self._badge.build()
            dpg.add_spacer(width=4)
            self._how = dpg.add_text("")
            dpg.add_spacer(width=4)
            self._note = dpg.add_text("", color=MUTED)

    def update(self, state: State) -> None:
        run = state.run
        self._badge.update(run.snapshot if run is not None else None)
        if run is None:
            set_text(self._what, "No scene")
            set_text(self._how, "")
            set_text(self._note, "open one to begin")
            return
        words = (run.name, run.settings.method, run.settings.field, describe_assistance(run.settings))
        set_text(self._what, " · ".join(filter(None, words)))
        snapshot = run.snapshot
        parts = list_progress(snapshot) if snapshot is not None else []
        note = "" if state.timeline.live else f"replay at {state.timeline.seconds:.1f} s"
        note = (
            describe_opening(run) if run.opened is None else describe_state(snapshot, run.settings.assisted)
        ) or note
        if dpg.is_viewport_ok():
            parts, note = self._fit(parts, note)
        set_text(self._how, GAP.join(parts))
        set_text(self._note, note)

    def _fit(self, parts: list[str], note: str) -> tuple[list[str], str]:
        """As many of the numbers, from the left, as a narrow window has room for beside the note, at least one; then
        as much of the note, where that is more than a few letters."""
        room = dpg.get_viewport_client_width() - dpg.get_item_pos(self._how)[0] - PADDING
        beside = measure_text(note) + BETWEEN if note else 0.0
        fewest = parts[:LEAST_NUMBERS]
        left = room - BETWEEN - measure_text(GAP.join(fewest))
        if left < min(measure_text(note), LEAST_NOTE):
            note, beside = "", 0.0  # a few letters say nothing
        while len(parts) > LEAST_NUMBERS and measure_text(GAP.join(parts)) > room - beside:
            parts = parts[:-1]
        return parts, shorten_text(note, room - BETWEEN - measure_text(GAP.join(parts))) if note else ""


def describe_opening(run: ViewedRun) -> str:
    """How far the opening of a run is."""
    return "could not be opened" if run.error is not None else run.opening.words


def describe_state(snapshot: Snapshot | None, assisted: bool = True) -> str:
    """What the run does, if it is not simply training, and how many frames are excluded.

    Args:
        snapshot: the newest one.
        assisted: whether frames that wait are searched for.
    """
    if snapshot is None:
        return ""
    parts = []
    if snapshot.status == "running":
        awaited = (FrameStatus.SEARCHING, FrameStatus.WAITING) if assisted else (FrameStatus.SEARCHING,)
        searching = len(snapshot.frames_that_are(*awaited))
        if searching:
            one, several = ("frame", "frames") if snapshot.planar is None else ("patch", "patches")
            parts.append(f"searching for {searching} {one if searching == 1 else several}")
        elif snapshot.doing:
            parts.append(snapshot.doing)
    else:
        parts.append({"starting": "preparing"}.get(snapshot.status, snapshot.status))
    excluded = len(snapshot.frames_that_are(FrameStatus.EXCLUDED))
    if excluded:
        parts.append(f"{excluded} frame{'s' if excluded > 1 else ''} excluded")
    return GAP.join(parts)


def describe_progress(snapshot: Snapshot) -> str:
    """Iteration, time, PSNR and errors in a line."""
    return GAP.join(list_progress(snapshot))


def list_progress(snapshot: Snapshot) -> list[str]:
    """Iteration, time, PSNR and errors, the most important first."""
    parts = [f"iter {snapshot.iteration:>6,}", f"{snapshot.seconds:6.1f} s"]
    if np.isfinite(snapshot.psnr):
        parts.append(f"PSNR {snapshot.psnr:5.2f} dB")
    if snapshot.rotation_error_deg is not None and snapshot.translation_error is not None:
        parts.append(f"rot {mean_of(snapshot.rotation_error_deg):6.3f}°")
        parts.append(f"trans {mean_of(snapshot.translation_error):.4f} units")
    elif np.isfinite(mean_of(snapshot.reprojection_px)):
        parts.append(f"tracks {mean_of(snapshot.reprojection_px):5.2f} px")
    if snapshot.planar is not None:
        parts.append(f"corners {snapshot.planar.corner_error_px.mean():6.2f} px")
    if snapshot.skipped_steps:
        parts.append(f"{snapshot.skipped_steps} steps left out")
    return parts
