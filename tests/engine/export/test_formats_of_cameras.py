"""Cameras written in each format are read back, by the format's own library or its convention, where they were."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pycolmap
import pytest
import torch
from hypothesis import given
from torch import Tensor

from engine.errors import UserError
from engine.export import colmap, llff, nerfstudio
from engine.export.formats import EXPORTERS
from engine.export.images import ExportedImages
from engine.export.options import ExportOptions
from engine.geometry.distortion import distort
from engine.geometry.lens_models import LensModel, make_row, stack_distortions
from engine.geometry.se3 import transform
from engine.geometry.similarity import align_cameras
from engine.scenes import SceneOptions, load_scene
from tests.support.runs.exported import (
    cameras_of,
    images_of,
    lens,
    poses,
    several_cameras,
    some_points,
    standing,
    write_photos,
)
from tests.support.scenes.synthetic import forward_poses, object_poses

CLOSE = {"atol": 1e-5, "rtol": 0.0}


def image_paths(count: int) -> list[str]:
    return [f"images/photo_{index:02d}.png" for index in range(count)]


@given(poses())
def test_nerfstudio_s_axes(world_to_camera: Tensor) -> None:
    """A point seen by the pinhole that nerfstudio makes of the matrix is where ours sees it."""
    cameras = cameras_of(world_to_camera)
    content = nerfstudio.make_transforms(cameras, images_of(cameras))
    point = torch.tensor([0.3, -0.7, 0.9], dtype=torch.float64)
    for frame, pose in zip(content["frames"], world_to_camera, strict=True):
        matrix = np.array(frame["transform_matrix"])
        assert matrix[3].tolist() == [0, 0, 0, 1]
        right, up, back = np.linalg.solve(matrix, [*point.tolist(), 1.0])[:3]
        x, y, z = transform(pose, point).tolist()
        np.testing.assert_allclose([right, -up, -back], [x, y, z], atol=1e-9)


@given(poses())
def test_llff_s_axes(world_to_camera: Tensor) -> None:
    """Columns are down, right, back and the centre, and the last column tells height, width and focal length."""
    cameras = cameras_of(world_to_camera)
    bounds = torch.tensor([[1.0, 9.0]]).repeat(len(world_to_camera), 1)
    for row, pose in zip(llff.make_table(cameras, images_of(cameras), bounds).numpy(), world_to_camera, strict=True):
        matrix = row[:15].reshape(3, 5)
        down, right, back, centre = matrix[:, :4].T
        np.testing.assert_allclose(pose[:, :3].numpy() @ centre + pose[:, 3].numpy(), 0, atol=1e-9)
        np.testing.assert_allclose(pose[:, :3].numpy(), np.stack([right, down, -back]), atol=1e-9)
        assert matrix[:, 4].tolist() == [24, 32, 40]
        assert row[15:].tolist() == [1, 9]


@given(poses())
def test_colmap_s_own_library_reads_the_same_cameras(world_to_camera: Tensor) -> None:
    cameras, points = cameras_of(world_to_camera, lens(len(world_to_camera), distorted=True)), some_points()
    with tempfile.TemporaryDirectory() as name:
        colmap.write_model(cameras, images_of(cameras), points, Path(name))
        model = pycolmap.Reconstruction(str(Path(name) / "sparse" / "0"))
    assert len(model.cameras) == 1
    for image in model.images.values():
        index = cameras.names.index(image.name)
        np.testing.assert_allclose(image.cam_from_world().matrix(), world_to_camera[index].numpy(), **CLOSE)
        camera = model.cameras[image.camera_id]
        assert (camera.model.name, camera.width, camera.height) == ("OPENCV", 32, 24)
        np.testing.assert_allclose(camera.params, [40, 41, 15.5, 12.25, 0.01, -0.02, 0.001, -0.002], rtol=1e-6)
    found = sorted((tuple(point.xyz), tuple(point.color)) for point in model.points3D.values())
    wanted = sorted(
        (tuple(map(float, at)), tuple(colour)) for at, colour in zip(points.positions, points.colours, strict=True)
    )
    assert found == wanted


def exported(folder: Path, form: str, world_to_camera: Tensor, images: ExportedImages | None = None) -> None:
    """Writes a folder in one of the formats."""
    cameras = cameras_of(world_to_camera, lens(len(world_to_camera)))
    images = images or images_of(cameras)
    folder.mkdir()
    write_photos(cameras, folder / "images")
    if form == "colmap":
        colmap.write_model(cameras, images, some_points(), folder)
    elif form == "nerfstudio":
        nerfstudio.write_transforms(cameras, images, some_points(), folder)
    else:
        llff.write_poses_bounds(cameras, images, torch.tensor([[3.0, 9.0]]).repeat(len(world_to_camera), 1), folder)


@pytest.mark.parametrize("form", ["colmap", "nerfstudio", "llff"])
@pytest.mark.parametrize("kind", ["forward", "object"])
def test_our_readers_read_the_same_cameras(tmp_path: Path, form: str, kind: str) -> None:
    wanted = forward_poses(7) if kind == "forward" else object_poses(7)
    exported(tmp_path / "out", form, wanted)
    scene = load_scene(tmp_path / "out", SceneOptions(downscale=1))
    assert scene.names == cameras_of(wanted).names
    assert scene.reference_poses is not None
    found = scene.reference_poses.double()
    gauge = align_cameras(found, wanted)  # forward-facing scenes are centred and scaled by their readers
    torch.testing.assert_close(gauge.apply_to_poses(found), wanted, **CLOSE)
    assert float(gauge.scale) * scene.file_scale == pytest.approx(1.0, abs=1e-5)
    intrinsics = scene.intrinsics
    assert (intrinsics.width, intrinsics.height) == (32, 24)
    focal, centre = ((40, 40), (16, 12)) if form == "llff" else ((40, 41), (15.5, 12.25))
    torch.testing.assert_close(intrinsics.focal[3], torch.tensor(focal, dtype=torch.float32))
    torch.testing.assert_close(intrinsics.centre[3], torch.tensor(centre, dtype=torch.float32))


def test_nerfstudio_is_told_which_frames_were_held_out(tmp_path: Path) -> None:
    cameras = cameras_of(object_poses(6), held_out=(1, 4))
    (tmp_path / "out").mkdir()
    write_photos(cameras, tmp_path / "out" / "images")
    nerfstudio.write_transforms(cameras, images_of(cameras), some_points(), tmp_path / "out")
    content = json.loads((tmp_path / "out" / "transforms.json").read_text())
    assert content["test_filenames"] == content["val_filenames"] == [image_paths(6)[1], image_paths(6)[4]]
    scene = load_scene(tmp_path / "out")
    assert scene.held_out_frames == (1, 4)


def test_frames_with_different_lenses_keep_them(tmp_path: Path) -> None:
    intrinsics = lens(3)
    intrinsics.focal[1] += 2
    cameras = cameras_of(object_poses(3), intrinsics)
    colmap.write_model(cameras, images_of(cameras), some_points(), tmp_path)
    model = pycolmap.Reconstruction(str(tmp_path / "sparse" / "0"))
    focals = {image.name: model.cameras[image.camera_id].params[0] for image in model.images.values()}
    assert focals == {"photo_00.png": 40, "photo_01.png": 42, "photo_02.png": 40}
    frames = nerfstudio.make_transforms(cameras, images_of(cameras))["frames"]
    assert [frame["fl_x"] for frame in frames] == [40, 42, 40]


@pytest.mark.parametrize("form", ["colmap", "nerfstudio"])
def test_several_cameras_and_sizes_are_read_back(tmp_path: Path, form: str) -> None:
    wanted, intrinsics = object_poses(7), several_cameras(7)
    cameras = cameras_of(wanted, intrinsics)
    write_photos(cameras, tmp_path / "images")
    if form == "colmap":
        colmap.write_model(cameras, images_of(cameras), some_points(), tmp_path)
        assert len(pycolmap.Reconstruction(str(tmp_path / "sparse" / "0")).cameras) == 3
    else:
        nerfstudio.write_transforms(cameras, images_of(cameras), some_points(), tmp_path)
    scene = load_scene(tmp_path, SceneOptions(downscale=1))
    assert scene.reference_poses is not None
    gauge = align_cameras(scene.reference_poses.double(), wanted)
    torch.testing.assert_close(gauge.apply_to_poses(scene.reference_poses.double()), wanted, **CLOSE)
    found = scene.intrinsics
    assert torch.equal(found.own_sizes, intrinsics.own_sizes)
    torch.testing.assert_close(found.focal, intrinsics.focal, rtol=1e-5, atol=0)
    torch.testing.assert_close(found.centre, intrinsics.centre, rtol=1e-5, atol=0)
    assert torch.equal(found.camera_numbers, intrinsics.camera_numbers)
    assert [tuple(scene.picture(frame).shape) for frame in (0, 2)] == [(24, 32, 3), (32, 24, 3)]
    assert scene.masks is not None  # what lies outside a picture does not count
    assert int(scene.masks.sum()) == 7 * 32 * 24


FISHEYES = [
    make_row([0.02, -0.01, 0, 0, 0.005, -0.002], LensModel.FISHEYE),
    make_row([0.02, -0.01, 0.001, -0.002, 0.005, -0.002], LensModel.FISHEYE),
    make_row([0.02, 0, 0, 0, 0, 0, 0, 0, 0.003, 0, -0.004], LensModel.FISHEYE),
]
PERSPECTIVE = [make_row([0.02, -0.01, 0.001, 0.002, 0.03, 0.01, -0.02, 0.005]), make_row([-0.05]), make_row([])]
COLMAPS = [
    make_row([0.02, 0.01, 0.001, 0.002, 0, 0, 0, 0, 0.001], LensModel.RAD_TAN_FISHEYE),
    make_row([0.9], LensModel.FOV),
    make_row([-0.05], LensModel.DIVISION),
    make_row([0.6, 1.1], LensModel.EUCM),
]


@pytest.mark.parametrize(
    ("form", "rows"),
    [
        ("colmap", FISHEYES[:1] * 5),
        ("colmap", FISHEYES + PERSPECTIVE + COLMAPS),
        ("nerfstudio", FISHEYES[:1] * 5),
        ("nerfstudio", FISHEYES + PERSPECTIVE),
    ],
)
def test_lenses_are_read_back(tmp_path: Path, form: str, rows: list[tuple[float, ...]]) -> None:
    wanted = object_poses(len(rows))
    intrinsics = replace(lens(len(rows)), distortion=stack_distortions(rows))
    cameras = cameras_of(wanted, intrinsics)
    write_photos(cameras, tmp_path / "images")
    write = colmap.write_model if form == "colmap" else nerfstudio.write_transforms
    write(cameras, images_of(cameras), some_points(), tmp_path)
    scene = load_scene(tmp_path, SceneOptions(downscale=1))
    assert scene.reference_poses is not None
    gauge = align_cameras(scene.reference_poses.double(), wanted)
    torch.testing.assert_close(gauge.apply_to_poses(scene.reference_poses.double()), wanted, **CLOSE)
    points = torch.rand(len(rows), 50, 2) - 0.5
    found, expected = (distort(points, of.distortion[:, None]) for of in (scene.intrinsics, intrinsics))
    torch.testing.assert_close(found, expected, **CLOSE)
    if len(set(rows)) == 1 and form == "nerfstudio":
        content = json.loads((tmp_path / "transforms.json").read_text())
        assert content["camera_model"] == "OPENCV_FISHEYE"
        assert [content[key] for key in ("k1", "k2", "k3", "k4")] == pytest.approx([0.02, -0.01, 0.005, -0.002])
    if len(set(rows)) == 1 and form == "colmap":
        (camera,) = pycolmap.Reconstruction(str(tmp_path / "sparse" / "0")).cameras.values()
        assert camera.model.name == "OPENCV_FISHEYE"


@pytest.mark.parametrize(("form", "row"), [("llff", FISHEYES[0]), ("nerfstudio", COLMAPS[1]), ("colmap", None)])
def test_a_lens_without_a_place_is_said_before_anything_is_written(
    tmp_path: Path, form: str, row: tuple[float, ...] | None
) -> None:
    row = row or make_row([0.1] * 12)  # OpenCV's thin prism of a perspective lens
    poses = object_poses(5)
    cameras = cameras_of(poses)
    write_photos(cameras, tmp_path / "scene" / "images")
    nerfstudio.write_transforms(cameras, images_of(cameras), some_points(), tmp_path / "scene")
    scene = load_scene(tmp_path / "scene", SceneOptions(downscale=1))
    distortion = stack_distortions([make_row([]), row, row, make_row([]), row])
    scene = replace(scene, intrinsics=replace(scene.intrinsics, distortion=distortion))
    run = standing(scene, poses[list(scene.training_frames)], tmp_path)
    with pytest.raises(UserError, match=r"no place for the lens of photo_01\.png and 2 more"):
        EXPORTERS[form].write(run, ExportOptions(tmp_path / "out"), lambda share, what: None)
    assert not (tmp_path / "out").exists()


def test_llff_names_what_the_format_cannot_hold(tmp_path: Path) -> None:
    cameras = cameras_of(forward_poses(3), lens(3, distorted=True))
    (note,) = llff.write_poses_bounds(cameras, images_of(cameras), torch.ones(3, 2), tmp_path)
    for word in ("principal point", "lens distortion", "second focal length"):
        assert word in note
