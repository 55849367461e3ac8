"""Pictures and films of a view, on disk; a film is drawn in the background while the window goes on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from app.model.common.background_job import BackgroundJob
from app.model.common.pictures import NovelPicture
from app.render.renderer import Renderer
from engine.errors import UserError
from engine.system.files import replace_file
from engine.system.video_writer import encode_video

FRAMES_PER_SECOND = 30
VIEW = "recording"


def save_png(pixels: Float32[np.ndarray, "height width 4"], path: Path) -> None:
    """Writes a picture as the renderer made it.

    Raises:
        UserError: it could not be written.
    """
    with replace_file(path) as temporary:
        Image.fromarray(_bytes(pixels)).save(temporary, format="PNG")


class Recording(BackgroundJob):
    """A film in the making; it appears when it is whole.

    Attributes:
        done: pictures drawn.
        total: pictures there will be.
    """

    name, undone = "recording", "written"

    def __init__(self, renderer: Renderer, pictures: Sequence[NovelPicture], path: Path) -> None:
        """Starts at once. All pictures have one size; an odd row or column is left out, as films need even ones."""
        super().__init__(path)
        self.done, self.total = 0, len(pictures)
        self._renderer, self._pictures = renderer, pictures
        self._thread.start()

    @property
    def progress(self) -> float:
        """In [0, 1]."""
        return self.done / max(self.total, 1)

    def stop(self) -> None:
        """Gives up, leaving no file, and waits until that is done."""
        super().stop()
        self.join()

    def work(self) -> None:
        try:
            encode_video(self.output, self._drawn(), self.total, FRAMES_PER_SECOND)
        except _StoppedError:
            pass
        except TimeoutError:
            raise UserError(f"{self.output} was not written: the view could not be drawn.") from None

    def _drawn(self) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
        for picture in self._pictures:
            if self._stopping:
                raise _StoppedError
            yield _bytes(self._renderer.wait_for(VIEW, picture).pixels)
            self.done += 1


class _StoppedError(Exception):
    """The user gave up."""


def frames_of(seconds: float) -> int:
    """Pictures of a film so long."""
    return max(math.ceil(seconds * FRAMES_PER_SECOND), 1)


def _bytes(pixels: Float32[np.ndarray, "height width 4"]) -> UInt8[np.ndarray, "height width 3"]:
    return (np.clip(pixels[..., :3], 0, 1) * 255 + 0.5).astype(np.uint8)
