"""A picture that fills the rest of its window, with the mouse on it."""

from __future__ import annotations

import dearpygui.dearpygui as dpg
import numpy as np
from jaxtyping import Float32

from app.panels.widgets.growing_texture import SMALLEST, GrowingTexture
from app.panels.widgets.mouse import Mouse
from app.panels.widgets.parts import measure_size


class Canvas:
    """An image item that fills the rest of its window.

    Attributes:
        item: the image.
        mouse: what the mouse does on it.
    """

    def __init__(self) -> None:
        self.item: int | str = 0
        self.mouse: Mouse
        self._parent: int | str = 0
        self._texture: GrowingTexture
        self._size = (SMALLEST, SMALLEST)
        self._empty = True

    def build(self, parent: int | str) -> None:
        """Makes the image inside the window `parent`, below what is there already."""
        self._parent = parent
        self._first = (dpg.get_item_children(parent, 1) or [0])[0]  # where drawings on a window begin to count
        self._texture = GrowingTexture(lambda texture: dpg.configure_item(self.item, texture_tag=texture))
        self.item = dpg.add_image(self._texture.item, parent=parent, width=SMALLEST, height=SMALLEST)
        self._first = self._first or self.item
        self.mouse = Mouse(self.item)

    def look(self) -> None:
        """Reads size and mouse; to be called once per frame of the window, before `size` and `mouse` are used."""
        width, height = measure_size(self._parent)
        left, top = dpg.get_item_pos(self.item)
        size = (max(int(width - 2 * left), SMALLEST), max(int(height - top - left), SMALLEST))
        if size != self._size:
            self._size = size
            dpg.configure_item(self.item, width=size[0], height=size[1])
        self.mouse.look()

    @property
    def corner(self) -> tuple[float, float]:
        """(right, down) pixels of its upper left corner in what is drawn on its window."""
        (left, top), (right, down) = dpg.get_item_pos(self.item), dpg.get_item_pos(self._first)
        return left - right, top - down

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) in pixels that a picture should have."""
        return self._size

    def show(self, pixels: Float32[np.ndarray, "height width 4"]) -> None:
        """Copies a picture of any size, RGBA in [0, 1], rows from the top; it is stretched over the canvas."""
        self._empty = False
        self._texture.show(pixels)
        dpg.configure_item(self.item, uv_max=self._texture.used)

    def clear(self) -> None:
        """Shows nothing until the next picture."""
        if not self._empty:
            self.show(np.zeros((SMALLEST, SMALLEST, 4), np.float32))
            self._empty = True
