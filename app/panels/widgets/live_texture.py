"""Textures whose pixels change from time to time.

Dear PyGui uploads every raw texture of a registry in every frame, changed or not: 16 bytes per pixel, 9 ms for
1024 x 512 pixels where the CPU draws. A texture on a stage is not uploaded and can still be drawn. So a texture is
moved to the registry when its pixels have changed, and back to the stage some frames later: Dear PyGui uploads through
two buffers in turn, so that new pixels are visible in the second frame.
"""

from __future__ import annotations

import dearpygui.dearpygui as dpg
import numpy as np

FRAMES = 3  # for which a texture stays in the registry

_uploading: dict[LiveTexture, int] = {}  # textures in the registry, with the frames that are left to each


class LiveTexture:
    """A raw texture, RGBA in [0, 1].

    Attributes:
        item: Dear PyGui's texture.
        pixels: (height, width, 4) float32, to be written into, followed by a call of `upload`.
    """

    def __init__(self, width: int, height: int) -> None:
        """Black and transparent, of so many pixels."""
        self.pixels = np.zeros((height, width, 4), np.float32)
        self._registry, self._stage = dpg.add_texture_registry(), dpg.add_stage()
        self.item = dpg.add_raw_texture(
            width, height, self.pixels, format=dpg.mvFormat_Float_rgba, parent=self._registry
        )
        _uploading[self] = FRAMES

    def upload(self) -> None:
        """Has the pixels uploaded with the next frames."""
        if self not in _uploading:
            dpg.move_item(self.item, parent=self._registry)
        _uploading[self] = FRAMES

    def rest(self) -> None:
        """Ends the uploading; what was uploaded stays visible."""
        dpg.move_item(self.item, parent=self._stage)

    def delete(self) -> None:
        """Deletes the texture; no item may use it any more."""
        _uploading.pop(self, None)
        dpg.delete_item(self.item)


def rest_textures() -> None:
    """Ends the uploading of textures that are up to date; to be called after each frame of the window."""
    for texture, left in list(_uploading.items()):
        if left > 1:
            _uploading[texture] = left - 1
        else:
            del _uploading[texture]
            texture.rest()
