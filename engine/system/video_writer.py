"""Films, mp4 or GIF: whole or not there."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import imageio.v2 as imageio
import numpy as np
from imageio_ffmpeg import count_frames_and_secs
from jaxtyping import UInt8
from PIL import Image

from engine.errors import UserError
from engine.system.files import replace_file

VIDEO_ENDINGS = (".mp4", ".gif")
Picture = UInt8[np.ndarray, "height width 3"]


def encode_video(
    path: Path, pictures: Iterable[Picture], count: int, frames_per_second: int, quality: int = 8
) -> None:
    """Writes pictures, RGB, as they come; what raises while they are made passes through and leaves no file.

    Args:
        path: ends in .mp4 (H.264) or .gif, which repeats for ever.
        pictures: of one size; an odd row or column is left out, as H.264 needs even ones.
        count: how many there will be.
        frames_per_second: of a GIF, rounded to hundredths of a second per picture.
        quality: of an mp4, 0 to 10.
    Raises:
        UserError: it could not be written.
    """
    with replace_file(path) as temporary:
        if path.suffix.lower() == ".gif":
            _write_gif(temporary, pictures, frames_per_second)
            return
        # An ffmpeg that could not write its last bytes ends without a word; the file tells.
        if not _write_mp4(temporary, pictures, frames_per_second, quality) or _length(temporary) != count:
            raise UserError(f"{path} was not written: ffmpeg failed; is the disk full, or ffmpeg missing?")


def crop_to_even_size(picture: Picture) -> UInt8[np.ndarray, "rows columns 3"]:
    """The picture without its last row or column where there is an odd number of them."""
    height, width, _ = picture.shape
    return picture[: height - height % 2, : width - width % 2]


def _write_mp4(path: Path, pictures: Iterable[Picture], frames_per_second: int, quality: int) -> bool:
    """Whether ffmpeg took all; its failures are of many kinds, and their texts are its command lines."""
    how: dict[str, Any] = {"codec": "libx264", "quality": quality, "macro_block_size": 2, "ffmpeg_log_level": "quiet"}
    try:
        film = imageio.get_writer(path, fps=frames_per_second, **how)
    except (OSError, RuntimeError, ValueError):
        return False
    with contextlib.ExitStack() as stack:
        stack.callback(_closed, film)  # its own `with` leaves ffmpeg running where something fails
        for picture in pictures:
            try:
                film.append_data(crop_to_even_size(picture))
            except (OSError, RuntimeError, ValueError):
                return False
    return True


def _closed(film: Any) -> None:
    with contextlib.suppress(OSError, RuntimeError, ValueError):
        film.close()


def _length(path: Path) -> int:
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
