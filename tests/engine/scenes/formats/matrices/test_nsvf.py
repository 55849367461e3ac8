"""NSVF's and NeRF++'s layouts with known cameras, and broken ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from engine.errors import UserError
from engine.scenes import load_scene
from engine.scenes.formats.matrices.nsvf import read_camera
from tests.support.scenes.synthetic import HEIGHT, WIDTH, object_poses, opengl_camera_to_world, write_image


def write_frames(place: Path, poses: Tensor, names: list[str], blank: bool = False) -> None:
    """`rgb` and `pose`; with a blank border all round where an object is to be seen before nothing."""
    matrices = opengl_camera_to_world(poses) * torch.tensor([1.0, -1.0, -1.0, 1.0])
    (place / "pose").mkdir(parents=True)
    for index, (matrix, name) in enumerate(zip(matrices, names, strict=True)):
        image = write_image(place / "rgb" / f"{name}.png", seed=index)
        if blank:
            pixels = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
            pixels[8:16, 8:24] = index
            Image.fromarray(pixels).save(image)
        np.savetxt(place / "pose" / f"{name}.txt", matrix.numpy())


def write_nsvf(folder: Path, poses: Tensor, blank: bool = True) -> None:
    splits = ["0", "0", "0", "0", "0", "0", "1", "1", "2", "2"]
    write_frames(folder, poses, [f"{split}_{index:04d}" for index, split in enumerate(splits)], blank)
    np.savetxt(folder / "intrinsics.txt", np.array([[40, 0, 15.5, 0], [0, 41, 12.5, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]))
    (folder / "bbox.txt").write_text("-0.8 -1.1 -0.2 1.2 0.9 0.8 0.1\n")


def test_cameras_split_and_box(tmp_path: Path) -> None:
    write_nsvf(tmp_path, object_poses())
    scene = load_scene(tmp_path)
    kept = [0, 1, 2, 3, 4, 5, 8, 9]  # photos for validation are neither trained on nor held out
    assert scene.kind == "object"
    assert scene.reference_poses is not None
    torch.testing.assert_close(scene.reference_poses.double(), object_poses()[kept], atol=1e-5, rtol=0)
    assert scene.training_frames == (0, 1, 2, 3, 4, 5)
    assert [scene.names[frame] for frame in scene.held_out_frames] == ["2_0008.png", "2_0009.png"]
    assert scene.intrinsics.focal[0].tolist() == [40, 41]
    assert scene.intrinsics.centre[0].tolist() == [15.5, 12.5]
    assert scene.box_centre == pytest.approx((0.2, -0.1, 0.3))
    assert scene.box_half_extent == pytest.approx(1.05)
    assert scene.near == pytest.approx(4 - 1.05 * 3**0.5, abs=1e-4)


def test_without_a_third_number_the_second_is_held_out(tmp_path: Path) -> None:
    write_nsvf(tmp_path, object_poses(), blank=False)
    for file in [*tmp_path.glob("rgb/2_*"), *tmp_path.glob("pose/2_*")]:
        file.unlink()
    scene = load_scene(tmp_path)
    assert scene.kind == "unbounded"
    assert [scene.names[frame][:2] for frame in scene.held_out_frames] == ["1_", "1_"]


def test_folders_for_training_and_testing(tmp_path: Path) -> None:
    """NeRF++: a camera for each photo."""
    poses = object_poses()
    for split, chosen in (("train", range(7)), ("test", range(7, 10))):
        write_frames(tmp_path / split, poses[list(chosen)], [f"{index:03d}" for index in chosen])
        (tmp_path / split / "intrinsics").mkdir()
        for index in chosen:
            numbers = [40 + index, 0, 16, 0, 0, 41, 12, 0, 0, 0, 1, 0, 0, 0, 0, 1]
            (tmp_path / split / "intrinsics" / f"{index:03d}.txt").write_text(" ".join(map(str, numbers)))
    scene = load_scene(tmp_path)
    assert scene.held_out_frames == (7, 8, 9)
    assert scene.intrinsics.focal[:, 0].tolist() == [40.0 + index for index in range(10)]
    assert scene.reference_poses is not None
    torch.testing.assert_close(scene.reference_poses.double(), poses, atol=1e-5, rtol=0)


def test_the_short_form_of_a_camera(tmp_path: Path) -> None:
    (tmp_path / "intrinsics.txt").write_text("875.0 400.0 401.0 0.\n0.0 0.0 0.0\n0.\n1.\n800 800\n")
    camera = read_camera(tmp_path, tmp_path / "rgb" / "0_train_0000.png")
    assert camera.focal == (875, 875)
    assert camera.centre == (400, 401)


def test_what_is_broken_is_left_out_or_refused(tmp_path: Path) -> None:
    write_nsvf(tmp_path, object_poses())
    (tmp_path / "pose" / "0_0001.txt").unlink()
    (tmp_path / "pose" / "0_0002.txt").write_text("1 2 3")
    (tmp_path / "pose" / "0_0003.txt").write_text("NaN " * 16)
    (tmp_path / "bbox.txt").write_text("no box")
    scene = load_scene(tmp_path)
    assert {frame.name for frame in scene.left_out} == {"0_0001.png", "0_0002.png", "0_0003.png"}
    (tmp_path / "intrinsics.txt").write_text("a camera")
    with pytest.raises(UserError, match=r"intrinsics\.txt holds something other than numbers"):
        load_scene(tmp_path)


def test_cameras_of_pictures_of_another_size_are_refused(tmp_path: Path) -> None:
    write_nsvf(tmp_path, object_poses())
    matrix = np.array([[160, 0, 62.0, 0], [0, 164, 50.0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])  # of four times the size
    np.savetxt(tmp_path / "intrinsics.txt", matrix)
    with pytest.raises(UserError, match=r"principal point 62, 50, as for pictures of about 124 x 100 .* has 32 x 24"):
        load_scene(tmp_path)
    matrix[:2, 2] = 26.0, 6.0  # a picture that was cut out of another one
    np.savetxt(tmp_path / "intrinsics.txt", matrix)
    assert load_scene(tmp_path).intrinsics.centre[0].tolist() == [26, 6]
