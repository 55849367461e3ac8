"""RealityCapture's CSV of known cameras is read back to the same cameras."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from engine.errors import UserError
from engine.scenes import Scene, load_scene
from tests.support.scenes.exports_of_apps import write_realitycapture
from tests.support.scenes.synthetic import FOCAL, distances, object_poses, relative, write_image


def assert_cameras(scene: Scene, kept: list[int]) -> None:
    assert scene.reference_poses is not None
    assert scene.names == tuple(f"photo_{index}.png" for index in kept)
    torch.testing.assert_close(scene.reference_poses.double(), object_poses(12)[kept], atol=1e-5, rtol=0)


@pytest.mark.parametrize("ending", [".png", "", ".PNG"])
@pytest.mark.parametrize("first", ["", "#cameras 12"])
def test_cameras_are_read_back(tmp_path: Path, ending: str, first: str) -> None:
    write_realitycapture(tmp_path, object_poses(12), ending=ending, first=first)
    scene = load_scene(tmp_path)
    assert_cameras(scene, list(range(12)))
    torch.testing.assert_close(scene.intrinsics.focal[0], torch.tensor([FOCAL, FOCAL]))
    torch.testing.assert_close(scene.intrinsics.centre[0], torch.tensor([15.5, 12.5]))
    distortion = scene.intrinsics.distortion[0, :5]
    torch.testing.assert_close(distortion, torch.tensor([0.01, 0.002, 0.001, -0.002, 0.0003]))


@pytest.mark.parametrize("place", [".", "photos"])
def test_photos_may_lie_elsewhere_in_the_folder(tmp_path: Path, place: str) -> None:
    write_realitycapture(tmp_path, object_poses(12))
    (tmp_path / place).mkdir(exist_ok=True)
    for image in list((tmp_path / "images").iterdir()):
        image.rename(tmp_path / place / image.name)
    (tmp_path / "images").rmdir()
    assert_cameras(load_scene(tmp_path), list(range(12)))


def test_rows_that_are_broken_are_left_out(tmp_path: Path) -> None:
    write_realitycapture(tmp_path, object_poses(12))
    file = tmp_path / "cameras.csv"
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    lines[3] = lines[3].replace(",", ",nan,", 1)
    lines[5] = lines[5].rpartition(",0.01")[0][:20]
    lines.append("")
    file.write_text("\n".join(lines))
    (tmp_path / "images" / "photo_7.png").unlink()
    write_image(tmp_path / "images" / "stray.png")
    scene = load_scene(tmp_path)
    assert_cameras(scene, [0, 1, 3, 5, 6, 8, 9, 10, 11])
    assert {photo.name for photo in scene.left_out} == {"photo_2.png", "photo_4.png", "photo_7.png", "stray.png"}


def test_a_world_far_away_is_moved_to_the_cameras(tmp_path: Path) -> None:
    poses = object_poses(12)
    far = torch.tensor([4_500_000.0, 5_400_000.0, 320.0], dtype=torch.float64)
    moved = torch.cat([poses[:, :, :3], poses[:, :, 3:] - (poses[:, :, :3] @ far)[..., None]], dim=-1)
    write_realitycapture(tmp_path, moved)
    scene = load_scene(tmp_path)
    assert scene.reference_poses is not None
    torch.testing.assert_close(relative(scene.reference_poses.double()), relative(poses), atol=1e-5, rtol=0)
    torch.testing.assert_close(distances(scene.reference_poses.double()), distances(poses), atol=1e-4, rtol=0)
    assert "far from the origin" in scene.notes[0]


@pytest.mark.parametrize(
    "content", ["#name,x,y,alt,heading,pitch,roll,f\n", "name,x,y,alt,heading,pitch,roll,f\na.png,1\n"]
)
def test_a_file_without_cameras_is_one_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "cameras.csv").write_text(content)
    with pytest.raises(UserError, match=r"cameras\.csv"):
        load_scene(tmp_path)


def test_other_tables_are_no_cameras(tmp_path: Path) -> None:
    write_realitycapture(tmp_path, object_poses(12))
    (tmp_path / "a_flight_log.csv").write_text("time,x,y\n1,2,3\n")
    assert_cameras(load_scene(tmp_path), list(range(12)))
