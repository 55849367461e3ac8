"""One map of a sweep: a cell for each method and noise, the darker the fewer of its runs have succeeded."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from app.model.lab.sweep_control import SweepControl
from app.model.lab.sweep_maps import SweepCell, SweepMap
from app.panels.widgets.parts import (
    ACCENT,
    CLEAR,
    FAINT,
    GROOVE,
    MUTED,
    TEXT,
    Colour,
    add_drawing,
    measure_text,
    set_text,
    shorten_text,
)

NAMES = 200  # width of the names of the rows, at most, pixels
NAMES_SHARE = 0.36  # of the width of the map, at most
GAP = 10  # pixels between names and cells
CELL = (96, 34)  # largest size of a cell, pixels
NARROWEST = 40  # width of a cell; of more columns than fit the map is scrolled
HEAD = 38  # height of the names of the columns, and of what they are, pixels
FONT = 13  # pixels
EDGE = 3  # pixels between two cells
BAR = 14  # scroll bar, pixels


class SweepMapView:
    """Draws a map, and has a click choose a cell."""

    def __init__(self, control: SweepControl) -> None:
        self._control = control
        self._key: tuple[object, ...] = ()
        self._map: SweepMap | None = None
        self._left = self._wide = self._high = 0

    def build(self) -> None:
        """Adds it to the container that is open."""
        with dpg.child_window(width=200, height=100, border=False, horizontal_scrollbar=True) as self._window:
            self._group, self._list = add_drawing(100)
            with dpg.tooltip(self._group):
                self._tip = dpg.add_text("")
            with dpg.item_handler_registry() as handlers:
                dpg.add_item_clicked_handler(button=0, callback=self._clicked)
            dpg.bind_item_handler_registry(self._group, handlers)

    def update(self, found: SweepMap | None, size: tuple[int, int]) -> int:
        """Shows a map in a box of (width, height) pixels, at most; the width that it takes."""
        key = (id(found), size, self._control.chosen_cell)
        if key != self._key:
            self._key, self._map = key, found  # kept, so that no other map gets the same id
            self._draw(found, size)
        if dpg.is_item_hovered(self._group):
            set_text(self._tip, self._describe(self._under_mouse()))
        return int(dpg.get_item_width(self._window) or size[0])

    def _draw(self, found: SweepMap | None, size: tuple[int, int]) -> None:
        dpg.delete_item(self._list, children_only=True)
        if found is None:
            return
        columns, rows = len(found.columns), len(found.rows)
        names = found.rows
        if max(map(measure_text, names)) + GAP > min(NAMES, size[0] * NAMES_SHARE):
            names = tuple(map(abbreviate, names))
        self._left = int(min(max(max(map(measure_text, names)) + GAP, 40), NAMES, size[0] * NAMES_SHARE))
        self._wide = max(min((size[0] - self._left - BAR) // columns, CELL[0]), NARROWEST)
        self._high = max(min((size[1] - HEAD - BAR) // rows, CELL[1]), FONT + 8)
        whole = (self._left + columns * self._wide, HEAD + rows * self._high)
        axis = found.corner.split(" \\ ")
        wide = max(whole[0], min(self._left + int(measure_text(axis[-1])) + 4, size[0] - BAR))
        dpg.configure_item(self._list, width=wide, height=whole[1])
        dpg.configure_item(self._window, width=min(wide + BAR, size[0]), height=size[1])
        self._write((self._left, 0), shorten_text(axis[-1], wide - self._left), MUTED)
        if len(axis) > 1:
            self._write((0, HEAD // 2), shorten_text(axis[0], self._left - 6), MUTED)
        for index, name in enumerate(found.columns):
            narrow = name.replace(" / ", "/") if measure_text(name) > self._wide - EDGE else name
            self._write((self._left + index * self._wide, HEAD // 2), narrow, TEXT, within=self._wide)
        for row, name in enumerate(names):
            top = HEAD + row * self._high
            self._write((0, top + (self._high - FONT) // 2 - 2), shorten_text(name, self._left - 8), TEXT)
            for column, cell in enumerate(found.cells[row]):
                self._draw_cell(cell, (self._left + column * self._wide, top), (row, column))

    def _draw_cell(self, cell: SweepCell | None, at: tuple[int, int], place: tuple[int, int]) -> None:
        low, high = (at[0] + 1, at[1] + 1), (at[0] + self._wide - EDGE, at[1] + self._high - EDGE)
        chosen = place == self._control.chosen_cell
        dpg.draw_rectangle(low, high, fill=choose_fill(cell), color=FAINT, rounding=2, parent=self._list)
        if cell is not None:
            done = len(cell.ended)
            if done < len(cell.runs):  # how many have ended, as a line below
                reach = low[0] + (high[0] - low[0]) * done / len(cell.runs)
                dpg.draw_line((low[0], high[1]), (reach, high[1]), color=ACCENT, thickness=2, parent=self._list)
            words = f"{cell.succeeded}/{done}" if done else "–"
            down = at[1] + (self._high - FONT) // 2 - 2
            self._write((at[0], down), words, TEXT if done else MUTED, within=self._wide)
        if chosen:
            dpg.draw_rectangle(low, high, fill=CLEAR, color=TEXT, thickness=2, rounding=2, parent=self._list)

    def _write(self, at: tuple[int, int], words: str, colour: Colour, within: int = 0) -> None:
        """A text at a place, or in the middle of so many pixels from there on."""
        words = shorten_text(words, within - EDGE) if within else words
        aside = max((within - measure_text(words) * FONT / 14) / 2, 0) if within else 0
        dpg.draw_text((at[0] + aside, at[1]), words, size=FONT, color=colour, parent=self._list)

    def _under_mouse(self) -> tuple[int, int] | None:
        corner, mouse = dpg.get_item_rect_min(self._group), dpg.get_mouse_pos(local=False)
        across, down = mouse[0] - corner[0] - self._left, mouse[1] - corner[1] - HEAD
        found = self._map
        if found is None or across < 0 or down < 0:
            return None
        row, column = int(down // self._high), int(across // self._wide)
        return (row, column) if row < len(found.rows) and column < len(found.columns) else None

    def _describe(self, place: tuple[int, int] | None) -> str:
        found = self._map
        if found is None or place is None:
            return WHAT
        row, column = place
        name = f"{found.rows[row]}, {found.columns[column]}"
        return f"{name}\n{describe_cell(found.cells[row][column])}"

    def _clicked(self) -> None:
        place, found = self._under_mouse(), self._map
        if place is not None and found is not None and found.cells[place[0]][place[1]] is not None:
            self._control.choose_cell(*place)


def abbreviate(name: str) -> str:
    """The name of a row without the words that tool tips have: "l2g, assist on, λ = 10^2" is "l2g, on, λ 2"."""
    for words, shorter in (("assist ", ""), ("start ", ""), (" = 10^", " ")):
        name = name.replace(words, shorter)
    return name


def choose_fill(cell: SweepCell | None) -> Colour:
    """Of a cell: the share of its runs that have succeeded as that of the accent colour."""
    if cell is None or cell.rate is None:
        return GROOVE
    share = 0.08 + 0.62 * cell.rate.value  # the text on it is light
    red, green, blue = (round(low + share * (high - low)) for low, high in zip(GROOVE[:3], ACCENT[:3], strict=True))
    return red, green, blue, 255


def describe_cell(cell: SweepCell | None) -> str:
    """A cell in lines, for its tool tip."""
    if cell is None:
        return "The sweep has no such runs."
    if cell.rate is None:
        return f"None of its {len(cell.runs)} runs has ended."
    rate = cell.rate
    lines = [f"{cell.succeeded} of {len(cell.ended)} runs have succeeded"]
    lines.append(
        f"{rate.value:.0%}, 95 % interval {rate.low:.0%} to {rate.high:.0%}".replace("%", " %").replace("  ", " ")
    )
    if len(cell.ended) < len(cell.runs):
        lines.append(f"{len(cell.runs) - len(cell.ended)} have not ended")
    return "\n".join(lines)


WHAT = (
    "Runs that have succeeded, of those that have ended; the line below a cell says how many have. A click lists them."
)
