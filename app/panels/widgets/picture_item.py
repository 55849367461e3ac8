"""A picture in a panel, small and often changed: one raw texture, of which the part that is used is drawn."""

from __future__ import annotations

import dearpygui.dearpygui as dpg
import numpy as np
from jaxtyping import Float32

from app.model.common.photo_sizes import fit_size
from app.panels.widgets.live_texture import LiveTexture
from app.panels.widgets.parts import drawing

LARGEST = (288, 216)  # pixels: the whole texture is uploaded for each picture


class PictureItem:
    """Shows arrays of at most `largest` pixels at any size, on a drawlist that more can be drawn on.

    Attributes:
        group: to hang tool tips on and to ask whether the mouse is over it.
        drawlist: holds the picture; what is added to it lies above.
    """

    def __init__(self, largest: tuple[int, int] = LARGEST) -> None:
        self._largest = largest
        self._texture = LiveTexture(*largest)
        self._texture.pixels[..., 3] = 1.0
        self.group, self.drawlist = drawing(75)
        self._image = dpg.draw_image(self._texture.item, (0, 0), (100, 75), parent=self.drawlist, show=False)

    def resolution(self, image: tuple[int, int], box: tuple[float, float]) -> tuple[int, int]:
        """(width, height) of the array to show an image in a box of the panel."""
        wide, high = fit_size(image, box)
        fits = wide <= self._largest[0] and high <= self._largest[1]
        return (wide, high) if fits else fit_size(image, self._largest)

    def show(self, pixels: Float32[np.ndarray, "height width 3"]) -> None:
        """Takes an array over; RGB in [0, 1]."""
        height, width = pixels.shape[:2]
        whole = self._texture.pixels
        whole[:height, :width, :3] = pixels
        # a rim of the same colours, so that nothing of an earlier picture shines in where it is enlarged
        whole[height : height + 1, :width, :3] = pixels[-1:]
        whole[:height, width : width + 1, :3] = pixels[:, -1:]
        self._texture.changed()
        uv = (width / self._largest[0], height / self._largest[1])
        dpg.configure_item(self._image, uv_max=uv, show=True)

    def place(self, size: tuple[int, int], column: int = 0) -> None:
        """How large it is shown, and how wide its column is at least, pixels."""
        dpg.configure_item(self.drawlist, width=max(size[0], column), height=size[1])
        dpg.configure_item(self._image, pmax=size)
