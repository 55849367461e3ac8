"""A photo, what the run makes of it, and the difference, side by side over the colour scale of the difference."""

from __future__ import annotations

from collections.abc import Callable

import dearpygui.dearpygui as dpg
import numpy as np
from jaxtyping import Float32

from app.model.common.error_map import colour_levels, compute_psnr, measure_difference
from app.model.common.photo_sizes import fit_size
from app.panels.widgets.error_levels import HEIGHT as SCALE_HEIGHT
from app.panels.widgets.error_levels import ErrorLevels
from app.panels.widgets.parts import set_text, tool_tip
from app.panels.widgets.picture_item import PictureItem

Picture = Float32[np.ndarray, "height width 3"]
Key = tuple[object, ...]  # equal keys mean equal pictures

GAP = 8
CAPTION = 124  # pixels of the longest
HEIGHT = 22 + SCALE_HEIGHT + 8  # pixels of captions, scale and gaps


class ComparedPictures:
    """Each picture is shown once, however often it is handed over.

    Attributes:
        photo: the one that is shown.
        shown: which rendering is beside it; empty while none of this photo is.
    """

    def __init__(self, rendered: str) -> None:
        self._title = rendered
        self._photo_key: Key = ()
        self.photo: Picture = np.zeros((1, 1, 3), np.float32)
        self.shown: Key = ()
        self._placed = (0, 0)

    def build(self, photo: str, photo_tip: str, rendered_tip: str) -> None:
        """Into the container that is open."""
        with dpg.group(horizontal=True, horizontal_spacing=GAP):
            self._photo_item, _ = _column(photo, photo_tip)
            self._rendered_item, self._rendered = _column(self._title, rendered_tip)
            self._error_item, self._error = _column(
                "Error", "Difference between the two per pixel: root mean square over the colours, levels of 255."
            )
        self._scale = ErrorLevels()

    def place(self, image: tuple[int, int], width: float, height: float) -> tuple[int, int]:
        """Makes room for pictures of an image's shape in so many pixels; (width, height) of arrays to show there."""
        box = ((width - 2 * GAP) / 3, max(height - HEIGHT, 40.0))
        size = fit_size(image, box)
        if size != self._placed:
            self._placed = size
            for item in (self._photo_item, self._rendered_item, self._error_item):
                item.place(size, CAPTION)
            self._scale.place(2 * (max(size[0], CAPTION) + GAP), size[0])
        return self._photo_item.resolution(image, box)

    def show_photo(self, key: Key, photo: Callable[[], Picture]) -> None:
        """Shows another photo; what is beside it stays until there is a rendering of this one."""
        if key == self._photo_key:
            return
        self._photo_key, self.photo, self.shown = key, photo(), ()
        self._photo_item.show(self.photo)

    def compare(self, key: Key, rendered: Picture) -> None:
        """Shows a rendering of the photo, of the same size, and the difference; `key` becomes `shown`."""
        self.shown = key
        levels = measure_difference(self.photo, rendered)
        self._rendered_item.show(rendered)
        self._error_item.show(colour_levels(levels))
        set_text(self._rendered, f"{self._title}   {compute_psnr(self.photo, rendered):.2f} dB")
        set_text(self._error, f"Error   mean {levels.mean():.1f}")


def _column(title: str, tip: str) -> tuple[PictureItem, int | str]:
    with dpg.group():
        caption = dpg.add_text(title)
        tool_tip(caption, tip)
        return PictureItem(), caption
