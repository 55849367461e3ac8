"""Switches of layers, each with a swatch of its colours and a tool tip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import dearpygui.dearpygui as dpg

from app.panels.widgets.parts import Colour, tool_tip

SWATCH = (12, 14)  # pixels


class Switch(NamedTuple):
    """A layer's attribute, what is written beside the box, the colours of its swatch, a sentence."""

    layer: str
    word: str
    swatch: tuple[Colour, ...]
    sentence: str


class LayerSwitches:
    """Turn attributes of one object on and off."""

    def __init__(self, layers: object, switches: Sequence[Switch]) -> None:
        self._layers, self._switches = layers, {switch.layer: switch for switch in switches}
        self._boxes: dict[str, int | str] = {}
        self._groups: dict[str, int | str] = {}

    def build(self, layer: str) -> None:
        """One switch, into the container on top of the stack."""
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
        """After all of them: tool tips are items too, and inside a row of a table they would take up columns."""
        for layer, group in self._groups.items():
            tool_tip(group, self._switches[layer].sentence)

    def show(self, layer: str, shown: bool) -> None:
        """Or hide one for which there is no room."""
        if dpg.is_item_shown(self._groups[layer]) != shown:
            dpg.configure_item(self._groups[layer], show=shown)

    def update(self) -> None:
        """Shows what was switched elsewhere."""
        for layer, box in self._boxes.items():
            wanted = getattr(self._layers, layer)
            if dpg.get_value(box) != wanted:
                dpg.set_value(box, wanted)

    def _switch(self, _sender: int, value: bool, layer: str) -> None:
        setattr(self._layers, layer, value)
