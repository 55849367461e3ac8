"""All that belongs to OpenGL, in the hands of the one thread that may touch it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float32

from app.model.common.pictures import CamerasPicture, NovelPicture
from app.render.cameras.drawing import BACKGROUND, CamerasDrawing
from app.render.gl.context import Driver, open_context
from app.render.gl.full_screen import FullScreen
from app.render.gl.volume_texture import VolumeTexture
from app.render.novel.drawing import Marcher, NovelDrawing
from app.render.scheduling.effort import Effort
from app.render.scheduling.sameness import Picture
from engine.fields.baking import FieldVolume

Pixels = Float32[np.ndarray, "height width 4"]


class Studio:
    """A context, the volume in its memory, and a drawing per view.

    Attributes:
        info: renderer and version, for a status line.
    """

    def __init__(self) -> None:
        """Opens a context, current in the calling thread from now on.

        Raises:
            UserError: there is no OpenGL 3.3.
        """
        self._context = open_context()
        self.driver = Driver(self._context)
        self.info = f"{self._context.info['GL_RENDERER']}, OpenGL {self._context.info['GL_VERSION']}"
        self._texture = VolumeTexture(self._context, self.driver)
        self._marcher, self._present = Marcher(self._context), FullScreen(self._context, "present")
        self._drawings: dict[str, NovelDrawing | CamerasDrawing] = {}

    @property
    def volume(self) -> FieldVolume | None:
        """What is in memory, all of it."""
        return self._texture.volume

    def upload(self, volume: FieldVolume) -> Iterator[None]:
        """Takes a volume into memory part by part."""
        return self._texture.upload(volume)

    def forget_volume(self) -> None:
        """Draws without a volume from now on."""
        self._texture.volume = None
        for drawing in self._drawings.values():
            drawing.forget()

    def forget_view(self, view: str) -> None:
        """Gives the memory of a view back."""
        drawing = self._drawings.pop(view, None)
        if drawing is not None:
            drawing.release()

    def march(self, view: str, picture: Picture, effort: Effort, bands: int) -> Iterator[None]:
        """Marches through the volume band by band."""
        drawing = self._drawing(view, picture)
        if isinstance(picture, NovelPicture):
            assert isinstance(drawing, NovelDrawing)
            return drawing.march(picture, self._texture, effort, bands)
        assert isinstance(drawing, CamerasDrawing)
        return drawing.march(picture, self._texture, effort, bands)

    def show(self, view: str, picture: Picture) -> Pixels:
        """Makes a picture of what was marched last."""
        drawing = self._drawing(view, picture)
        if isinstance(picture, NovelPicture):
            assert isinstance(drawing, NovelDrawing)
            if drawing.empty:
                return _blank(picture.camera.size)
            return drawing.show(picture)
        assert isinstance(drawing, CamerasDrawing)
        return drawing.show(picture)

    def error(self) -> str | None:
        """What OpenGL has to complain about since the last call."""
        error = self._context.error
        return None if error == "GL_NO_ERROR" else error

    def close(self) -> None:
        for drawing in self._drawings.values():
            drawing.release()
        self._marcher.release()
        self._present.release()
        self._texture.release()
        self._context.release()

    def _drawing(self, view: str, picture: Picture) -> NovelDrawing | CamerasDrawing:
        drawing = self._drawings.get(view)
        if drawing is None:
            if isinstance(picture, CamerasPicture):
                drawing = CamerasDrawing(self._context, self.driver)
            else:
                drawing = NovelDrawing(self._context, self.driver, self._marcher, self._present)
            self._drawings[view] = drawing
        return drawing


def _blank(size: tuple[int, int]) -> Pixels:
    pixels = np.empty((size[1], size[0], 4), np.float32)
    pixels[:] = (*BACKGROUND, 1.0)
    return pixels
