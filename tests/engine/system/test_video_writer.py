"""Videos are written completely or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import imageio.v2 as imageio
import numpy as np
import pytest
from PIL import Image

from engine.errors import UserError
from engine.system.video_writer import crop_to_even_size, encode_video


def pictures(count: int, size: tuple[int, int] = (33, 47)) -> Iterator[np.ndarray]:
    """Pictures of a bright bar that moves."""
    for index in range(count):
        picture = np.full((*size, 3), 30, np.uint8)
        picture[:, 4 * index : 4 * index + 8] = (40 * index, 200, 60)
        yield picture


@pytest.mark.parametrize("name", ["film.mp4", "film.gif"])
def test_every_picture_is_in_its_place(tmp_path: Path, name: str) -> None:
    encode_video(tmp_path / name, pictures(5), 5, 10)
    found = list(imageio.get_reader(tmp_path / name).iter_data())
    assert len(found) == 5
    for picture, wanted in zip(found, pictures(5), strict=True):
        assert (
            np.abs(
                picture[..., :3].astype(int) - (crop_to_even_size(wanted) if name.endswith("mp4") else wanted)
            ).mean()
            < 8
        )
    assert os.listdir(tmp_path) == [name]


def test_a_gif_keeps_time_and_repeats(tmp_path: Path) -> None:
    encode_video(tmp_path / "film.gif", pictures(3), 3, 20)
    with Image.open(tmp_path / "film.gif") as film:
        assert (film.info["duration"], film.info["loop"]) == (50, 0)


@pytest.mark.parametrize("name", ["film.mp4", "film.gif"])
def test_what_fails_while_pictures_are_made_passes_through(tmp_path: Path, name: str) -> None:
    def broken() -> Iterator[np.ndarray]:
        yield from pictures(2)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        encode_video(tmp_path / name, broken(), 5, 10)
    assert not list(tmp_path.iterdir())


def test_without_ffmpeg_a_sentence_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.system.video_writer.count_frames_and_secs", None)
    with pytest.raises(UserError, match=r"film\.mp4 was not written: there is no ffmpeg"):
        encode_video(tmp_path / "film.mp4", pictures(5), 5, 10)
    assert not list(tmp_path.iterdir())
    encode_video(tmp_path / "film.gif", pictures(3), 3, 20)


def test_too_few_pictures_are_no_video(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"film\.mp4 was not written: ffmpeg failed"):
        encode_video(tmp_path / "film.mp4", pictures(2), 5, 10)
    assert not list(tmp_path.iterdir())
