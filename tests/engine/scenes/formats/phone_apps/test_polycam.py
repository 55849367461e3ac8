"""Polycam's raw export of known cameras is read back to the same cameras."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.errors import UserError
from engine.scenes import Scene, load_scene
from tests.support.scenes.exports_of_apps import write_polycam
from tests.support.scenes.synthetic import FOCAL, object_poses, write_image, write_json


def assert_cameras(scene: Scene, kept: list[int]) -> None:
    """The world has z up, as the cameras that were written."""
    assert scene.reference_poses is not None
    torch.testing.assert_close(scene.reference_poses.double(), object_poses(8)[kept], atol=1e-5, rtol=0)
    torch.testing.assert_close(scene.intrinsics.focal[0], torch.tensor([FOCAL, FOCAL + 1]))
    torch.testing.assert_close(scene.intrinsics.centre[0], torch.tensor([15.5, 12.5]))


def test_cameras_are_read_back(tmp_path: Path) -> None:
    write_polycam(tmp_path, object_poses(8))
    scene = load_scene(tmp_path)
    assert scene.names == tuple(f"{1000 + index}.jpg" for index in range(8))
    assert_cameras(scene, list(range(8)))
    assert "no corrected_cameras" in scene.notes[0]


def test_corrected_cameras_are_preferred(tmp_path: Path) -> None:
    write_polycam(tmp_path, object_poses(8).roll(1, dims=0), fx=99.0)
    write_polycam(tmp_path, object_poses(8), corrected=True)
    scene = load_scene(tmp_path)
    assert_cameras(scene, list(range(8)))
    assert scene.files[0].parent.name == "corrected_images"
    assert scene.notes == ()


def test_frames_that_are_broken_are_left_out(tmp_path: Path) -> None:
    write_polycam(tmp_path, object_poses(8))
    cameras = tmp_path / "keyframes" / "cameras"
    write_json(cameras / "1001.json", {"t_00": 1.0})
    (cameras / "1003.json").write_text("{")
    (tmp_path / "keyframes" / "images" / "1005.jpg").unlink()
    write_image(tmp_path / "keyframes" / "images" / "stray.jpg")
    scene = load_scene(tmp_path)
    assert_cameras(scene, [0, 2, 4, 6, 7])
    assert {photo.name for photo in scene.left_out} == {"1001", "1003", "1005", "stray.jpg"}


def test_without_photos_it_is_no_scene(tmp_path: Path) -> None:
    write_polycam(tmp_path, object_poses(3))
    for image in (tmp_path / "keyframes" / "images").iterdir():
        image.unlink()
    with pytest.raises(UserError, match=r"is no scene: it has neither .* keyframes"):
        load_scene(tmp_path)
