"""All OpenGL objects of the render thread: the context, the volumes and what each view needs."""

from __future__ import annotations

from collections.abc import Generator, Hashable, Iterator

import numpy as np
from jaxtyping import Float32

from app.model.common.pictures import CamerasPicture, NovelPicture
from app.render.cameras.drawing import BACKGROUND, CamerasDrawing
from app.render.gl.context import Driver, open_context
from app.render.gl.full_screen import FullScreen
from app.render.gl.volume_textures import VolumeTextures
from app.render.novel.drawing import Marcher, NovelDrawing
from app.render.scheduling.effort import Effort
from app.render.scheduling.sameness import Picture
from engine.fields.baking import FieldVolume

Pixels = Float32[np.ndarray, "height width 4"]


class Studio:
    """A context, the volumes in its memory, and a drawing per view. Everything must be called in the same thread.

    Attributes:
        driver: calls into OpenGL that let other threads run.
        info: renderer and version of OpenGL, for the status line.
        volumes: in memory, by their keys.
    """

    def __init__(self, interoperate: bool = True) -> None:
        """Opens a context, current in the calling thread from now on.

        Args:
            interoperate: whether CUDA and OpenGL may share memory where they can.
        Raises:
            UserError: there is no OpenGL 3.3.
        """
        self._context = open_context()
        self.driver = Driver(self._context)
        self.info = f"{self._context.info['GL_RENDERER']}, OpenGL {self._context.info['GL_VERSION']}"
        self.volumes = VolumeTextures(self._context, self.driver, interoperate)
        self._marcher, self._present = Marcher(self._context), FullScreen(self._context, "present")
        self._drawings: dict[str, NovelDrawing | CamerasDrawing] = {}

    def identify(self, picture: Picture) -> tuple[int, ...] | None:
        """What is in memory of the volumes that a picture shows, another value after each upload; None for nothing."""
        found = [self.volumes.get(key) for key in picture.volumes]
        serials = tuple(0 if texture is None else texture.serial for texture in found)
        return serials if any(serials) else None

    @property
    def problem(self) -> str | None:
        """Why the detail of a volume in memory is not drawn, a sentence; None where it is, or where there is none."""
        return self.volumes.problem

    @property
    def takes_device_memory(self) -> bool:
        """Whether the values of volumes of a GPU's field may stay there; it turns out with the first of them."""
        return self.volumes.takes_device_memory

    def upload(
        self, volume: FieldVolume, key: Hashable = None, most_bytes: int | None = None
    ) -> Generator[None, None, None]:
        """Copies a volume into memory, a part per step; other work may be done between two steps.

        Args:
            volume: any.
            key: by which pictures name it.
            most_bytes: see `VolumeTexture.upload`.
        Raises:
            UserError: it is larger than this OpenGL allows.
        """
        return self.volumes.of(key).upload(volume, most_bytes)

    def forget_volume(self, key: Hashable = None) -> None:
        """Gives the memory of a volume back."""
        self.volumes.forget(key)

    def forget_marched(self, view: str) -> None:
        """Drops what was marched last for a view."""
        if view in self._drawings:
            self._drawings[view].forget()

    def forget_view(self, view: str) -> None:
        """Gives the memory of a view back."""
        drawing = self._drawings.pop(view, None)
        if drawing is not None:
            drawing.release()

    def march(self, view: str, picture: Picture, effort: Effort, bands: int) -> Iterator[None]:
        """Marches through the volume, a band of rows per step; what was marched before is kept until the last step."""
        drawing = self._drawing(view, picture)
        if isinstance(picture, NovelPicture):
            assert isinstance(drawing, NovelDrawing)
            return drawing.march(picture, self.volumes, effort, bands)
        texture = self.volumes.get(picture.volume)
        assert isinstance(drawing, CamerasDrawing)
        assert texture is not None
        return drawing.march(picture, texture, effort, bands)

    def show(self, view: str, picture: Picture) -> Pixels:
        """The picture of what was marched last; a plain background where nothing was."""
        drawing = self._drawing(view, picture)
        if isinstance(picture, NovelPicture):
            assert isinstance(drawing, NovelDrawing)
            if drawing.empty:
                return _blank(picture.camera.size)
            return drawing.show(picture)
        assert isinstance(drawing, CamerasDrawing)
        return drawing.show(picture)

    def error(self) -> str | None:
        """The error that OpenGL has reported since the last call, or None."""
        error = self._context.error
        return None if error == "GL_NO_ERROR" else error

    def close(self) -> None:
        """Releases everything, the context last."""
        for drawing in self._drawings.values():
            drawing.release()
        self._marcher.release()
        self._present.release()
        self.volumes.release()
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
