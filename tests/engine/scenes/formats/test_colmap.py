"""The COLMAP reader on models that pycolmap wrote, binary and text."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pycolmap
import pytest
import torch
from PIL import Image
from torch import Tensor

from engine.errors import UserError
from engine.geometry.lens_models import LensModel, find_models
from engine.scenes import Scene, SceneOptions, load_scene
from tests.support.scenes.synthetic import (
    HEIGHT,
    WIDTH,
    distances,
    forward_poses,
    object_poses,
    relative,
    scattered_points,
    write_image,
    write_llff,
)

PARAMETERS = {
    "SIMPLE_PINHOLE": [40.0, 16.5, 12.5],
    "PINHOLE": [40.0, 41.0, 16.5, 12.5],
    "SIMPLE_RADIAL": [40.0, 16.5, 12.5, 0.01],
    "RADIAL": [40.0, 16.5, 12.5, 0.01, 0.02],
    "OPENCV": [40.0, 41.0, 16.5, 12.5, 0.01, 0.02, 0.001, -0.002],
    "FULL_OPENCV": [40.0, 41.0, 16.5, 12.5, 0.01, 0.02, 0.001, -0.002, 0.03, 0.04, 0.05, 0.06],
    "OPENCV_FISHEYE": [40.0, 41.0, 16.5, 12.5, 0.01, 0.02, 0.001, -0.002],
    "EQUIRECTANGULAR": [WIDTH, HEIGHT],
}
MIDDLE = torch.tensor([0.2, -0.1, 0.3], dtype=torch.float64)


def write_colmap(
    folder: Path,
    poses: Tensor,
    points: Tensor,
    model: str = "OPENCV",
    form: str = "binary",
    place: str = "sparse/0",
    images: str = "images",
) -> None:
    reconstruction = pycolmap.Reconstruction()
    camera = pycolmap.Camera.create_from_model_name(1, model, 40.0, WIDTH, HEIGHT)
    camera.params = PARAMETERS[model]
    reconstruction.add_camera_with_trivial_rig(camera)
    for index in reversed(range(len(poses))):
        image = pycolmap.Image()
        image.image_id, image.camera_id, image.name = index + 1, 1, f"photo_{index}.png"
        pose = poses[index].numpy()
        rigid = pycolmap.Rigid3d(pycolmap.Rotation3d(pose[:, :3].copy()), pose[:, 3].copy())
        reconstruction.add_image_with_trivial_frame(image, rigid)
        write_image(folder / images / image.name, seed=index)
    for point in points.numpy():
        reconstruction.add_point3D(point, pycolmap.Track(), np.zeros(3, dtype=np.uint8))
    (folder / place).mkdir(parents=True, exist_ok=True)
    {"binary": reconstruction.write_binary, "text": reconstruction.write_text}[form](str(folder / place))


def write_object(folder: Path, **how: str) -> None:
    write_colmap(folder, object_poses(), scattered_points(MIDDLE), **how)


def assert_object(scene: Scene) -> None:
    """Its photos have no blank background."""
    assert scene.kind == "unbounded"
    assert scene.reference_poses is not None
    torch.testing.assert_close(scene.reference_poses.double(), object_poses(), atol=1e-5, rtol=0)
    assert scene.names == tuple(f"photo_{index}.png" for index in range(10))
    assert scene.box_centre == pytest.approx(tuple(MIDDLE.tolist()), abs=1e-5)
    assert scene.near == pytest.approx(3.6, abs=0.05)
    assert scene.far == pytest.approx(4.4, abs=0.05)


@pytest.mark.parametrize("form", ["binary", "text"])
@pytest.mark.parametrize("place", ["sparse/0", "sparse", "colmap/sparse/0"])
def test_models_are_read_wherever_they_lie(tmp_path: Path, form: str, place: str) -> None:
    write_object(tmp_path, form=form, place=place)
    assert_object(load_scene(tmp_path))


def test_a_forward_facing_model_gets_scene_units(tmp_path: Path) -> None:
    poses = forward_poses()
    centres = -torch.einsum("fji,fj->fi", poses[:, :, :3], poses[:, :, 3])
    write_colmap(tmp_path, poses, scattered_points(centres.mean(dim=0) + 6 * poses[:, 2, :3].mean(dim=0)))
    scene = load_scene(tmp_path)
    assert scene.kind == "forward-facing"
    assert scene.held_out_frames == (9,)
    assert scene.near == pytest.approx(1 / 0.75)
    assert scene.reference_poses is not None
    torch.testing.assert_close(relative(scene.reference_poses.double()), relative(poses), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        distances(scene.reference_poses.double()), distances(poses) * scene.file_scale, atol=1e-5, rtol=0
    )


@pytest.mark.parametrize(
    ("model", "focal", "distortion"),
    [
        ("SIMPLE_PINHOLE", (40, 40), (0, 0, 0, 0)),
        ("PINHOLE", (40, 41), (0, 0, 0, 0)),
        ("SIMPLE_RADIAL", (40, 40), (0.01, 0, 0, 0)),
        ("RADIAL", (40, 40), (0.01, 0.02, 0, 0)),
        ("OPENCV", (40, 41), (0.01, 0.02, 0.001, -0.002)),
    ],
)
def test_camera_models(tmp_path: Path, model: str, focal: tuple, distortion: tuple) -> None:
    write_object(tmp_path, model=model)
    intrinsics = load_scene(tmp_path).intrinsics
    assert intrinsics.focal[0].tolist() == pytest.approx(focal)
    assert intrinsics.centre[0].tolist() == pytest.approx((16.5, 12.5))
    assert intrinsics.distortion[0].tolist() == pytest.approx(distortion)


def test_models_with_more_coefficients_are_read(tmp_path: Path) -> None:
    write_object(tmp_path / "full", model="FULL_OPENCV")
    full = load_scene(tmp_path / "full").intrinsics
    assert full.distortion[0].tolist() == pytest.approx(PARAMETERS["FULL_OPENCV"][4:])
    write_object(tmp_path / "fisheye", model="OPENCV_FISHEYE")
    fisheye = load_scene(tmp_path / "fisheye").intrinsics
    assert find_models(fisheye.distortion) == (LensModel.FISHEYE,)
    assert fisheye.distortion[0, :6].tolist() == pytest.approx([0.01, 0.02, 0, 0, 0.001, -0.002])


def test_an_unsupported_camera_model_is_named(tmp_path: Path) -> None:
    write_object(tmp_path, model="EQUIRECTANGULAR")
    with pytest.raises(UserError, match=r"EQUIRECTANGULAR.*PINHOLE, OPENCV") as raised:
        load_scene(tmp_path)
    assert str(tmp_path / "sparse" / "0") in str(raised.value)


def test_downscaled_folders_serve(tmp_path: Path) -> None:
    write_object(tmp_path)
    for index in range(10):
        write_image(tmp_path / "images_2" / f"photo_{index}.png", WIDTH // 2, HEIGHT // 2, seed=90 + index)
    scene = load_scene(tmp_path, SceneOptions(downscale=2))
    assert scene.images.shape[1:3] == (HEIGHT // 2, WIDTH // 2)
    assert scene.intrinsics.focal[0].tolist() == pytest.approx((20, 20.5))


def test_images_alone_in_a_downscaled_folder_serve(tmp_path: Path) -> None:
    write_object(tmp_path, images="images_4")
    assert_object(load_scene(tmp_path))


def test_unregistered_images_are_left_out_and_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_object(tmp_path)
    write_image(tmp_path / "images" / "stray.png")
    with caplog.at_level(logging.WARNING):
        assert_object(load_scene(tmp_path))
    assert "stray.png" in caplog.text
    assert "photo_1.png" not in caplog.text


def test_what_is_missing_or_broken_is_left_out_and_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_object(tmp_path, form="text")
    (tmp_path / "images" / "photo_3.png").unlink()
    cut = tmp_path / "images" / "photo_5.png"
    cut.write_bytes(cut.read_bytes()[:1000])
    file = tmp_path / "sparse" / "0" / "images.txt"
    lines = file.read_text().splitlines()
    row = next(index for index, line in enumerate(lines) if line.endswith("photo_7.png"))
    lines[row] = " ".join(["1", "nan", *lines[row].split()[2:]])
    file.write_text("\n".join(lines))
    scene = load_scene(tmp_path)
    assert scene.names == tuple(f"photo_{index}.png" for index in (0, 1, 2, 4, 6, 8, 9))
    reasons = {photo.name: photo.reason for photo in scene.left_out}
    assert reasons["photo_3.png"] == "the file does not exist"
    assert "not finite" in reasons["photo_7.png"]
    assert "damaged" in reasons["photo_5.png"]
    assert len(reasons) == 3
    assert all(name in caplog.text for name in reasons)
    assert scene.reference_poses is not None
    kept = object_poses()[[0, 1, 2, 4, 6, 8, 9]].float()
    torch.testing.assert_close(scene.reference_poses, kept, atol=1e-5, rtol=0)


def test_a_camera_that_is_none_costs_its_images(tmp_path: Path) -> None:
    write_object(tmp_path, form="text")
    model = tmp_path / "sparse" / "0"
    cameras = (model / "cameras.txt").read_text()
    (model / "cameras.txt").write_text(cameras + f"2 PINHOLE {WIDTH} {HEIGHT} nan 40 16 12\n3 PINHOLE 64 64\n")
    lines = (model / "images.txt").read_text().splitlines()
    for name, camera in (("photo_1.png", "2"), ("photo_2.png", "3"), ("photo_4.png", "9")):
        row = next(index for index, line in enumerate(lines) if line.endswith(name))
        words = lines[row].split()
        lines[row] = " ".join([*words[:8], camera, *words[9:]])
    (model / "images.txt").write_text("\n".join(lines))
    scene = load_scene(tmp_path)
    assert [photo.name for photo in scene.left_out] == ["photo_1.png", "photo_2.png", "photo_4.png"]
    assert len(scene.names) == 7


def test_without_its_images_a_model_is_refused(tmp_path: Path) -> None:
    write_object(tmp_path)
    for index in range(6):
        (tmp_path / "images" / f"photo_{index}.png").unlink()
    with pytest.raises(UserError, match=r"photo_0\.png, which does not exist"):
        load_scene(tmp_path)


def test_a_missing_image_folder_is_named(tmp_path: Path) -> None:
    write_object(tmp_path, images="photos")
    with pytest.raises(UserError, match="no folder images"):
        load_scene(tmp_path)


def test_an_empty_model_has_too_few_frames(tmp_path: Path) -> None:
    write_colmap(tmp_path, object_poses()[:0], scattered_points(MIDDLE))
    (tmp_path / "images").mkdir()
    with pytest.raises(UserError, match="no training frames"):
        load_scene(tmp_path)


@pytest.mark.parametrize("name", ["cameras.bin", "images.bin", "points3D.bin"])
@pytest.mark.parametrize("kept", [0.0, 0.5])
def test_a_truncated_model_is_named(tmp_path: Path, name: str, kept: float) -> None:
    write_object(tmp_path)
    file = tmp_path / "sparse" / "0" / name
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * kept)])
    with pytest.raises(UserError, match="damaged") as raised:
        load_scene(tmp_path)
    assert str(file.parent) in str(raised.value)


@pytest.mark.parametrize("name", ["cameras.txt", "images.txt", "points3D.txt"])
def test_a_garbled_text_model_is_named(tmp_path: Path, name: str) -> None:
    write_object(tmp_path, form="text")
    (tmp_path / "sparse" / "0" / name).write_text("these are not numbers\n")
    with pytest.raises(UserError, match="damaged") as raised:
        load_scene(tmp_path)
    assert str(tmp_path / "sparse" / "0") in str(raised.value)


def test_masks_lie_beside_the_images(tmp_path: Path) -> None:
    write_object(tmp_path)
    (tmp_path / "masks").mkdir()
    for index in range(10):
        mask = np.full((HEIGHT, WIDTH), 255, dtype=np.uint8)
        mask[:, : index + 1] = 0
        Image.fromarray(mask).save(tmp_path / "masks" / f"photo_{index}.png.png")
    scene = load_scene(tmp_path)
    assert scene.masks is not None
    assert scene.masks[:, 0].sum(dim=1).tolist() == [WIDTH - 1 - index for index in range(10)]


def test_cameras_all_round_in_llffs_file_beside_a_model_are_the_models(tmp_path: Path) -> None:
    """As mip-NeRF 360 publishes its scenes."""
    write_object(tmp_path)
    write_llff(tmp_path, object_poses(), near=2.5, far=9.0)
    scene = load_scene(tmp_path)
    assert_object(scene)
    assert "the COLMAP model is read" in scene.notes[0]
    (tmp_path / "sparse" / "0" / "cameras.bin").write_bytes(b"damaged")
    assert load_scene(tmp_path).near == pytest.approx(2.5)  # of LLFF's file
