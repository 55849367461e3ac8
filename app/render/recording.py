"""Writes pictures and films of a view; a film is drawn in the background while the window goes on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image, ImageDraw

from app.model.common.background_job import BackgroundJob
from app.model.common.pictures import NovelPicture
from app.model.novel.film import Caption
from app.render.renderer import Renderer
from engine.errors import UserError
from engine.system.files import replace_file
from engine.system.video_writer import encode_video

FRAMES_PER_SECOND = 30
VIEW = "recording"
CAPTION_SHARE, SMALLEST_CAPTION = 0.035, 11  # size of captions: share of a film's height, and pixels at least


def save_png(pixels: Float32[np.ndarray, "height width 4"], path: Path) -> None:
    """Writes a picture in [0, 1], rows from the top, without its opacity.

    Raises:
        UserError: the file could not be written.
    """
    with replace_file(path) as temporary:
        Image.fromarray(_bytes(pixels)).save(temporary, format="PNG")


class Recording(BackgroundJob):
    """Writes a film in a thread of its own; the file appears when it is complete.

    Attributes:
        done: number of pictures drawn so far.
        total: number of pictures of the film.
    """

    name, verb = "recording", "written"

    def __init__(
        self, renderer: Renderer, pictures: Sequence[NovelPicture], path: Path, captions: Sequence[Caption] = ()
    ) -> None:
        """Starts at once. All pictures have one size; films need even sizes, so an odd row or column is dropped.

        Captions are written into the upper corners.
        """
        super().__init__(path)
        self._captions = tuple(captions)
        self.done, self.total = 0, len(pictures)
        self._renderer, self._pictures = renderer, pictures
        self._thread.start()

    @property
    def progress(self) -> float:
        """Share of the pictures that are drawn, in [0, 1]."""
        return self.done / max(self.total, 1)

    def stop(self) -> None:
        """Ends the writing, leaves no file, and waits until the thread has ended."""
        super().stop()
        self.join()

    def work(self) -> None:
        """Draws and writes all pictures; runs in the thread.

        Raises:
            UserError: a picture was not drawn in time, or the file could not be written.
        """
        try:
            encode_video(self.output, self._drawn(), self.total, FRAMES_PER_SECOND)
        except _StoppedError:
            pass
        except TimeoutError:
            raise UserError(f"{self.output} was not written: the view could not be drawn.") from None

    def _drawn(self) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
        names = _draw_captions(self._captions, self._pictures[0].camera.size) if self._captions else None
        for picture in self._pictures:
            if self._stopping:
                raise _StoppedError
            drawn = _bytes(self._renderer.wait_for(VIEW, picture).pixels)
            yield drawn if names is None else _put_over(drawn, names)
            self.done += 1


class _StoppedError(Exception):
    """The user stopped the recording."""


def count_pictures(seconds: float) -> int:
    """Number of pictures of a film of this length; at least 1."""
    return max(math.ceil(seconds * FRAMES_PER_SECOND), 1)


def _draw_captions(captions: Sequence[Caption], size: tuple[int, int]) -> Image.Image:
    """Names in their colours on dark ground, on a picture of (width, height) that is clear elsewhere."""
    from engine.results.convergence_video import font  # which takes half a second: not at the start of the window

    width, height = size
    layer = Image.new("RGBA", size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    letters = font(max(round(CAPTION_SHARE * height), SMALLEST_CAPTION))
    _, top, _, bottom = (round(edge) for edge in draw.textbbox((0, 0), "lg", font=letters))  # one height for all
    for caption in captions:
        left, _, right, _ = (round(edge) for edge in draw.textbbox((0, 0), caption.words, font=letters))
        across, margin = right - left, max((bottom - top) // 3, 2)
        start = width - across - 3 * margin if caption.left is None else round(caption.left * width) + margin
        box = (start, margin, start + across + 2 * margin, bottom - top + 3 * margin)
        draw.rectangle(box, fill=(14, 17, 21, 200))
        draw.text((start + margin - left, 2 * margin - top), caption.words, font=letters, fill=caption.colour)
    return layer


def _put_over(pixels: UInt8[np.ndarray, "height width 3"], layer: Image.Image) -> UInt8[np.ndarray, "height width 3"]:
    picture = Image.fromarray(pixels)
    picture.paste(layer, (0, 0), layer)
    return np.asarray(picture)


def _bytes(pixels: Float32[np.ndarray, "height width 4"]) -> UInt8[np.ndarray, "height width 3"]:
    return (np.clip(pixels[..., :3], 0, 1) * 255 + 0.5).astype(np.uint8)
