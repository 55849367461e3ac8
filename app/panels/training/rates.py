"""Factors of the learning rates of field and poses."""

from __future__ import annotations

import time

import dearpygui.dearpygui as dpg

from app.model.common.gestures import DragGesture
from app.model.common.slider_scale import find_exponent, find_factor
from app.model.common.throttle import Confirmed, Throttle
from app.model.state.state import State
from app.panels.widgets.parts import add_tool_tip
from engine.messages import SetRates

PERIOD = 1 / 15  # seconds between two commands, at least


class Rates:
    """Two logarithmic sliders from 0.1 to 10; a double click resets one to 1."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._throttle: Throttle[SetRates] = Throttle(PERIOD)
        self._confirmed = (Confirmed(), Confirmed())
        self._gesture = DragGesture()

    def build(self) -> None:
        with dpg.collapsing_header(label="Learning rates", default_open=False):
            self._field = self._slider("field", "Multiplies the schedule's learning rate of the field.")
            self._poses = self._slider(
                "poses", "Multiplies the schedule's learning rate of the poses and their warps."
            )
            button = dpg.add_button(label="Reset rates", callback=self._reset)
            add_tool_tip(button, "Sets both back to the schedule's own rates.")

    def update(self, now: float) -> None:
        run = self._state.run
        due = self._throttle.take(now)
        if due is not None and run is not None:
            self._state.send(due)
        self._gesture.follow(any(dpg.is_item_active(slider) for slider in (self._field, self._poses)))
        if run is None or run.snapshot is None:
            return
        pairs = zip((self._field, self._poses), self._confirmed, run.snapshot.rate_factors, strict=True)
        for slider, confirmed, engine in pairs:
            held = dpg.get_value(slider) if dpg.is_item_active(slider) else None
            exponent = confirmed.shown(find_exponent(engine), held, now)
            if held is None and abs(dpg.get_value(slider) - exponent) > 1e-6:
                dpg.set_value(slider, exponent)
            text = f"x {find_factor(exponent):.2f}"
            if dpg.get_item_configuration(slider)["format"] != text:
                dpg.configure_item(slider, format=text)

    def _slider(self, label: str, tip: str) -> int | str:
        slider = dpg.add_slider_float(
            label=label,
            width=-56,
            min_value=-1.0,
            max_value=1.0,
            default_value=find_exponent(1.0),
            format="x 1.00",
            no_input=True,
            callback=lambda: self._changed(),
        )
        add_tool_tip(slider, tip + " Double click for 1.")
        with dpg.item_handler_registry() as handlers:
            dpg.add_item_double_clicked_handler(callback=lambda: self._set(slider, 0.0))
        dpg.bind_item_handler_registry(slider, handlers)
        return slider

    def _set(self, slider: int | str, exponent: float) -> None:
        dpg.set_value(slider, exponent)
        self._changed()

    def _reset(self) -> None:
        for slider in (self._field, self._poses):
            dpg.set_value(slider, 0.0)
        self._changed()

    def _changed(self) -> None:
        field, poses = (find_factor(dpg.get_value(slider)) for slider in (self._field, self._poses))
        self._throttle.offer(SetRates(field, poses, self._gesture.current()))
        for confirmed, factor in zip(self._confirmed, (field, poses), strict=True):
            confirmed.send(find_exponent(factor), time.monotonic())
