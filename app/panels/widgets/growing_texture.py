"""A texture for pictures of any size: as large as the largest so far, of which the used part is drawn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32

from app.panels.widgets.live_texture import LiveTexture

SMALLEST = 64  # pixels along each side at first
STEP = 256  # pixels by which a side grows


class GrowingTexture:
    """The whole texture is uploaded for each picture, so it is no larger than needed.

    It never shrinks, because Dear PyGui does not release the memory of a texture that is deleted.

    Attributes:
        item: Dear PyGui's texture; `show` replaces it when it has to grow.
        used: the part that the picture fills, (width, height) as shares in [0, 1].
    """

    def __init__(self, replaced: Callable[[int | str], None]) -> None:
        """`replaced` is called with a new texture to be drawn, before the old one is deleted."""
        self._replaced = replaced
        self._texture = LiveTexture(SMALLEST, SMALLEST)
        self.used = (1.0, 1.0)

    @property
    def item(self) -> int | str:
        """Dear PyGui's texture."""
        return self._texture.item

    def show(self, pixels: Float32[np.ndarray, "height width channels"]) -> None:
        """Copies a picture, RGB or RGBA in [0, 1], rows from the top."""
        height, width, channels = pixels.shape
        self._grow(width, height)
        whole = self._texture.pixels
        whole[:height, :width, :channels] = pixels
        whole[:height, :width, channels:] = 1.0
        self._texture.upload()
        # half a pixel less, so that nothing outside of the picture is blended into its border
        self.used = ((width - 0.5) / whole.shape[1], (height - 0.5) / whole.shape[0])

    def _grow(self, width: int, height: int) -> None:
        before = self._texture
        high, wide = before.pixels.shape[:2]
        if width <= wide and height <= high:
            return
        self._texture = LiveTexture(max(-(-width // STEP) * STEP, wide), max(-(-height // STEP) * STEP, high))
        self._replaced(self._texture.item)
        before.delete()
