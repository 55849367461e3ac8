"""The basin panel: which share of kicks of each size comes back; a click on a cell kicks the camera for real."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.lab.basin_control import BasinControl, Cell, define_return
from app.model.lab.loss_colours import colour_shares
from app.model.state.scene_kinds import get_posed_scene
from app.model.state.state import State
from app.model.state.viewed_run import describe_absence
from app.panels.widgets.parts import MUTED, PADDING, TEXT, add_tool_tip, dim_when_disabled, measure_size, set_text
from engine.lab.basin.map import Basin
from engine.lab.basin.options import DEFAULT

PERIOD = 0.1  # seconds between updates
ABOVE = 92  # height of the choices, pixels
LEFT, BELOW = 46, 34  # room for the numbers beside the cells and below them, pixels
LEAST, LARGEST = 13, 44  # height of a cell, pixels
WIDEST = 64  # pixels
WORDS = 230  # width of the words beside the cells, pixels
SLIDER = 104  # width, pixels
ALL_STAGES = "coarse to fine"
EMPTY = (36, 42, 50, 255)
LIGHT, DARK = (235, 238, 242, 255), (20, 24, 28, 255)


class BasinPanel:
    """Choices above, the cells below, and what they mean beside them."""

    title = "Basin map"

    def __init__(self, state: State, ask_path: Callable[[str, str, Callable[[Path], None]], None]) -> None:
        """`ask_path(title, default, act)` asks the user for a path, and calls `act` with it."""
        self._state, self._ask_path = state, ask_path
        self._control = BasinControl(state)
        self._parent: int | str = 0
        self._updated_at = 0.0
        self._stages: tuple[str, ...] = ()
        self._shown: tuple[object, ...] = ()
        self._cell = (0.0, 0.0)

    def build(self, parent: int | str) -> None:
        self._parent = parent
        choices = self._control.choices
        with dpg.group(parent=parent):
            with dpg.group(horizontal=True):
                begin = dpg.add_button(label="Try kicks", callback=self._control.begin)
                count = DEFAULT.side**2 * DEFAULT.directions
                add_tool_tip(
                    begin,
                    f"Kicks the selected frame {count} times on a copy of the field and lets gradient descent "
                    "bring it back, at the rates of the run's schedule, without matches and without a search. "
                    "The run goes on, and keeps five sixths of its time; once it rests this takes less than a minute.",
                )
                self._all = dpg.add_checkbox(label="all frames", callback=self._choose)
                add_tool_tip(self._all, "Kicks every frame, in one direction or more each.")
                self._band = dpg.add_combo([ALL_STAGES], default_value=ALL_STAGES, width=124, callback=self._choose)
                add_tool_tip(
                    self._band, "The band limits that the poses see on their way: of all stages in turn, or of one."
                )
                self._save = dpg.add_button(label="Save", callback=self._ask_folder)
                add_tool_tip(self._save, "Writes the map as basin.csv (a row per kick) and basin.png into a folder.")
                dim_when_disabled(self._save)
                self._stop = dpg.add_button(label="Stop", callback=self._control.stop, show=False)
            with dpg.group(horizontal=True):
                turn = dpg.add_slider_float(
                    width=SLIDER, min_value=1, max_value=90, default_value=choices.turn_deg, format="to %.0f°",
                    callback=self._choose,
                )  # fmt: skip
                add_tool_tip(turn, "The largest turn.")
                shift = dpg.add_slider_float(
                    width=SLIDER, min_value=1, max_value=300, default_value=choices.shift, format="to %.0f %%",
                    callback=self._choose,
                )  # fmt: skip
                add_tool_tip(shift, "The largest shift, per cent of the cameras' spread.")
                self._sliders = (turn, shift)
                self._words = dpg.add_text("", color=MUTED)
            with dpg.group(horizontal=True):
                with dpg.group() as self._group:
                    self._cells = dpg.add_drawlist(width=200, height=100)
                with dpg.group(show=False) as self._beside:
                    self._about = dpg.add_text("", wrap=WORDS)
                    self._definition = dpg.add_text("", wrap=WORDS, color=MUTED)
            with dpg.tooltip(self._group):
                self._tip = dpg.add_text("")
            with dpg.item_handler_registry() as handlers:
                dpg.add_item_clicked_handler(button=0, callback=self._clicked)
            dpg.bind_item_handler_registry(self._group, handlers)

    def update(self, state: State) -> None:
        control = self._control
        control.refresh()
        now = time.monotonic()
        if now - self._updated_at < PERIOD or not dpg.is_item_visible(self._words):
            return
        self._updated_at = now
        frame = control.frame
        if frame is None or get_posed_scene(state.run) is None:
            set_text(self._words, describe_absence(state.run))
            return
        if frame.stages != self._stages:
            self._stages = frame.stages
            dpg.configure_item(self._band, items=[ALL_STAGES, *frame.stages])
            dpg.set_value(self._band, ALL_STAGES)
            control.choices.stage = None
        dpg.configure_item(self._stop, show=control.busy)
        dpg.configure_item(self._save, enabled=control.basin is not None)
        state.lab[self.title] = self._describe(frame.name)
        set_text(self._words, state.lab[self.title])
        self._draw(control.basin)
        if dpg.is_item_hovered(self._group):
            set_text(self._tip, self._describe_cell(self._under_mouse()))

    def close(self) -> None:
        """Gives up what is being tried."""
        self._control.stop()

    def _describe(self, name: str) -> str:
        control, basin = self._control, self._control.basin
        if control.error:
            return control.error
        if basin is None:
            return "copying the field" if control.busy else f"{name}: press Try kicks"
        whose = "all frames" if basin.request.frame is None else f"frame {basin.request.frame + 1}"
        kicks = sum(one.ended for one in basin.tried) * basin.returned.size
        done = f", {basin.share:.0%}" if control.busy else ""
        return f"{whose}: {kicks} kicks tried{done}"

    def _draw(self, basin: Basin | None) -> None:
        """Draws the cells, in colours from dark (none came back) to bright (all did)."""
        width, height = (int(length) for length in measure_size(self._parent))
        key = (width, height, id(basin))
        dpg.configure_item(self._beside, show=basin is not None)
        if key == self._shown:
            return
        self._shown = key
        dpg.delete_item(self._cells, children_only=True)
        if basin is None:
            dpg.configure_item(self._cells, width=1, height=1)
            return
        returned, steps = basin.returned, basin.median_steps
        rows, columns = returned.shape
        wide = min((width - 3 * PADDING - WORDS - LEFT) / columns, WIDEST)
        high = min(max((height - ABOVE - BELOW - PADDING) / rows, LEAST), LARGEST)
        self._cell = (wide, high)
        dpg.configure_item(self._cells, width=int(LEFT + columns * wide) + 2, height=int(rows * high + BELOW))
        colours = (255 * colour_shares(np.nan_to_num(returned))).astype(int)
        percent = 100 * basin.shifts / basin.request.spread
        for row in range(rows):
            top = (rows - 1 - row) * high
            self._write((2, top + high / 2 - 7), f"{percent[row]:.0f} %", MUTED)
            for column in range(columns):
                left = LEFT + column * wide
                known = np.isfinite(returned[row, column])
                fill = (*(int(value) for value in colours[row, column]), 255) if known else EMPTY
                corners = ((left, top), (left + wide - 1, top + high - 1))
                dpg.draw_rectangle(*corners, color=fill, fill=fill, parent=self._cells)
                if np.isfinite(steps[row, column]):
                    text = f"{steps[row, column]:.0f}"
                    ink = DARK if returned[row, column] > 0.6 else LIGHT
                    self._write((left + wide / 2 - 3.5 * len(text), top + high / 2 - 7), text, ink)
        for column in range(columns):
            text = f"{basin.turns_deg[column]:.0f}°"
            self._write((LEFT + (column + 0.5) * wide - 3 * len(text), rows * high + 2), text, MUTED)
        self._write((LEFT, rows * high + 17), "turned by (across), moved by (up)", MUTED)
        ended = [one.steps >= 0 for one in basin.tried if one.ended]
        share = f"{np.mean(ended):.0%} of the kicks came back" if ended else "The first kicks are on their way"
        set_text(
            self._about,
            f"{share}, under the band limits of {', '.join(basin.stages)}. Numbers: median steps of those that are "
            "back. Click a cell to kick the camera so for real.",
        )
        set_text(self._definition, define_return(basin.request.spread))

    def _write(self, place: tuple[float, float], text: str, colour: tuple[int, int, int, int] = TEXT) -> None:
        dpg.draw_text(place, text, size=13, color=colour, parent=self._cells)

    def _under_mouse(self) -> Cell | None:
        basin = self._control.basin
        if basin is None:
            return None
        corner, mouse = dpg.get_item_rect_min(self._group), dpg.get_mouse_pos(local=False)
        rows, columns = len(basin.shifts), len(basin.turns_deg)
        column = int((mouse[0] - corner[0] - LEFT) // self._cell[0])
        row = rows - 1 - int((mouse[1] - corner[1]) // self._cell[1])
        return (row, column) if 0 <= row < rows and 0 <= column < columns else None

    def _describe_cell(self, cell: Cell | None) -> str:
        basin = self._control.basin
        if basin is None or cell is None:
            return "Colours: the share of kicks that came back, from dark (none) to bright (all)."
        tried, back = basin.counts[0][cell], basin.counts[1][cell]
        steps = float(basin.median_steps[cell])
        percent = 100 * basin.shifts[cell[0]] / basin.request.spread
        lines = [f"turned by {basin.turns_deg[cell[1]]:.1f}°, moved by {percent:.1f} %"]
        lines.append(
            f"{back} of {tried} came back" + (f", in {steps:.0f} steps (median)" if np.isfinite(steps) else "")
        )
        return "\n".join([*lines, "Click: this kick for real, another direction each time."])

    def _clicked(self) -> None:
        cell = self._under_mouse()
        one = None if cell is None else self._control.kick(cell)
        if one is None or cell is None or self._control.basin is None:
            return
        back = "came back" if one.steps[cell] >= 0 else "did not come back" if one.ended else "has not come back yet"
        self._state.notice = f"Frame {one.frame + 1} was kicked. On the frozen field this kick {back}."

    def _choose(self) -> None:
        choices = self._control.choices
        choices.turn_deg, choices.shift = (dpg.get_value(slider) for slider in self._sliders)
        choices.all_frames = dpg.get_value(self._all)
        name = dpg.get_value(self._band)
        choices.stage = self._stages.index(name) if name in self._stages else None

    def _ask_folder(self) -> None:
        self._ask_path("Write basin.csv and basin.png into", "basin", self._control.save)
