"""A small picture that changes often: one texture, of which the used part is drawn."""

from __future__ import annotations

import dearpygui.dearpygui as dpg
import numpy as np
from jaxtyping import Float32

from app.model.common.photo_sizes import fit_size
from app.panels.widgets.live_texture import LiveTexture
from app.panels.widgets.parts import add_drawing

LARGEST = (288, 216)  # (width, height) in pixels; the whole texture is uploaded for each picture


class PictureItem:
    """Shows arrays of at most `largest` pixels at any size, on a drawlist that takes further drawings.

    Attributes:
        group: takes tool tips, and can be hovered and clicked.
        drawlist: holds the picture; what is added to it is drawn above.
    """

    def __init__(self, largest: tuple[int, int] = LARGEST) -> None:
        """Adds it to the container that is open; `largest` is (width, height) in pixels."""
        self._largest = largest
        self._texture = LiveTexture(*largest)
        self._texture.pixels[..., 3] = 1.0
        self.group, self.drawlist = add_drawing(75)
        self._image = dpg.draw_image(self._texture.item, (0, 0), (100, 75), parent=self.drawlist, show=False)

    def resolution(self, image: tuple[int, int], box: tuple[float, float]) -> tuple[int, int]:
        """(width, height) in pixels of the array by which to show an image in a box of the panel."""
        wide, high = fit_size(image, box)
        fits = wide <= self._largest[0] and high <= self._largest[1]
        return (wide, high) if fits else fit_size(image, self._largest)

    def show(self, pixels: Float32[np.ndarray, "height width 3"]) -> None:
        """Copies an array, RGB in [0, 1], rows from the top."""
        height, width = pixels.shape[:2]
        whole = self._texture.pixels
        whole[:height, :width, :3] = pixels
        # a border of the same colours: an enlarged picture would otherwise blend with an earlier one at its edge
        whole[height : height + 1, :width, :3] = pixels[-1:]
        whole[:height, width : width + 1, :3] = pixels[:, -1:]
        self._texture.upload()
        uv = (width / self._largest[0], height / self._largest[1])
        dpg.configure_item(self._image, uv_max=uv, show=True)

    def clear(self) -> None:
        """Shows nothing until the next picture."""
        dpg.configure_item(self._image, show=False)

    def place(self, size: tuple[int, int], column: int = 0) -> None:
        """Sets the size at which it is shown, and the least width of its column, pixels."""
        dpg.configure_item(self.drawlist, width=max(size[0], column), height=size[1])
        dpg.configure_item(self._image, pmax=size)
