"""Photos whose tags are wrong, videos of a camera that stands still, disks that are full."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from engine.errors import UserError
from engine.scenes import Scene, SceneOptions, load_scene
from engine.scenes.photos.video import extract_frames
from tests.engine.scenes.photos.test_video import write_video
from tests.support.scenes.photos_on_disk import write_photos


def full_disk(*_: Any, **__: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def files_below(folder: Path) -> list[Path]:
    return [entry for entry in folder.rglob("*") if entry.is_file()]


@pytest.mark.slow
@pytest.mark.parametrize("equivalent", [15, 59])  # mm; the fern's lens is 29.5
def test_a_focal_length_that_is_wrong_by_a_factor_of_two_is_found_out(tmp_path: Path, equivalent: int) -> None:
    for file in write_photos(tmp_path, range(8)):
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0xA405] = equivalent
        Image.open(file).save(file, exif=exif, quality=95)
    scene = load_scene(tmp_path)
    assert isinstance(scene, Scene)
    assert scene.uncertain_frames == ()
    assert scene.intrinsics.focal[0, 0] / scene.intrinsics.width == pytest.approx(430 / 504, rel=0.04)
    assert any("the matches rule it out" in note for note in scene.notes)


def test_a_full_disk_in_the_cache_costs_only_the_time_of_the_next_start(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def write_a_part(_: object, file: Path) -> None:
        file.write_bytes(b"the beginning")
        full_disk()

    write_photos(tmp_path / "desk", [0, 4, 8, 12], width=320)
    monkeypatch.setattr("engine.scenes.photos.quick_start.write_reconstruction", write_a_part)
    scene = load_scene(tmp_path / "desk")
    assert isinstance(scene, Scene)
    assert scene.poses_known
    assert "No space left on device" in caplog.text
    assert "not kept for the next start" in caplog.text
    assert files_below(own_cache) == [], "nothing half written is left"


def test_a_full_disk_of_temporary_files_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_photos(tmp_path / "desk", [0, 4, 8], width=160)
    monkeypatch.setattr("engine.sfm.quick.features.FeatureFile.write", full_disk)
    with pytest.raises(UserError, match=r"cannot be written \(No space left on device\); free some space there"):
        load_scene(tmp_path / "desk")


def test_a_full_disk_while_frames_of_a_video_are_written_is_no_fault_of_the_video(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = write_video(tmp_path / "walk.mp4")
    monkeypatch.setattr("PIL.Image.Image.save", full_disk)
    with pytest.raises(UserError, match=r"cannot be written \(No space left on device\); free some space there"):
        extract_frames(video, 6, 10**7, lambda _: None)
    assert files_below(own_cache) == []
    monkeypatch.undo()


def test_a_video_of_a_camera_that_stands_still_is_told_apart(tmp_path: Path) -> None:
    video = write_video(tmp_path / "still.mp4", frames=1, still=40)
    with pytest.raises(UserError, match=r"1 of 12 frames differ from each other; the camera stands still"):
        load_scene(video, SceneOptions(frames=12))
