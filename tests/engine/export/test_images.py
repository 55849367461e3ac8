"""The images beside exported cameras, and their intrinsics."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.errors import UserError
from engine.export.images import choose_images, write_images
from engine.export.nerfstudio import write_transforms
from engine.scenes import SceneOptions, load_scene
from engine.scenes.canvas import list_sizes
from engine.scenes.scene import Scene
from tests.support.runs.exported import cameras_of, images_of, several_cameras, some_points, write_photos
from tests.support.scenes.synthetic import FOCAL, forward_poses, object_poses, write_llff


def silent(fraction: float, what: str) -> None:
    assert (0 <= fraction <= 1, what) == (True, "images")


def read(folder: Path, downscale: int) -> Scene:
    """Six photos of 32 x 24 pixels, read at half or full size."""
    write_llff(folder, forward_poses(6))
    return load_scene(folder, SceneOptions(downscale=downscale))


def cameras(scene: Scene) -> object:
    return replace(cameras_of(forward_poses(6), scene.intrinsics), names=scene.names)


def test_files_are_copied_at_their_own_size(tmp_path: Path) -> None:
    scene = read(tmp_path / "scene", 2)
    made = cameras(scene)
    images = choose_images(scene, made)  # type: ignore[arg-type]
    assert scene.intrinsics.width == 16
    assert (images.intrinsics.width, images.intrinsics.height) == (32, 24)
    torch.testing.assert_close(images.intrinsics.focal[0], torch.tensor([FOCAL, FOCAL]))
    torch.testing.assert_close(images.intrinsics.centre[0], torch.tensor([16.0, 12.0]))
    write_images(scene, made, images, tmp_path / "out", silent)  # type: ignore[arg-type]
    for name in scene.names:
        copied, original = tmp_path / "out" / name, tmp_path / "scene" / "images_4" / name
        assert copied.read_bytes() == original.read_bytes()


def turned(path: Path) -> None:
    """Marks an image as rotated in its EXIF data."""
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(path) as image:
        image.copy().save(path, exif=exif)


@pytest.mark.parametrize("trouble", ["turned", "gone", "another size", "no files"])
def test_if_files_cannot_be_copied_the_images_of_the_run_are_written(tmp_path: Path, trouble: str) -> None:
    scene = read(tmp_path / "scene", 2)
    if trouble == "turned":
        turned(scene.files[2])
    elif trouble == "gone":
        scene.files[2].unlink()
    elif trouble == "another size":
        Image.new("RGB", (40, 24)).save(scene.files[2])
    else:
        scene = replace(scene, files=())
    made = cameras(scene)
    images = choose_images(scene, made)  # type: ignore[arg-type]
    assert images.files is None
    assert images.intrinsics is scene.intrinsics
    write_images(scene, made, images, tmp_path / "out", silent)  # type: ignore[arg-type]
    with Image.open(tmp_path / "out" / images.names[3]) as picture:
        np.testing.assert_array_equal(np.asarray(picture), scene.images[3].numpy())


def test_a_file_removed_meanwhile_is_named(tmp_path: Path) -> None:
    scene = read(tmp_path / "scene", 1)
    made = cameras(scene)
    images = choose_images(scene, made)  # type: ignore[arg-type]
    scene.files[1].unlink()
    with pytest.raises(UserError, match=r"IMG_001\.png has gone"):
        write_images(scene, made, images, tmp_path / "out", silent)  # type: ignore[arg-type]


def test_names_below_folders_are_kept_or_made_flat_in_order(tmp_path: Path) -> None:
    scene = replace(read(tmp_path / "scene", 1), files=())
    names = ("train/r_10.png", "train/r_2.jpg", "test/r_2.jpg", "a.png", "b.jpg", "b.png")
    made = replace(cameras_of(forward_poses(6), scene.intrinsics), names=names)
    assert choose_images(scene, made).names == tuple(f"{name}.png" for name in names)  # b.jpg would become b.png
    flat = choose_images(scene, made, flat=True).names
    assert list(flat) == sorted(flat)
    assert flat[1] == "00001_train_r_2.jpg.png"
    plain = replace(made, names=("x.jpg", "y.JPG", "z.png", "za.png", "zb.png", "zc.png"))
    assert choose_images(scene, plain).names[:3] == ("x.png", "y.png", "z.png")


def test_each_file_of_several_sizes_has_the_intrinsics_of_its_own(tmp_path: Path) -> None:
    wanted = several_cameras(6)
    made = cameras_of(object_poses(6), wanted)
    write_photos(made, tmp_path / "images")
    write_transforms(made, images_of(made), some_points(), tmp_path)
    scene = load_scene(tmp_path, SceneOptions(downscale=2))
    assert list_sizes(scene.intrinsics)[1:3] == [(16, 12), (12, 16)]
    half = replace(made, intrinsics=scene.intrinsics)
    images = choose_images(scene, half)
    torch.testing.assert_close(images.intrinsics.focal, wanted.focal)
    assert torch.equal(images.intrinsics.own_sizes, wanted.own_sizes)
    without = choose_images(replace(scene, files=()), half)
    write_images(scene, half, without, tmp_path / "out", silent)
    with Image.open(tmp_path / "out" / without.names[2]) as picture:
        assert picture.size == (12, 16)  # its own picture, not the canvas
