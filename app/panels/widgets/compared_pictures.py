"""A photo, its rendering and the difference side by side, with the colour scale of the difference below."""

from __future__ import annotations

from collections.abc import Callable

import dearpygui.dearpygui as dpg
import numpy as np
from jaxtyping import Float32

from app.model.common.error_map import Mask, colour_levels, compute_psnr, measure_difference
from app.model.common.photo_sizes import fit_size
from app.panels.widgets.error_levels import HEIGHT as SCALE_HEIGHT
from app.panels.widgets.error_levels import ErrorLevels
from app.panels.widgets.parts import add_tool_tip, set_text
from app.panels.widgets.picture_item import PictureItem

Picture = Float32[np.ndarray, "height width 3"]
Key = tuple[object, ...]  # equal keys mean equal pictures

GAP = 8
CAPTION = 140  # width of the longest caption, pixels
HEIGHT = 22 + SCALE_HEIGHT + 8  # of captions, scale and gaps together, pixels


class ComparedPictures:
    """Copies a picture only when its key is another one than before.

    Attributes:
        photo: the photo that is shown, RGB in [0, 1].
        shown: key of the rendering beside it; empty while there is none of this photo.
    """

    def __init__(self, rendered: str) -> None:
        """`rendered` is the caption of the rendering."""
        self._title = rendered
        self._photo_key: Key = ()
        self.photo: Picture = np.zeros((1, 1, 3), np.float32)
        self.shown: Key = ()
        self._counts: Mask | None = None
        self._placed = ((0, 0), 0)

    def build(self, photo: str, photo_tip: str, rendered_tip: str) -> None:
        """Adds the pictures to the container that is open; caption of the photo, and tool tips."""
        with dpg.group(horizontal=True, horizontal_spacing=GAP):
            self._photo_item, _ = _column(photo, photo_tip)
            self._rendered_item, self._rendered = _column(self._title, rendered_tip)
            self._error_item, self._error = _column(
                "Error", "Difference between the two per pixel: root mean square over the colours, levels of 255."
            )
        self._scale = ErrorLevels()

    def place(self, image: tuple[int, int], width: float, height: float) -> tuple[int, int]:
        """Sizes the pictures for a space of `width` x `height` pixels; (width, height) of the arrays to show there.

        Args:
            image: (width, height) of the image, for its aspect ratio.
            width, height: of the space, captions and scale included.
        """
        box = ((width - 2 * GAP) / 3, max(height - HEIGHT, 40.0))
        size, column = fit_size(image, box), max(int(box[0]), CAPTION)
        if (size, column) != self._placed:
            self._placed = (size, column)
            for item in (self._photo_item, self._rendered_item):
                item.place(size, column)
            self._error_item.place(size)
            self._scale.place(2 * (column + GAP), size[0])
        return self._photo_item.resolution(image, box)

    def show_photo(self, key: Key, photo: Callable[[], Picture], counts: Callable[[], Mask] | None = None) -> None:
        """Shows a photo; the pictures beside it stay until `compare` is called for it.

        Args:
            key: of the photo.
            photo: makes it.
            counts: makes its mask, True for pixels that are compared; None for all.
        """
        if key == self._photo_key:
            return
        self._photo_key, self.photo, self.shown = key, photo(), ()
        mask = counts() if counts is not None else None
        self._counts = mask if mask is not None and mask.any() else None
        self._photo_item.show(self.photo)

    def clear(self) -> None:
        """Shows nothing until the next photo."""
        if not self._photo_key:
            return
        self._photo_key = self.shown = ()
        for item in (self._photo_item, self._rendered_item, self._error_item):
            item.clear()
        set_text(self._rendered, self._title)
        set_text(self._error, "Error")

    def compare(self, key: Key, rendered: Picture) -> None:
        """Shows a rendering of the photo, in the same size, and the difference; `key` becomes `shown`."""
        self.shown = key
        levels, counts = measure_difference(self.photo, rendered), self._counts
        if counts is not None:
            levels = np.where(counts, levels, 0.0)
        self._rendered_item.show(rendered)
        self._error_item.show(colour_levels(levels))
        set_text(self._rendered, f"{self._title}   {compute_psnr(self.photo, rendered, counts):.2f} dB")
        mean = (levels if counts is None else levels[counts]).mean()
        set_text(self._error, f"Error   mean {mean:.1f}")


def _column(title: str, tip: str) -> tuple[PictureItem, int | str]:
    with dpg.group():
        caption = dpg.add_text(title)
        add_tool_tip(caption, tip)
        return PictureItem(), caption
