"""The colour scale under an error map."""

from __future__ import annotations

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.common.error_map import FULL, colour_levels
from app.panels.widgets.parts import MUTED, add_drawing

HEIGHT = 16  # pixels
STEPS = 48  # rectangles that the scale is made of
WIDTH_OF_ALL_LEVELS = 100  # pixels; a narrower scale names fewer levels


class ErrorLevels:
    """A bar with its levels (0 to 255) below. Creating one adds it to the container that is open."""

    def __init__(self) -> None:
        _, self._list = add_drawing(HEIGHT)

    def place(self, left: float, width: int) -> None:
        """Draws it again, `width` pixels wide, `left` pixels from the left."""
        dpg.delete_item(self._list, children_only=True)
        dpg.configure_item(self._list, width=int(left + width + 12))
        ramp = (255 * colour_levels(np.linspace(0, FULL, STEPS))).astype(int).tolist()
        for step, (red, green, blue) in enumerate(ramp):
            x = left + width * step / STEPS
            paint = (red, green, blue, 255)
            dpg.draw_rectangle((x, 0), (x + width / STEPS + 1, 4), color=paint, fill=paint, parent=self._list)
        levels = (0, 16, 32, 48) if width >= WIDTH_OF_ALL_LEVELS else (0, 32)
        for level in (*levels, int(FULL)):
            text = f"{level}" if level < FULL else f"{level}+"
            x = left + width * level / FULL - (0 if level == 0 else 3.4 * len(text) * (1 if level < FULL else 1.6))
            dpg.draw_text((x, 4), text, size=11, color=MUTED, parent=self._list)
