"""What is wrong with a scene, through the command that users type: one sentence, nothing decoded or written."""

from __future__ import annotations

import json
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.scenes import load_scene
from tests.support.in_process import Command, is_one_sentence
from tests.support.scenes.synthetic import (
    forward_poses,
    object_poses,
    write_blender,
    write_image,
    write_json,
    write_llff,
    write_nerfstudio,
)

QUICK = ("--device", "cpu", "--output", "run", "--max-iterations", "3")


def llff(folder: Path, frames: int = 6) -> None:
    write_llff(folder, forward_poses(frames))


def blender(folder: Path) -> None:
    write_blender(folder, object_poses(4))


def nerfstudio(folder: Path) -> None:
    write_nerfstudio(folder, object_poses(4))


def photo(folder: Path, number: int = 2) -> Path:
    return folder / "images_4" / f"IMG_{number:03d}.png"


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@contextmanager
def table(folder: Path) -> Iterator[np.ndarray]:
    """`poses_bounds.npy`, written back as changed."""
    values = np.load(folder / "poses_bounds.npy")
    yield values
    np.save(folder / "poses_bounds.npy", values)


@contextmanager
def keys(file: Path) -> Iterator[dict[str, Any]]:
    """A JSON file, written back as changed."""
    content = json.loads(file.read_text())
    yield content
    write_json(file, content)


def forged_png(width: int, height: int) -> bytes:
    """A PNG whose header promises more than the file holds."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


def no_poses(folder: Path) -> None:
    llff(folder)
    (folder / "poses_bounds.npy").unlink()


def truncated_poses(folder: Path) -> None:
    llff(folder)
    halve(folder / "poses_bounds.npy")


def empty_poses(folder: Path) -> None:
    llff(folder)
    (folder / "poses_bounds.npy").write_bytes(b"")


def no_photos(folder: Path) -> None:
    llff(folder)
    for path in (folder / "images_4").iterdir():
        path.unlink()


def missing_photo(folder: Path) -> None:
    llff(folder)
    photo(folder).unlink()


def photo_that_is_text(folder: Path) -> None:
    llff(folder)
    photo(folder).write_text("not a picture")


def truncated_photo(folder: Path) -> None:
    llff(folder)
    halve(photo(folder))


def empty_photo(folder: Path) -> None:
    llff(folder)
    photo(folder).write_bytes(b"")


def photo_without_pixels(folder: Path) -> None:
    llff(folder)
    photo(folder).write_bytes(forged_png(0, 24))


def photo_of_another_size(folder: Path) -> None:
    llff(folder)
    write_image(photo(folder), 40, 24)


def photos_of_400_megapixels(folder: Path) -> None:
    llff(folder)
    for path in (folder / "images_4").iterdir():
        path.write_bytes(forged_png(20_000, 20_000))


def nan_pose(folder: Path) -> None:
    llff(folder)
    with table(folder) as values:
        values[2, 1] = np.nan


def mirrored_pose(folder: Path) -> None:
    llff(folder)
    with table(folder) as values:
        values[2, [0, 5, 10]] *= -1


def zero_focal(folder: Path) -> None:
    llff(folder)
    with table(folder) as values:
        values[2, 14] = 0


def nan_bounds(folder: Path) -> None:
    llff(folder)
    with table(folder) as values:
        values[2, 16] = np.nan


def single_photo(folder: Path) -> None:
    llff(folder, frames=1)


def truncated_json(folder: Path) -> None:
    blender(folder)
    halve(folder / "transforms_train.json")


def no_frames(folder: Path) -> None:
    blender(folder)
    with keys(folder / "transforms_train.json") as content:
        content["frames"] = []


def single_frame(folder: Path) -> None:
    blender(folder)
    with keys(folder / "transforms_train.json") as content:
        del content["frames"][1:]


def missing_rendering(folder: Path) -> None:
    blender(folder)
    (folder / "train" / "r_2.png").unlink()


def path_out_of_the_folder(folder: Path) -> None:
    blender(folder)
    write_image(folder.parent / "secret.png")
    with keys(folder / "transforms_train.json") as content:
        content["frames"][2]["file_path"] = "../secret"


def scaled_rotation(folder: Path) -> None:
    blender(folder)
    with keys(folder / "transforms_train.json") as content:
        content["frames"][2]["transform_matrix"][0] = [2 * x for x in content["frames"][2]["transform_matrix"][0]]


def zero_angle(folder: Path) -> None:
    blender(folder)
    with keys(folder / "transforms_train.json") as content:
        content["camera_angle_x"] = 0.0


def infinite_pose(folder: Path) -> None:
    nerfstudio(folder)
    with keys(folder / "transforms.json") as content:
        content["frames"][2]["transform_matrix"][1][3] = float("inf")


def zero_focal_in_json(folder: Path) -> None:
    nerfstudio(folder)
    with keys(folder / "transforms.json") as content:
        content["fl_x"] = 0


def absolute_path(folder: Path) -> None:
    nerfstudio(folder)
    with keys(folder / "transforms.json") as content:
        content["frames"][2]["file_path"] = str(write_image(folder.parent / "secret.png"))


def truncated_model(folder: Path) -> None:
    write_image(folder / "images" / "a.png")
    (folder / "sparse" / "0").mkdir(parents=True)
    for name in ("cameras", "images", "points3D"):
        (folder / "sparse" / "0" / f"{name}.bin").write_bytes(struct.pack("<Q", 7) + b"\1\2\3")


BAD_SCENES: dict[Callable[[Path], object], tuple[str, ...]] = {
    Path.mkdir: ("it has neither", "transforms_train.json", "poses_bounds.npy (LLFF)", "sparse/0"),
    no_poses: ("has no photos or cameras of its own", "images_4 has; give that folder"),
    truncated_poses: ("poses_bounds.npy is damaged",),
    empty_poses: ("poses_bounds.npy is damaged",),
    no_photos: ("has no images in images, images_2",),
    missing_photo: ("poses_bounds.npy has 6 poses but", "images_4 has 5 images"),
    single_photo: ("poses_bounds.npy has a single training frame",),
    truncated_json: ("transforms_train.json is not valid JSON (line 1)",),
    no_frames: ("transforms_train.json has an empty list of frames",),
    single_frame: ("transforms_train.json has a single training frame",),
    zero_angle: ("transforms_train.json has camera_angle_x = 0",),
    zero_focal_in_json: ("transforms.json gives", "the focal length 0,"),
    truncated_model: ("cameras.bin is damaged or cut short",),
}


@pytest.mark.parametrize(("make", "words"), BAD_SCENES.items(), ids=lambda case: getattr(case, "__name__", ""))
def test_a_scene_that_cannot_be_read(
    command: Command, tmp_path: Path, make: Callable[[Path], object], words: tuple[str, ...]
) -> None:
    make(tmp_path / "scene")
    before = sorted(tmp_path.rglob("*"))
    is_one_sentence(command("l2g-train", "scene", *QUICK), str(tmp_path / "scene"), *words)
    assert sorted(tmp_path.rglob("*")) == before  # no run folder was made, nothing taken away


BAD_FRAMES: dict[Callable[[Path], object], tuple[str, str]] = {
    photo_that_is_text: ("IMG_002.png", "is not an image that can be read"),
    truncated_photo: ("IMG_002.png", "is damaged or cut short"),
    empty_photo: ("IMG_002.png", "is empty (0 bytes)"),
    photo_without_pixels: ("IMG_002.png", "IMG_002.png"),
    photo_of_another_size: ("IMG_002.png", "40 x 24"),
    nan_pose: ("IMG_002.png", "has a pose that is not finite"),
    mirrored_pose: ("IMG_002.png", "3x3 part is not a rotation"),
    zero_focal: ("IMG_002.png", "the focal length 0, 0"),
    nan_bounds: ("IMG_002.png", "has depth bounds that are not finite"),
    missing_rendering: ("./train/r_2", "the file does not exist"),
    path_out_of_the_folder: ("../secret", "the file is not in the scene's folder"),
    scaled_rotation: ("./train/r_2", "3x3 part is not a rotation"),
    infinite_pose: ("images/frame_1.png", "has a pose that is not finite"),
    absolute_path: ("secret.png", "the file is not in the scene's folder"),
}


@pytest.mark.parametrize(("make", "words"), BAD_FRAMES.items(), ids=lambda case: getattr(case, "__name__", ""))
def test_a_frame_that_cannot_be_used_is_left_out(
    tmp_path: Path, make: Callable[[Path], object], words: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    make(tmp_path / "scene")
    before = sorted(tmp_path.rglob("*"))
    scene = load_scene(tmp_path / "scene")
    left_out = scene.left_out[0]
    assert left_out.name.endswith(words[0])
    assert words[1] in left_out.reason or words[1] in caplog.text
    assert left_out.name in caplog.text
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_that_is_not_there(command: Command, tmp_path: Path) -> None:
    llff(tmp_path / "fern")
    is_one_sentence(command("l2g-train", "fren", *QUICK), "There is no folder fren (did you mean fern?)")
    is_one_sentence(command("l2g-train", tmp_path / "fern" / "poses_bounds.npy", *QUICK), "is a file", "fern.")


def test_photos_of_400_megapixels_are_not_decoded(command: Command, tmp_path: Path) -> None:
    photos_of_400_megapixels(tmp_path / "scene")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # outside of tests they go to stderr
        left = command("l2g-train", "scene", *QUICK)
    is_one_sentence(left, "IMG_000.png has 20000 x 20000 pixels, more than 250,000,000")


@pytest.mark.slow
def test_a_scene_without_held_out_frames_is_trained(command: Command, tmp_path: Path) -> None:
    llff(tmp_path / "scene", frames=4)
    left = command("l2g-train", "scene", *QUICK, "--evaluate")
    assert (left.code, left.errors) == (0, "")
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert (result["frames"], result["test"]["psnr"], result["test"]["frames"]) == (4, None, 0)
    left = command("l2g-eval", "run", "--device", "cpu")
    assert (left.code, left.errors) == (0, "")
    assert "nothing to evaluate" in left.output
