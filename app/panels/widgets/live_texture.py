"""Textures whose pixels change now and then.

Dear PyGui uploads every raw texture anew in every frame, changed or not: 16 bytes a pixel, 9 ms for 1024 x 512 pixels
where the CPU draws. One that lies on a stage is not uploaded and can still be seen. So a texture comes into the
registry when its pixels have changed, and goes back to the stage some frames later: what is written goes through two
buffers by turns, and arrives with the second frame.
"""

from __future__ import annotations

import dearpygui.dearpygui as dpg
import numpy as np

FRAMES = 3  # that a texture stays in the registry

_awake: dict[LiveTexture, int] = {}  # and the frames that are left to each


class LiveTexture:
    """A raw texture, RGBA in [0, 1].

    Attributes:
        item: Dear PyGui's, to be drawn.
        pixels: to be written into; `changed` has them shown.
    """

    def __init__(self, width: int, height: int) -> None:
        self.pixels = np.zeros((height, width, 4), np.float32)
        self._registry, self._stage = dpg.add_texture_registry(), dpg.add_stage()
        self.item = dpg.add_raw_texture(
            width, height, self.pixels, format=dpg.mvFormat_Float_rgba, parent=self._registry
        )
        _awake[self] = FRAMES

    def changed(self) -> None:
        """Has the pixels uploaded with the next frame."""
        if self not in _awake:
            dpg.move_item(self.item, parent=self._registry)
        _awake[self] = FRAMES

    def rest(self) -> None:
        """Keeps what was uploaded."""
        dpg.move_item(self.item, parent=self._stage)

    def delete(self) -> None:
        """Nothing may draw it any more."""
        _awake.pop(self, None)
        dpg.delete_item(self.item)


def rest_textures() -> None:
    """To be called after each frame; where nobody does, every texture is uploaded in every frame, and that is all."""
    for texture, left in list(_awake.items()):
        if left > 1:
            _awake[texture] = left - 1
        else:
            del _awake[texture]
            texture.rest()
