"""Photos that tell too little or something wrong, through the command that users type: a sentence, or a recovery."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.benchmarks.support.verdict_inputs import turntable
from tests.engine.scenes.photos.test_video import write_video
from tests.support.in_process import Command, is_one_sentence
from tests.support.scenes.photos_on_disk import write_photos, write_turning

QUICK = ("--device", "cpu", "--output", "run", "--max-iterations", "3")


def two_photos(folder: Path) -> Path:
    write_photos(folder, [0, 1], width=160)
    return folder


def one_photo_three_times(folder: Path) -> Path:
    files = write_photos(folder, [0], width=160)
    for number in (2, 3):
        shutil.copy(files[0], folder / f"copy_{number}.jpg")
    return folder


def nothing_in_common(folder: Path) -> Path:
    folder.mkdir()
    rng = np.random.default_rng(3)
    for number in range(4):
        noise = rng.integers(0, 256, (30, 40, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((320, 240)).save(folder / f"{number}.png")
    return folder


def a_camera_that_only_turns(folder: Path) -> Path:
    write_turning(folder, 5)
    return folder


def an_object_that_is_turned(folder: Path) -> Path:
    turntable(folder, 6)
    return folder


def a_video_of_a_camera_that_stands_still(folder: Path) -> Path:
    folder.mkdir()
    return write_video(folder / "tripod.mp4", frames=0, still=30)


BAD_PHOTOS: dict[Callable[[Path], Path], str] = {
    two_photos: "has 2 photos; give at least 3",
    one_photo_three_times: "1 of 3 photos are left after black, blank and repeated ones; give more",
    nothing_in_common: "none of 4 photos have anything in common; take photos that overlap",
    a_camera_that_only_turns: "taken from one spot, or by a camera that stands still",
    an_object_that_is_turned: "mask what stands still (masks/, white where the object is)",
    a_video_of_a_camera_that_stands_still: "the camera stands still, so film while you walk round",
}


@pytest.mark.parametrize(("make", "words"), BAD_PHOTOS.items(), ids=lambda case: getattr(case, "__name__", ""))
def test_photos_that_show_no_place(command: Command, tmp_path: Path, make: Callable[[Path], Path], words: str) -> None:
    scene = make(tmp_path / "scene")
    is_one_sentence(command("l2g-train", scene, *QUICK), str(scene), words)
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_repeated_photo_a_wrong_focal_length_and_a_full_cache_are_told_and_cost_nothing(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for file in write_photos(tmp_path / "scene", [0, 4, 8, 12, 16, 4], width=480):
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0xA405] = 59  # mm, twice the true one
        Image.open(file).save(file, exif=exif, quality=95)
    monkeypatch.setattr("engine.scenes.photos.quick_start.write_reconstruction", full)
    left = command("l2g-train", "scene", *QUICK)
    assert left.code == 0, left.errors
    assert "IMG_6.jpg" in left.output
    assert "repeats IMG_2.jpg" in left.output
    assert "the matches rule it out" in left.output
    verdict = json.loads((tmp_path / "run" / "result.json").read_text())["verdict"]
    assert verdict["state"] == "registered", verdict["reason"]
