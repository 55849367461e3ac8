"""A slider over the exponent of a weight, on a logarithmic scale, with a mark at its default: for λ and for μ."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import dearpygui.dearpygui as dpg

from app.model.common.gestures import DragGesture
from app.model.common.slider_scale import ExponentRange, find_fraction, format_value, snap_exponent
from app.model.common.throttle import Confirmed, Throttle
from app.model.state.state import State
from app.model.state.viewed_run import ViewedRun
from app.panels.widgets.parts import (
    ACCENT,
    FAINT,
    MUTED,
    add_muted_text,
    add_tool_tip,
    set_text,
)
from engine.config.settings import HIGHEST_EXPONENT
from engine.messages import Command, Snapshot

GRAB = 12  # width of the knob, pixels; marks stand where the middle of the knob would be
MARGIN = 2  # between the knob and the ends of the slider, pixels
PERIOD = 1 / 15  # seconds between two commands, at least


@dataclass(frozen=True)
class Weight:
    """What such a slider is for.

    Attributes:
        symbol: of the weight.
        name: what it does, in a few words.
        tip: its tool tip.
        range: of the slider.
        read: the exponent that a snapshot reports.
        command: sets the exponent; also takes the id of the gesture.
        describe: a sentence about its effect in a run.
        is_idle: whether it has none there; the sentence is then shown below, else in the tool tip.
    """

    symbol: str
    name: str
    tip: str
    range: ExponentRange
    read: Callable[[Snapshot], float]
    command: Callable[[float, int | None], Command]
    describe: Callable[[ViewedRun], str]
    is_idle: Callable[[ViewedRun], bool]


class ExponentSlider:
    """Sends commands while it is dragged, and shows the value that the engine confirms otherwise."""

    def __init__(self, state: State, weight: Weight) -> None:
        self._state, self._weight = state, weight
        self._throttle: Throttle[tuple[float, Command]] = Throttle(PERIOD)
        self._confirmed = Confirmed()
        self._gesture = DragGesture()
        self._reset = False
        self._width = 0

    def build(self, beside: Callable[[], None] | None = None) -> None:
        """Adds it to the container that is open; `beside` adds what stands beside its title."""
        limits, tip = self._weight.range, self._weight.tip
        dpg.add_spacer(height=2)
        with dpg.group(horizontal=True):
            self._value = dpg.add_text(self._weight.symbol, color=ACCENT)
            self._tips = [add_tool_tip(self._value, tip)]
            if beside is not None:
                beside()
        with dpg.group() as self._body:
            self._slider = dpg.add_slider_float(
                width=-1,
                min_value=limits.lowest,
                max_value=limits.highest,
                default_value=limits.default,
                format="10^%.2f",
                callback=self._dragged,
            )
            self._tips.append(add_tool_tip(self._slider, tip))
            with dpg.item_handler_registry() as handlers:
                dpg.add_item_double_clicked_handler(callback=self._double_clicked)
            dpg.bind_item_handler_registry(self._slider, handlers)
            self._marks = dpg.add_drawlist(width=200, height=20)
        self._note = add_muted_text("", wrap=260)
        dpg.configure_item(self._note, show=False)

    def update(self, state: State, width: int, now: float) -> None:
        """Brings it up to date, `width` pixels wide; to be called once per frame of the window."""
        if width != self._width:
            self._resize(width)
        held = dpg.get_value(self._slider) if dpg.is_item_active(self._slider) else None
        if self._reset:
            # a slider that is still held follows the mouse: it keeps the default only after it is released
            held = self._weight.range.default
            self._reset = dpg.is_item_active(self._slider)
            dpg.set_value(self._slider, held)
        run = state.run
        due = self._throttle.take(now)
        if due is not None and run is not None:
            exponent, command = due
            state.send(command)
            self._confirmed.send(exponent, now)
        self._gesture.follow(held is not None)
        if run is None or run.snapshot is None:
            return
        shown = self._confirmed.shown(self._weight.read(run.snapshot), held, now)
        if held is None and abs(dpg.get_value(self._slider) - shown) > 1e-6:
            dpg.set_value(self._slider, shown)
        set_text(self._value, f"{self._weight.symbol} = {format_value(shown)}, {self._weight.name}")
        if run.opened is not None:
            sentence, idle = self._weight.describe(run), self._weight.is_idle(run)
            set_text(self._note, sentence)
            for text in self._tips:
                set_text(text, self._weight.tip if idle else f"{self._weight.tip}\n\n{sentence}")
            if dpg.is_item_shown(self._note) != idle:
                dpg.configure_item(self._note, show=idle)

    @property
    def held(self) -> bool:
        """Whether the user drags it."""
        return bool(dpg.is_item_active(self._slider))

    def show(self, shown: bool) -> None:
        """Shows or hides slider and marks; title and note stay."""
        if dpg.is_item_shown(self._body) != shown:
            dpg.configure_item(self._body, show=shown)

    def _resize(self, width: int) -> None:
        self._width = width
        dpg.configure_item(self._slider, width=width)
        dpg.configure_item(self._note, wrap=width)
        self._draw_marks(width)

    def _dragged(self, _sender: int, exponent: float) -> None:
        if not self._reset:
            self._offer(
                snap_exponent(min(max(exponent, -HIGHEST_EXPONENT), HIGHEST_EXPONENT), self._weight.range.default)
            )

    def _double_clicked(self) -> None:
        self._reset = True
        self._offer(self._weight.range.default)

    def _offer(self, exponent: float) -> None:
        self._throttle.offer((exponent, self._weight.command(exponent, self._gesture.current())))
        self._confirmed.send(exponent, time.monotonic())

    def _draw_marks(self, width: int) -> None:
        limits = self._weight.range
        dpg.delete_item(self._marks, children_only=True)
        dpg.configure_item(self._marks, width=width)

        def find_place(exponent: float) -> float:
            share = find_fraction(exponent, limits.lowest, limits.highest)
            return GRAB / 2 + MARGIN + share * (width - GRAB - 2 * MARGIN)

        for exponent in range(int(limits.lowest), int(limits.highest) + 1):
            x, default = find_place(exponent), exponent == limits.default
            if not default:
                dpg.draw_line((x, 0), (x, 4), color=FAINT, parent=self._marks)
            if exponent % 2 == 0:
                text = str(exponent)
                color = ACCENT if default else MUTED
                dpg.draw_text((x - 3.5 * len(text), 6), text, color=color, size=12, parent=self._marks)
        x = find_place(limits.default)
        dpg.draw_triangle((x, 0), (x - 4, 6), (x + 4, 6), color=ACCENT, fill=ACCENT, parent=self._marks)
