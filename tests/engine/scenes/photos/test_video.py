"""Frames selected from a video differ."""

from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from engine.errors import UserError
from engine.scenes import load_scene
from engine.scenes.photos.files import list_photos
from engine.scenes.photos.video import extract_frames
from engine.scenes.progress import ReadingProgress
from tests.support.scenes.photos_on_disk import fern_photos


def write_video(path: Path, frames: int = 30, still: int = 0) -> Path:
    """A video of a view that moves over a photo, after standing still for some frames."""
    photo = np.asarray(Image.open(fern_photos()[0]).convert("RGB"))
    height, width = photo.shape[0] // 2 // 16 * 16, photo.shape[1] // 2 // 16 * 16
    writer = imageio_ffmpeg.write_frames(str(path), (width, height), fps=15, quality=8, macro_block_size=16)
    writer.send(None)
    for number in range(frames + still):
        x = max(number - still, 0) * (photo.shape[1] - width - 1) // max(frames, 1)
        writer.send(np.ascontiguousarray(photo[40 : 40 + height, x : x + width]))
    writer.close()
    return path


def test_frames_are_chosen_written_once_and_progress_is_told(tmp_path: Path) -> None:
    video, told = write_video(tmp_path / "walk.mp4", still=30), list[ReadingProgress]()
    folder, note = extract_frames(video, 6, 10**7, told.append)  # type: ignore[arg-type]
    names = [file.name for file in list_photos(folder)]
    assert len(names) == 6
    assert sum(int(name[6:11]) >= 30 for name in names) >= 5  # where it stands still one is enough
    assert note.startswith("6 of the video's 60 frames")
    assert {event.what for event in told} == {"looking through the video", "taking frames from the video"}
    assert told[-1].done == told[-1].total
    told.clear()
    assert extract_frames(video, 6, 10**7, told.append) == (folder, note)  # type: ignore[arg-type]
    assert not told
    assert extract_frames(video, 5, 10**7, told.append)[0] != folder  # type: ignore[arg-type]


def test_what_is_no_video_is_said_and_leaves_nothing_in_the_cache(tmp_path: Path, own_cache: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"this is no video" * 100)
    with pytest.raises(UserError, match=r"broken\.mp4 has no frames that ffmpeg can read"):
        extract_frames(broken, None, 10**7, lambda _: None)
    short = write_video(tmp_path / "short.mp4", frames=2)
    with pytest.raises(UserError, match="film for some seconds"):
        extract_frames(short, None, 10**7, lambda _: None)
    with pytest.raises(UserError, match="more than 1,000"):
        extract_frames(write_video(tmp_path / "large.mp4", frames=3), None, 1000, lambda _: None)
    assert not [entry for entry in own_cache.rglob("*") if entry.is_file()]


def test_a_camera_that_stands_still_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the camera stands still, so film while you walk"):
        load_scene(write_video(tmp_path / "tripod.mp4", frames=0, still=30))
