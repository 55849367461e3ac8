"""Switches of layers, each with a swatch of its colours and a tool tip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import dearpygui.dearpygui as dpg

from app.panels.widgets.parts import Colour, add_tool_tip

SWATCH = (12, 14)  # pixels


class Switch(NamedTuple):
    """A check box for one layer.

    Attributes:
        layer: name of the attribute that it sets.
        word: what is written beside the box.
        swatch: colours shown beside it; none for no swatch.
        sentence: its tool tip.
    """

    layer: str
    word: str
    swatch: tuple[Colour, ...]
    sentence: str


class LayerSwitches:
    """Check boxes that set the attributes of one object."""

    def __init__(self, layers: object, switches: Sequence[Switch]) -> None:
        """`layers` has a boolean attribute for each switch."""
        self._layers, self._switches = layers, {switch.layer: switch for switch in switches}
        self._boxes: dict[str, int | str] = {}
        self._groups: dict[str, int | str] = {}

    def build(
        self, columns: Sequence[int], beside: int, parts_beside: Sequence[Callable[[], int | str]]
    ) -> list[int | str]:
        """Adds a table to the container that is open: rows of switches, with one more item at the end of each.

        Args:
            columns: widths of the columns of switches, pixels.
            beside: width of the last column, pixels.
            parts_beside: add the item in the last column; one per row, from the top.

        Returns:
            The items of the last column.
        """
        switches, count, made = list(self._switches.values()), len(columns), []
        with dpg.table(header_row=False, policy=dpg.mvTable_SizingFixedFit, no_pad_outerX=True):
            for width in (*columns, beside):
                dpg.add_table_column(width_fixed=True, init_width_or_weight=width)
            for index, add_part in enumerate(parts_beside):
                row = switches[index * count : (index + 1) * count]
                with dpg.table_row():
                    for switch in row:
                        self._add(switch)
                    for _ in range(count - len(row)):
                        dpg.add_spacer()
                    made.append(add_part())
        # Only now: a tool tip is an item too, and inside of a row it would take up a column.
        for layer, group in self._groups.items():
            add_tool_tip(group, self._switches[layer].sentence)
        return made

    def _add(self, switch: Switch) -> None:
        layer = switch.layer
        with dpg.group(horizontal=True, horizontal_spacing=4) as self._groups[layer]:
            value = getattr(self._layers, layer)
            self._boxes[layer] = dpg.add_checkbox(default_value=value, callback=self._switch, user_data=layer)
            if switch.swatch:
                with dpg.drawlist(*SWATCH):
                    width = SWATCH[0] / len(switch.swatch)
                    for index, colour in enumerate(switch.swatch):
                        left, right = index * width, (index + 1) * width
                        dpg.draw_rectangle((left, 6), (right, 11), color=(0, 0, 0, 0), fill=colour)
            dpg.add_text(switch.word)

    def show(self, layer: str, shown: bool) -> None:
        """Shows or hides one switch."""
        if dpg.is_item_shown(self._groups[layer]) != shown:
            dpg.configure_item(self._groups[layer], show=shown)

    def update(self) -> None:
        """Brings the boxes up to date with the attributes."""
        for layer, box in self._boxes.items():
            wanted = getattr(self._layers, layer)
            if dpg.get_value(box) != wanted:
                dpg.set_value(box, wanted)

    def _switch(self, _sender: int, value: bool, layer: str) -> None:
        setattr(self._layers, layer, value)
