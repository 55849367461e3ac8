"""Frames of a video. ffmpeg decodes it twice: all frames small, to select some, then the selected at full size."""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import logging
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray
from PIL import Image

from engine.errors import UserError
from engine.scenes.photos.cache import compute_fingerprint, find_or_fill
from engine.scenes.photos.frame_selection import measure_sharpness, measure_shift, select_frames
from engine.scenes.photos.video_colours import (
    MAPPING,
    choose_mapping,
    compute_light,
    find_abilities,
    find_transfer,
    measure_filters,
)
from engine.scenes.progress import ProgressListener, ReadingProgress

SMALL_WIDTH = 320  # pixels of the frames that are compared
CHOICE_FILE = "chosen.json"
JPEG_QUALITY = 96
READING = "every frame once, standard colours"  # part of the key in the cache: what was kept before was read otherwise
BITS = {"gray": 8, "rgb24": 24, "gbrpf32le": 96}  # of a pixel


def extract_frames(video: Path, count: int | None, maximum_pixels: int, watch: ProgressListener) -> tuple[Path, str]:
    """Selects frames of a video and writes them as JPEGs into the cache, once.

    Args:
        video: a video file.
        count: how many frames to select; None chooses by the motion (see `frame_selection`).
        maximum_pixels: largest frame that is decoded.
        watch: receives the progress.
    Returns:
        the folder of the frames, and a sentence about the selection.
    Raises:
        UserError: the file is no video that ffmpeg can read, or has too few frames.
    """

    def fill(folder: Path) -> None:
        size, pixel_format = read_frame_size(video, maximum_pixels)
        sharp, motion = _measure_frames(video, size, watch)
        chosen = select_frames(np.array(sharp), np.array(motion), count)
        if len(chosen) < 3:
            raise UserError(f"{video} has {len(sharp)} frames, of which {len(chosen)} differ; film for some seconds.")
        mapping, about_colours = plan_colours(video, size, pixel_format)
        _write(video, size, chosen, mapping, folder, watch)
        note = (
            f"{len(chosen)} of the video's {len(sharp)} frames are used: the sharpest of as many stretches of motion."
            f"{about_colours}"
        )
        (folder / CHOICE_FILE).write_text(json.dumps({"note": note}), encoding="utf-8")

    folder = find_or_fill("video", compute_fingerprint([video], count, READING), fill)
    return folder, json.loads((folder / CHOICE_FILE).read_text(encoding="utf-8"))["note"]


def read_frame_size(video: Path, maximum_pixels: int) -> tuple[tuple[int, int], str]:
    """(width, height) of the video as displayed, pixels, and how ffmpeg describes its pixels.

    Raises:
        UserError: the file is no video, or its frames are too large.
    """
    with _open_video(video) as (meta, _):
        width, height = meta["size"]
    if not 0 < width * height <= maximum_pixels:
        raise UserError(f"{video} has frames of {width} x {height} pixels, more than {maximum_pixels:,}; shrink it.")
    return (width, height), meta["pix_fmt"]


def plan_colours(video: Path, size: tuple[int, int], pixel_format: str) -> tuple[str | None, str]:
    """The filters that give a video standard colours, None if it has them; and a sentence for the user, or nothing.

    Args:
        video: a video file.
        size: (width, height) of its frames.
        pixel_format: ffmpeg's description of its pixels.
    """
    import imageio_ffmpeg

    transfer = find_transfer(pixel_format)
    if transfer is None:
        return None, ""
    told = f" The video has a high dynamic range ({transfer}), "
    pale = f"{told}which ffmpeg cannot map here: colours are pale. Convert it to standard range (SDR) for better ones."
    if not find_abilities(imageio_ffmpeg.get_ffmpeg_exe()).maps_tones:
        return None, pale
    width = min(MAPPING.sample_width, size[0])
    small = max(width // 2 * 2, 2), max(round(width * size[1] / size[0]) // 2 * 2, 2)
    filters = f"scale={small[0]}:{small[1]},{measure_filters(pixel_format)}"
    try:
        with _open_video(video, None, "gbrpf32le", filters, ["-skip_frame", "nokey"]) as (_, frames):
            data = list(itertools.islice(frames, MAPPING.samples))
    except UserError:
        data = []
    if not data:
        return None, pale
    light = [compute_light(np.frombuffer(one, dtype=np.float32).reshape(3, -1)) for one in data]
    return choose_mapping(light, pixel_format), f"{told}which is mapped to standard colours."


def _measure_frames(video: Path, size: tuple[int, int], watch: ProgressListener) -> tuple[list[float], list[float]]:
    """Sharpness of all frames, and motion since the frame before, in image widths."""
    width = min(SMALL_WIDTH, size[0])
    small = width // 2 * 2, max(round(width * size[1] / size[0]) // 2 * 2, 2)
    sharp: list[float] = []
    motion: list[float] = []
    before: NDArray[np.uint8] | None = None
    with _open_video(video, small, "gray") as (meta, frames):
        total = max(int(meta.get("fps", 0) * meta.get("duration", 0)), 1)
        for data in frames:
            frame = np.frombuffer(data, dtype=np.uint8).reshape(small[1], small[0])
            sharp.append(measure_sharpness(frame))
            motion.append(0.0 if before is None else measure_shift(before, frame))
            before = frame
            watch(ReadingProgress("looking through the video", len(sharp), max(total, len(sharp))))
    if not sharp:
        raise UserError(f"{video} has no frames that can be decoded; film it again or convert it to MP4.")
    return sharp, motion


def _write(
    video: Path,
    size: tuple[int, int],
    chosen: list[int],
    mapping: str | None,
    folder: Path,
    watch: ProgressListener,
) -> None:
    """Writes the chosen frames. ffmpeg gives the first one, too: it says nothing before it has one to give."""
    given = sorted({0, *chosen})
    select = "select='" + "+".join(f"eq(n,{number})" for number in given) + "'"
    filters = select if mapping is None else f"{select},{mapping}"
    with _open_video(video, size, "rgb24", filters) as (_, frames):
        for number, data in zip(given, frames, strict=False):
            if number in chosen:
                frame: UInt8[np.ndarray, "height width 3"] = np.frombuffer(data, dtype=np.uint8)
                picture = Image.fromarray(frame.reshape(size[1], size[0], 3))
                picture.save(folder / f"frame_{number:05d}.jpg", quality=JPEG_QUALITY, subsampling=0)
            watch(ReadingProgress("taking frames from the video", number, chosen[-1]))


@contextlib.contextmanager
def _open_video(
    video: Path,
    size: tuple[int, int] | None = None,
    pixels: str = "rgb24",
    filters: str | None = None,
    how: Sequence[str] = (),
) -> Iterator[tuple[dict[str, Any], Generator[bytes, None, None]]]:
    """ffmpeg's metadata of a video, and an iterator of its frames as bytes.

    Every frame comes once, whatever its time is (a variable frame rate would be made a constant one), and upright.

    Args:
        video: a video file.
        size: (width, height) to resample to.
        pixels: ffmpeg's name of their format.
        filters: ffmpeg's, applied before.
        how: more options for the decoder.
    """
    import imageio_ffmpeg

    output = list(find_abilities(imageio_ffmpeg.get_ffmpeg_exe()).keeps_frames)
    output += [] if size is None else ["-s", f"{size[0]}x{size[1]}"]
    output += [] if filters is None else ["-vf", filters]
    logging.getLogger("imageio_ffmpeg").setLevel(logging.ERROR)  # it warns of every other size, which is asked for
    frames = imageio_ffmpeg.read_frames(
        str(video), pix_fmt=pixels, bits_per_pixel=BITS[pixels], input_params=list(how), output_params=output
    )
    try:
        meta = next(frames)
        yield meta, frames
    except (OSError, RuntimeError, KeyError, ValueError, StopIteration) as error:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise  # of what is written meanwhile, not of the video
        raise UserError(
            f"{video} has no frames that ffmpeg can read; film it again, or convert it to MP4 with H.264."
        ) from error
    finally:
        frames.close()
