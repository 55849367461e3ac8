"""The cells of a basin map: colours for the share that came back, numbers for the steps it took."""

from __future__ import annotations

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.lab.basin_control import Cell
from app.model.lab.loss_colours import colour_shares
from app.panels.widgets.parts import MUTED, TEXT
from engine.lab.basin.kicks import Sizes
from engine.lab.basin.map import Basin

LEFT, BELOW = 46, 34  # room for the numbers beside the cells and below them, pixels
LEAST, LARGEST = 13, 44  # height of a cell, pixels
NARROWEST, WIDEST = 24, 64  # width of a cell, pixels: three digits have room in the narrowest
EMPTY = (36, 42, 50, 255)
LIGHT, DARK = (235, 238, 242, 255), (20, 24, 28, 255)


class BasinCells:
    """A drawing inside a group, which takes clicks.

    Attributes:
        group: the item that the cells are in.
    """

    def __init__(self) -> None:
        """Below the item that is being built."""
        with dpg.group() as self.group:
            self._drawing = dpg.add_drawlist(width=200, height=100)
        self._cell = (0.0, 0.0)
        self._basin: Basin | None = None

    def draw(self, basin: Basin | None, width: float, height: float) -> None:
        """Draws the cells into so many pixels, in colours from dark (none came back) to bright (all did)."""
        self._basin = basin
        dpg.delete_item(self._drawing, children_only=True)
        if basin is None:
            dpg.configure_item(self._drawing, width=1, height=1)
            return
        rows, columns = basin.shape
        wide = min(max((width - LEFT) / columns, NARROWEST), WIDEST)
        high = min(max((height - BELOW) / rows, LEAST), LARGEST)
        self._cell = (wide, high)
        dpg.configure_item(self._drawing, width=int(LEFT + columns * wide) + 2, height=int(rows * high + BELOW))
        returned, steps = basin.returned, basin.median_steps
        colours = (255 * colour_shares(np.nan_to_num(returned))).astype(int)
        for row in range(rows):
            top = (rows - 1 - row) * high
            self._write((2, top + high / 2 - 7), name_size(basin.rows, row), MUTED)
            for column in range(columns):
                left = LEFT + column * wide
                known = np.isfinite(returned[row, column])
                fill = (*(int(value) for value in colours[row, column]), 255) if known else EMPTY
                corners = ((left, top), (left + wide - 1, top + high - 1))
                dpg.draw_rectangle(*corners, color=fill, fill=fill, parent=self._drawing)
                if np.isfinite(steps[row, column]):
                    text = f"{steps[row, column]:.0f}"
                    ink = DARK if returned[row, column] > 0.6 else LIGHT
                    self._write((left + wide / 2 - 3.5 * len(text), top + high / 2 - 7), text, ink)
        for column in range(columns):
            text = f"{basin.columns.values[column]:.0f}{'°' * (basin.columns.unit == '°')}"
            self._write((LEFT + (column + 0.5) * wide - 3 * len(text), rows * high + 2), text, MUTED)
        unit = "" if basin.columns.unit == "°" else f", {basin.columns.unit}"
        self._write((LEFT, rows * high + 17), f"{basin.columns.label} (across{unit}), {basin.rows.label} (up)", MUTED)

    @property
    def under_mouse(self) -> Cell | None:
        """The cell that the mouse is over, if any."""
        if self._basin is None:
            return None
        corner, mouse = dpg.get_item_rect_min(self.group), dpg.get_mouse_pos(local=False)
        rows, columns = self._basin.shape
        column = int((mouse[0] - corner[0] - LEFT) // self._cell[0])
        row = rows - 1 - int((mouse[1] - corner[1]) // self._cell[1])
        return (row, column) if 0 <= row < rows and 0 <= column < columns else None

    def _write(self, place: tuple[float, float], text: str, colour: tuple[int, int, int, int] = TEXT) -> None:
        dpg.draw_text(place, text, size=13, color=colour, parent=self._drawing)


def name_size(sizes: Sizes, place: int) -> str:
    """A size with its unit, as short as it can be."""
    return f"{sizes.values[place]:.0f}{'' if sizes.unit == '°' else ' '}{sizes.unit}"
