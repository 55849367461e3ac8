"""The selected frame as the field of each contestant of a race shows it."""

from __future__ import annotations

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.common.photo_sizes import fit_size
from app.model.lab.race_views import RaceViews
from app.model.state.scene_kinds import get_posed_scene
from app.model.state.state import State
from app.panels.widgets.parts import PADDING, add_tool_tip, measure_size, read_colour
from app.panels.widgets.picture_item import PictureItem
from engine.lab.race.definition import COLOURS
from engine.run.feeds.view import LONGEST

GAP = 6  # between two pictures, pixels
LOWEST = 48  # height of a picture in a panel that is too low for it, pixels


class RaceViewItems:
    """Pictures beside each other, each with a border of its contestant's colour, as large as there is room for."""

    def __init__(self) -> None:
        self._renderings, self._shown = RaceViews(), dict[int, np.ndarray]()

    def build(self) -> None:
        """Adds them to the container that is open."""
        with dpg.group(horizontal=True, horizontal_spacing=GAP) as self._row:
            self._items = [PictureItem((LONGEST, LONGEST)) for _ in COLOURS]
        self._borders = [
            dpg.draw_rectangle((0, 0), (8, 8), color=read_colour(colour), thickness=2, parent=item.drawlist)
            for colour, item in zip(COLOURS, self._items, strict=True)
        ]
        for item in self._items:
            add_tool_tip(item.group, "The selected frame as this contestant's field shows it from its fitted pose.")

    def update(self, state: State, parent: int | str) -> None:
        """Shows the newest ones; none of patches of an image. `parent` is the window of the panel."""
        posed = get_posed_scene(state.run) is not None
        dpg.configure_item(self._row, show=posed)
        if not posed:
            return
        width, height = measure_size(parent)
        top = dpg.get_item_pos(self._row)[1]
        box = ((width - 3 * PADDING) / max(len(state.runs), 1) - GAP, max(height - top - 2 * PADDING, LOWEST))
        latest = self._renderings.latest(state)
        known = next((pixels for pixels in latest if pixels is not None), None)
        for place, item in enumerate(self._items):
            dpg.configure_item(item.group, show=known is not None and place < len(state.runs))
        if known is None:
            return
        size = fit_size((known.shape[1], known.shape[0]), box)  # of those, too, that are not there yet
        for place, pixels in enumerate(latest):
            item = self._items[place]
            if pixels is not None and pixels is not self._shown.get(place):
                item.show(pixels)
                self._shown[place] = pixels
            item.place(size)
            dpg.configure_item(self._borders[place], pmax=size)
