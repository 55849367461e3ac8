"""Videos as mp4 or GIF, written atomically."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import imageio.v2 as imageio
import numpy as np
from jaxtyping import UInt8
from PIL import Image

from engine.errors import UserError
from engine.system.files import replace_file

try:
    from imageio_ffmpeg import count_frames_and_secs
except ImportError:  # it brings ffmpeg, 65 MB: a computer without internet may lack it, and only videos need it
    count_frames_and_secs = None

VIDEO_ENDINGS = (".mp4", ".gif")
Picture = UInt8[np.ndarray, "height width 3"]


def encode_video(
    path: Path, pictures: Iterable[Picture], count: int, frames_per_second: int, quality: int = 8
) -> None:
    """Writes pictures as they are generated; an exception while they are generated is passed on and leaves no file.

    Args:
        path: ends in .mp4 (H.264) or .gif (repeats without end).
        pictures: 8-bit RGB, all of one size; for mp4 a last odd row or column is left out, as H.264 needs even sizes.
        count: number of pictures; the mp4 is checked against it.
        frames_per_second: for a GIF the time per picture is rounded to hundredths of a second.
        quality: of an mp4, 0 (worst) to 10.
    Raises:
        UserError: the video could not be written.
    """
    with replace_file(path) as temporary:
        if path.suffix.lower() == ".gif":
            _write_gif(temporary, pictures, frames_per_second)
            return
        if count_frames_and_secs is None:
            raise UserError(f"{path} was not written: there is no ffmpeg. Install it: pip install imageio-ffmpeg")
        # ffmpeg reports no error where the disk is full at the end of the video, so the frames are counted.
        if not _write_mp4(temporary, pictures, frames_per_second, quality) or _count_frames(temporary) != count:
            raise UserError(f"{path} was not written: ffmpeg failed; is the disk full, or ffmpeg missing?")


def crop_to_even_size(picture: Picture) -> UInt8[np.ndarray, "rows columns 3"]:
    """The picture without its last row (column) if its height (width) is odd."""
    height, width, _ = picture.shape
    return picture[: height - height % 2, : width - width % 2]


def _write_mp4(path: Path, pictures: Iterable[Picture], frames_per_second: int, quality: int) -> bool:
    """Whether ffmpeg accepted all pictures. Its errors are of many kinds, and their texts are its command lines."""
    options: dict[str, Any] = {"codec": "libx264", "quality": quality, "macro_block_size": 2}
    try:
        writer = imageio.get_writer(path, fps=frames_per_second, ffmpeg_log_level="quiet", **options)
    except (OSError, RuntimeError, ValueError):
        return False
    with contextlib.ExitStack() as stack:
        stack.callback(_close, writer)  # imageio's own `with` leaves ffmpeg running after an exception
        for picture in pictures:
            try:
                writer.append_data(crop_to_even_size(picture))
            except (OSError, RuntimeError, ValueError):
                return False
    return True


def _close(writer: Any) -> None:
    with contextlib.suppress(OSError, RuntimeError, ValueError):
        writer.close()


def _count_frames(path: Path) -> int:
    try:
        return count_frames_and_secs(str(path))[0]
    except (OSError, RuntimeError, ValueError):
        return 0


def _write_gif(path: Path, pictures: Iterable[Picture], frames_per_second: int) -> None:
    images = (Image.fromarray(picture).quantize() for picture in pictures)
    first = next(images)
    first.save(
        path, format="GIF", save_all=True, append_images=images, duration=round(1000 / frames_per_second), loop=0
    )
