"""Record3D's export of known cameras is read back to the same cameras."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from engine.errors import UserError
from engine.scenes import Scene, load_scene
from engine.scenes.formats.phone_apps import record3d
from tests.support.scenes.exports_of_apps import write_record3d
from tests.support.scenes.synthetic import FOCAL, object_poses, write_json


def assert_cameras(scene: Scene, kept: list[int]) -> None:
    assert scene.reference_poses is not None
    assert scene.names == tuple(f"{index}.jpg" for index in kept)
    torch.testing.assert_close(scene.reference_poses.double(), object_poses(12)[kept], atol=1e-5, rtol=0)


@pytest.mark.parametrize("below", ["", "EXR_RGBD"])
def test_cameras_are_read_back_in_the_order_of_their_numbers(tmp_path: Path, below: str) -> None:
    write_record3d(tmp_path / below, object_poses(12))
    scene = load_scene(tmp_path)
    assert_cameras(scene, list(range(12)))
    torch.testing.assert_close(scene.intrinsics.focal[0], torch.tensor([FOCAL, FOCAL + 1]))
    torch.testing.assert_close(scene.intrinsics.centre[0], torch.tensor([15.5, 12.5]))
    assert scene.notes == ()


def test_intrinsics_of_each_frame_win_and_a_matrix_by_rows_serves(tmp_path: Path) -> None:
    each = [[50.0 + index, 51.0 + index, 16.0, 12.0] for index in range(12)]
    write_record3d(tmp_path, object_poses(12), perFrameIntrinsicCoeffs=each)
    torch.testing.assert_close(load_scene(tmp_path).intrinsics.focal[3], torch.tensor([53.0, 54.0]))
    write_record3d(tmp_path, object_poses(12), K=[[FOCAL, 0, 15.0], [0, FOCAL, 12.5], [0, 0, 1]])
    torch.testing.assert_close(load_scene(tmp_path).intrinsics.centre[0], torch.tensor([15.0, 12.5]))


def test_frames_that_are_broken_are_left_out(tmp_path: Path) -> None:
    write_record3d(tmp_path, object_poses(12))
    content = json.loads((tmp_path / "metadata.json").read_text())
    content["poses"][2] = [0, 0, 0, 0, 1, 2, 3]
    content["poses"][5] = ["a", None]
    content["poses"] = content["poses"][:11]
    write_json(tmp_path / "metadata.json", content)
    (tmp_path / "rgb" / "7.jpg").unlink()
    scene = load_scene(tmp_path)
    assert_cameras(scene, [0, 1, 3, 4, 6, 8, 9, 10])
    assert {photo.name for photo in scene.left_out} == {"2.jpg", "5.jpg", "11.jpg"}


def test_long_videos_are_read_evenly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record3d, "OPTIONS", record3d.Record3DOptions(maximum_frames=4))
    write_record3d(tmp_path, object_poses(12))
    scene = load_scene(tmp_path)
    assert_cameras(scene, [0, 4, 7, 11])
    assert "4 of 12 frames are read" in scene.notes[0]


@pytest.mark.parametrize("change", [{"K": None}, {"K": [1, 2, 3]}, {"poses": 3}, {"poses": []}, {"w": "wide"}])
def test_metadata_that_are_wrong_are_one_sentence(tmp_path: Path, change: dict) -> None:
    write_record3d(tmp_path, object_poses(4))
    write_json(tmp_path / "metadata.json", json.loads((tmp_path / "metadata.json").read_text()) | change)
    with pytest.raises(UserError, match=r"metadata\.json"):
        load_scene(tmp_path)


def test_images_without_numbers_have_to_be_as_many_as_poses(tmp_path: Path) -> None:
    write_record3d(tmp_path, object_poses(4))
    (tmp_path / "rgb" / "3.jpg").rename(tmp_path / "rgb" / "last.jpg")
    assert load_scene(tmp_path).names == ("0.jpg", "1.jpg", "2.jpg", "last.jpg")
    (tmp_path / "rgb" / "0.jpg").unlink()
    with pytest.raises(UserError, match=r"4 poses but .* 3 images"):
        load_scene(tmp_path)
