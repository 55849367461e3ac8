"""A texture for pictures of any size: as large as the largest so far, of which the part that is used is drawn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32

from app.panels.widgets.live_texture import LiveTexture

SMALLEST = 64  # pixels
STEP = 256  # pixels in which it grows


class GrowingTexture:
    """The whole texture is uploaded for each picture, so it is no larger than it has to be.

    It only ever grows, because a texture that is deleted leaves its memory behind.

    Attributes:
        item: Dear PyGui's texture, to be drawn; another one after `show` had to grow it.
        used: the part that the picture fills, (across, down) in [0, 1].
    """

    def __init__(self, replaced: Callable[[int | str], None]) -> None:
        """`replaced` is given another texture to draw from now on, before the one until now is deleted."""
        self._replaced = replaced
        self._texture = LiveTexture(SMALLEST, SMALLEST)
        self.used = (1.0, 1.0)

    @property
    def item(self) -> int | str:
        return self._texture.item

    def show(self, pixels: Float32[np.ndarray, "height width channels"]) -> None:
        """Copies a picture, RGB or RGBA in [0, 1], rows from the top."""
        height, width, channels = pixels.shape
        self._grow(width, height)
        whole = self._texture.pixels
        whole[:height, :width, :channels] = pixels
        whole[:height, :width, channels:] = 1.0
        self._texture.changed()
        # half a pixel less, so that what lies beside the picture is not blended into its border
        self.used = ((width - 0.5) / whole.shape[1], (height - 0.5) / whole.shape[0])

    def _grow(self, width: int, height: int) -> None:
        before = self._texture
        high, wide = before.pixels.shape[:2]
        if width <= wide and height <= high:
            return
        self._texture = LiveTexture(max(-(-width // STEP) * STEP, wide), max(-(-height // STEP) * STEP, high))
        self._replaced(self._texture.item)
        before.delete()
