"""Switches of layers, each with a swatch of its colours and a tool tip."""

from __future__ import annotations

from collections.abc import Sequence
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

    def build(self, layer: str) -> None:
        """Adds one switch to the container that is open."""
        switch = self._switches[layer]
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

    def build_tips(self) -> None:
        """Adds the tool tips, after all switches: inside a row of a table each tool tip would take up a column."""
        for layer, group in self._groups.items():
            add_tool_tip(group, self._switches[layer].sentence)

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
