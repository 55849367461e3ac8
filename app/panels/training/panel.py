"""The training panel: pause and step, the schedule, λ and μ, learning rates, a new run."""

from __future__ import annotations

import math
import time

import dearpygui.dearpygui as dpg

from app.model.state.state import State
from app.model.state.viewed_run import describe_absence
from app.panels.training.new_run import NewRun
from app.panels.training.rates import Rates
from app.panels.training.schedule_bar import ScheduleBar
from app.panels.training.weights import Weights
from app.panels.widgets.parts import add_muted_text, add_tool_tip, measure_full_width, set_text
from engine.cli.progress import seconds_left, updated_rate
from engine.fields.stages import stages
from engine.messages import Pause, Resume, Snapshot, Step
from engine.system.durations import format_duration

PLAY = {"paused": "Play", "finished": "Train on"}  # label of the button by status, where it resumes the run


class TrainingPanel:
    """Shows how far the training is, and controls it."""

    title = "Training"

    def __init__(self, state: State) -> None:
        self._state = state
        self._weights, self._rates = Weights(state), Rates(state)
        self._bar, self._new_run = ScheduleBar(), NewRun(state)
        self._before: Snapshot | None = None
        self._rate = math.nan
        self._parent: int | str = 0

    def build(self, parent: int | str) -> None:
        self._parent = parent
        with dpg.group(parent=parent):
            with dpg.group(horizontal=True):
                self._play = dpg.add_button(label="Pause", width=84, callback=self._play_or_pause)
                add_tool_tip(self._play, "Pauses the training between two steps, or resumes it (Space).")
                self._step = dpg.add_button(label="Step", width=60, callback=lambda: self._state.send_together(Step()))
                add_tool_tip(self._step, "One optimisation step, then pause.")
                self._again = dpg.add_button(label="Restart", width=76, callback=self._new_run.restart)
                add_tool_tip(self._again, "Discards what was learned and starts again with the choices under New run.")
            self._numbers = dpg.add_text("")
            self._speed = add_muted_text("")
            add_tool_tip(
                self._speed,
                "Optimisation steps per second, training time so far, and the time left until the schedule ends.",
            )
            self._bar.build()
            self._weights.build()
            self._rates.build()
            self._new_run.build()

    def update(self, state: State) -> None:
        run = state.run
        snapshot = run.snapshot if run is not None else None
        width = measure_full_width(self._parent)
        self._weights.update(state, width, time.monotonic())
        self._rates.update(time.monotonic())
        self._new_run.update(state)
        if run is None or run.scene is None or snapshot is None or run.opened is None:
            set_text(self._numbers, describe_absence(run))
            set_text(self._speed, "")
            self._bar.clear()
            self._before, self._rate = None, math.nan
            return
        dpg.set_item_label(self._play, PLAY.get(snapshot.status, "Pause"))
        settings = run.settings
        if snapshot is not self._before:
            self._rate = updated_rate(self._rate, self._before, snapshot)
            self._before = snapshot
            table = stages(run.scene, settings)
            set_text(self._numbers, f"{describe_iteration(snapshot)}   {snapshot.status}")
            left = seconds_left(snapshot, table, self._rate, None)
            set_text(self._speed, describe_speed(snapshot, self._rate, left))
        self._bar.update(run.scene, settings, snapshot, width)
        self._bar.explain(run.scene, settings, snapshot)

    def _play_or_pause(self) -> None:
        run = self._state.run
        if run is not None and run.snapshot is not None:
            self._state.send_together(Resume() if run.snapshot.status in PLAY else Pause())


def describe_iteration(snapshot: Snapshot) -> str:
    """Where the run is in its schedule, or how far beyond the end of it."""
    if snapshot.iteration > snapshot.iterations > 0:
        return f"Iteration {snapshot.iteration:,}, beyond {snapshot.iterations:,}"
    return f"Iteration {snapshot.iteration:,} of {snapshot.iterations:,}"


def describe_speed(snapshot: Snapshot, rate: float, left: float) -> str:
    """Iterations per second and times in a line; while something else is done, what that is: there is no room for
    more.

    Args:
        snapshot: the newest one.
        rate: iterations per second; NaN while unknown.
        left: seconds until the end of the schedule; NaN while unknown.
    """
    running = snapshot.status == "running"
    if snapshot.doing and running:
        return f"{snapshot.doing[0].upper()}{snapshot.doing[1:]}"
    speed = f"{rate:.1f} it/s" if math.isfinite(rate) else "– it/s"
    eta = f"   {format_duration(left)} left" if math.isfinite(left) and running else ""
    return f"{speed}   {format_duration(snapshot.seconds)} so far{eta}"
