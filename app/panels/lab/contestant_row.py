"""The choices for one contestant of a race, in a line of a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dearpygui.dearpygui as dpg

from app.model.lab.race import NO_METHOD, ContestantChoice
from app.panels.widgets.parts import read_colour
from engine.config.methods import METHODS
from engine.fields import FIELDS
from engine.lab.race.definition import COLOURS

SWATCH = 12  # side, pixels


class ContestantRow:
    """The choices for one contestant; changes are written into them."""

    def __init__(self, place: int, changed: Callable[[], None]) -> None:
        """Adds it to the table that is open."""
        self._changed = changed
        self._choice = ContestantChoice()
        with dpg.table_row():
            add_swatch(COLOURS[place])
            self._method = self._add_combo((NO_METHOD, *METHODS), 104)
            self._field = self._add_combo(tuple(FIELDS), 64)
            self._assist = dpg.add_checkbox(callback=self._read)
            self._lambda = dpg.add_input_float(width=60, step=0, format="%.1f", callback=self._read)
            self._init = self._add_combo(("auto",), 92)
        self._parts = (self._field, self._assist, self._lambda, self._init)

    def show(self, choice: ContestantChoice, starts: tuple[str, ...]) -> None:
        """Shows choices; changes are written into them."""
        self._choice = choice
        dpg.configure_item(self._init, items=starts, enabled=len(starts) > 1)
        for item, value in (
            (self._method, choice.method),
            (self._field, choice.field),
            (self._assist, choice.assist),
            (self._lambda, choice.lambda_exponent),
            (self._init, choice.init),
        ):
            dpg.set_value(item, value)
        self._show_parts()

    def _show_parts(self) -> None:
        left_out = self._choice.method == NO_METHOD
        for item in self._parts:
            dpg.configure_item(item, show=not left_out)
        if not left_out:
            spec = METHODS[self._choice.method]
            dpg.configure_item(self._lambda, show=spec.warps_pixels)
            dpg.configure_item(self._assist, show=spec.fits_poses)

    def _add_combo(self, items: tuple[str, ...], width: int) -> int | str:
        return dpg.add_combo(items, width=width, callback=self._read)

    def _read(self, *_: Any) -> None:
        choice = self._choice
        choice.method, choice.field = dpg.get_value(self._method), dpg.get_value(self._field)
        choice.assist, choice.init = dpg.get_value(self._assist), dpg.get_value(self._init)
        choice.lambda_exponent = float(dpg.get_value(self._lambda))
        self._show_parts()
        self._changed()


def add_swatch(colour: str) -> None:
    """Adds a small square of a contestant's colour."""
    with dpg.drawlist(SWATCH, SWATCH + 6):
        dpg.draw_rectangle((0, 5), (SWATCH, SWATCH + 3), color=(0, 0, 0, 0), fill=read_colour(colour))
