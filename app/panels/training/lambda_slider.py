"""The slider of λ on a logarithmic scale, with a mark at the paper's value."""

from __future__ import annotations

import time

import dearpygui.dearpygui as dpg

from app.model.common.gestures import DragGesture
from app.model.common.slider_scale import (
    DEFAULT_LAMBDA,
    HIGHEST_LAMBDA,
    LOWEST_LAMBDA,
    find_fraction,
    format_value,
    snap_exponent,
)
from app.model.common.throttle import Confirmed, Throttle
from app.model.state.choices import describe_lambda
from app.model.state.scene_kinds import get_planar_scene
from app.model.state.state import State
from app.panels.widgets.parts import (
    ACCENT,
    FAINT,
    MUTED,
    add_muted_text,
    add_tool_tip,
    make_knobs_translucent,
    set_text,
)
from engine.messages import SetLambda

TIP = (
    "λ weighs the distance between each pixel's own rigid warp and the one transform fitted to them all against the "
    "photometric loss. Drag, double click for the paper's 10², Ctrl-click to type the exponent."
)
GRAB = 12  # width of the knob, pixels; marks stand where the middle of the knob would be
MARGIN = 2  # between the knob and the ends of the slider, pixels
PERIOD = 1 / 15  # seconds between two commands, at least


class LambdaSlider:
    """Sends `SetLambda` while it is dragged, and shows the value that the engine confirms otherwise."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._throttle: Throttle[SetLambda] = Throttle(PERIOD)
        self._confirmed = Confirmed()
        self._gesture = DragGesture()
        self._reset = False
        self._width = 0

    def build(self) -> None:
        dpg.add_spacer(height=2)
        self._value = dpg.add_text("λ", color=ACCENT)
        add_tool_tip(self._value, TIP)
        self._slider = dpg.add_slider_float(
            width=-1,
            min_value=LOWEST_LAMBDA,
            max_value=HIGHEST_LAMBDA,
            default_value=DEFAULT_LAMBDA,
            format="10^%.2f",
            callback=self._dragged,
        )
        add_tool_tip(self._slider, TIP)
        make_knobs_translucent(self._slider)
        with dpg.item_handler_registry() as handlers:
            dpg.add_item_double_clicked_handler(callback=self._double_clicked)
        dpg.bind_item_handler_registry(self._slider, handlers)
        self._marks = dpg.add_drawlist(width=200, height=20)
        self._note = add_muted_text("", wrap=260)

    def update(self, state: State, width: int, now: float) -> None:
        if width != self._width:
            self._resize(width)
        held = dpg.get_value(self._slider) if dpg.is_item_active(self._slider) else None
        if self._reset:
            # a slider that is still held follows the mouse: it keeps the default only after it is released
            held = DEFAULT_LAMBDA
            self._reset = dpg.is_item_active(self._slider)
            dpg.set_value(self._slider, DEFAULT_LAMBDA)
        run = state.run
        due = self._throttle.take(now)
        if due is not None and run is not None:
            run.send(due)
            self._confirmed.send(due.exponent, now)
        self._gesture.follow(held is not None)
        if run is None or run.snapshot is None:
            return
        shown = self._confirmed.shown(run.snapshot.lambda_exponent, held, now)
        if held is None and abs(dpg.get_value(self._slider) - shown) > 1e-6:
            dpg.set_value(self._slider, shown)
        set_text(self._value, f"λ = {format_value(shown)}, stiffness of the warp")
        if run.opened is not None:
            set_text(self._note, describe_lambda(run.settings, get_planar_scene(run) is not None))

    def _resize(self, width: int) -> None:
        self._width = width
        dpg.configure_item(self._slider, width=width)
        dpg.configure_item(self._note, wrap=width)
        self._draw_marks(width)

    def _dragged(self, _sender: int, exponent: float) -> None:
        if not self._reset:
            self._offer(snap_exponent(min(max(exponent, -30.0), 30.0)))

    def _double_clicked(self) -> None:
        self._reset = True
        self._offer(DEFAULT_LAMBDA)

    def _offer(self, exponent: float) -> None:
        self._throttle.offer(SetLambda(exponent, self._gesture.current()))
        self._confirmed.send(exponent, time.monotonic())

    def _draw_marks(self, width: int) -> None:
        dpg.delete_item(self._marks, children_only=True)
        dpg.configure_item(self._marks, width=width)
        for exponent in range(int(LOWEST_LAMBDA), int(HIGHEST_LAMBDA) + 1):
            x = (
                GRAB / 2
                + MARGIN
                + find_fraction(exponent, LOWEST_LAMBDA, HIGHEST_LAMBDA) * (width - GRAB - 2 * MARGIN)
            )
            default = exponent == DEFAULT_LAMBDA
            if default:
                dpg.draw_triangle((x, 0), (x - 4, 6), (x + 4, 6), color=ACCENT, fill=ACCENT, parent=self._marks)
            else:
                dpg.draw_line((x, 0), (x, 4), color=FAINT, parent=self._marks)
            if exponent % 2 == 0:
                text = str(exponent)
                color = ACCENT if default else MUTED
                dpg.draw_text((x - 3.5 * len(text), 6), text, color=color, size=12, parent=self._marks)
