"""The reader of nerfstudio's and instant-ngp's transforms.json."""

from __future__ import annotations

import logging
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.errors import UserError
from engine.geometry.lens_models import LensModel
from engine.scenes import SceneOptions, load_scene
from tests.support.scenes.synthetic import (
    FOCAL,
    HEIGHT,
    WIDTH,
    distances,
    forward_poses,
    object_poses,
    relative,
    scattered_points,
    write_image,
    write_json,
    write_nerfstudio,
)


def test_cameras_around_something_keep_the_files_world(tmp_path: Path) -> None:
    write_nerfstudio(tmp_path, object_poses(12))
    scene = load_scene(tmp_path)
    assert scene.kind == "unbounded"
    assert scene.names == tuple(f"frame_{index}.png" for index in range(12))  # natural order, not the file's
    assert scene.reference_poses is not None
    torch.testing.assert_close(scene.reference_poses.double(), object_poses(12), atol=1e-5, rtol=0)
    assert scene.held_out_frames == (0, 8)
    assert scene.box_centre == pytest.approx((0.2, -0.1, 0.3), abs=1e-5)


def test_around_something_before_a_blank_background_is_an_object(tmp_path: Path) -> None:
    write_nerfstudio(tmp_path, object_poses(12))
    for file in (tmp_path / "images").glob("*.png"):
        image = np.full((24, 32, 3), 255, dtype=np.uint8)
        image[8:16, 8:24] = np.asarray(Image.open(file))[8:16, 8:24]
        Image.fromarray(image).save(file)
    assert load_scene(tmp_path).kind == "object"
    assert load_scene(tmp_path, SceneOptions(space="unbounded")).kind == "unbounded"


def test_a_forward_facing_scene_gets_scene_units_from_its_point_cloud(tmp_path: Path) -> None:
    poses = forward_poses(10)
    centres = -torch.einsum("fji,fj->fi", poses[:, :, :3], poses[:, :, 3])
    points = scattered_points(centres.mean(dim=0) + 6 * poses[:, 2, :3].mean(dim=0), radius=0.8)
    header = "ply\nformat ascii 1.0\nelement vertex 200\nproperty float x\nproperty float y\nproperty float z\n"
    rows = "\n".join(" ".join(map(str, point.tolist())) for point in points)
    (tmp_path / "sparse_pc.ply").write_text(f"{header}end_header\n{rows}\n")
    write_nerfstudio(tmp_path, poses, ply_file_path="sparse_pc.ply")
    scene = load_scene(tmp_path)
    assert scene.kind == "forward-facing"
    assert scene.held_out_frames == (9,)
    assert scene.near == pytest.approx(1 / 0.75)
    assert scene.reference_poses is not None
    torch.testing.assert_close(relative(scene.reference_poses.double()), relative(poses), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        distances(scene.reference_poses.double()), distances(poses) * scene.file_scale, atol=1e-5, rtol=0
    )
    nearest = (points @ poses[:, 2, :3].T + poses[:, 2, 3]).min().item()
    assert 1 / scene.file_scale / 0.75 == pytest.approx(nearest, rel=0.05)
    assert math.isfinite(scene.far)


def test_without_points_the_depths_are_guessed(tmp_path: Path) -> None:
    write_nerfstudio(tmp_path, forward_poses(10))
    scene = load_scene(tmp_path)
    assert scene.near == pytest.approx(1 / 0.75)
    assert scene.far == math.inf
    write_nerfstudio(tmp_path, forward_poses(10), ply_file_path="missing.ply")
    assert load_scene(tmp_path).far == math.inf


def test_shared_intrinsics_are_read(tmp_path: Path) -> None:
    write_nerfstudio(tmp_path, object_poses())
    intrinsics = load_scene(tmp_path).intrinsics
    torch.testing.assert_close(intrinsics.focal[0], torch.tensor([FOCAL, FOCAL + 1]))
    torch.testing.assert_close(intrinsics.centre[0], torch.tensor([15.5, 12.5]))
    torch.testing.assert_close(intrinsics.distortion[0], torch.tensor([0.01, 0.0, 0.001, -0.002]))


@pytest.mark.parametrize(
    ("keys", "row"),
    [
        ({"k3": 0.1}, [0.01, 0, 0.001, -0.002, 0.1, 0, 0, 0]),
        ({"camera_model": "FULL_OPENCV", "k4": 0.1}, [0.01, 0, 0.001, -0.002, 0, 0.1, 0, 0]),
        ({"k4": 0.1, "k6": 0.2}, [0.01, 0, 0.001, -0.002, 0, 0.1, 0, 0.2]),
        # nerfstudio's k4 of a perspective camera is a power of the radius
        ({"camera_model": "OPENCV", "k4": 0.1}, [0.01, 0, 0.001, -0.002, 0, 0.1, *[0] * 6, LensModel.POLYNOMIAL]),
        ({"camera_model": "OPENCV_FISHEYE"}, [0.01, 0, 0.001, -0.002, *[0] * 8, LensModel.FISHEYE]),
        ({"is_fisheye": True, "k3": 0.02}, [0.01, 0, 0.001, -0.002, 0.02, *[0] * 7, LensModel.FISHEYE]),
        (
            {"camera_model": "THIN_PRISM_FISHEYE", "sx1": 0.3, "sy1": 0.4},
            [0.01, 0, 0.001, -0.002, *[0] * 4, 0.3, 0, 0.4, 0, LensModel.FISHEYE],
        ),
    ],
)
def test_lenses_are_read(tmp_path: Path, keys: dict, row: list[float]) -> None:
    write_nerfstudio(tmp_path, object_poses(), **keys)
    assert load_scene(tmp_path).intrinsics.distortion[0].tolist() == pytest.approx(row)


def test_a_frames_intrinsics_win_and_angles_serve(tmp_path: Path) -> None:
    content = write_nerfstudio(tmp_path, object_poses())
    for key in ("fl_x", "fl_y", "cx", "cy", "w", "h"):
        del content[key]
    content["camera_angle_x"] = 2 * math.atan(WIDTH / 2 / 50)
    content["frames"][0] |= {"fl_x": 60.0, "camera_angle_y": 2 * math.atan(HEIGHT / 2 / 61)}
    write_json(tmp_path / "transforms.json", content)
    intrinsics = load_scene(tmp_path).intrinsics
    torch.testing.assert_close(intrinsics.focal[0], torch.tensor([50.0, 50.0]))
    torch.testing.assert_close(intrinsics.focal[-1], torch.tensor([60.0, 61.0]))  # the file lists it first
    torch.testing.assert_close(intrinsics.centre[0], torch.tensor([WIDTH / 2, HEIGHT / 2]))


def test_intrinsics_of_another_resolution_are_scaled(tmp_path: Path) -> None:
    write_nerfstudio(tmp_path, object_poses(), w=2 * WIDTH, h=2 * HEIGHT)
    intrinsics = load_scene(tmp_path, SceneOptions(downscale=2)).intrinsics
    torch.testing.assert_close(intrinsics.focal[0], torch.tensor([FOCAL / 4, (FOCAL + 1) / 4]))
    assert (intrinsics.width, intrinsics.height) == (WIDTH // 2, HEIGHT // 2)


def test_intrinsics_of_another_resolution_that_is_not_given_are_refused(tmp_path: Path) -> None:
    content = write_nerfstudio(tmp_path, object_poses())
    for key in ("w", "h"):
        del content[key]
    write_json(tmp_path / "transforms.json", content | {"cx": 62.0, "cy": 50.0})
    with pytest.raises(UserError, match="principal point 62, 50, as for pictures of about 124 x 100 pixels"):
        load_scene(tmp_path)


def test_smaller_copies_are_used(tmp_path: Path) -> None:
    write_nerfstudio(tmp_path, object_poses())
    for index in range(10):
        write_image(tmp_path / "images_2" / f"frame_{index}.png", WIDTH // 2, HEIGHT // 2, seed=90 + index)
    scene = load_scene(tmp_path, SceneOptions(downscale=2))
    for frame in (tmp_path / "images_2").iterdir():
        frame.unlink()
    shrunk = load_scene(tmp_path, SceneOptions(downscale=2))
    assert not torch.equal(scene.images, shrunk.images)
    torch.testing.assert_close(scene.intrinsics.focal, shrunk.intrinsics.focal)


def test_the_files_split_is_kept(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    lists = {
        "train_filenames": [f"images/frame_{index}.png" for index in range(7)],
        "test_filenames": ["./images/frame_8.png"],
    }
    write_nerfstudio(tmp_path, object_poses(), **lists)
    with caplog.at_level(logging.WARNING):
        scene = load_scene(tmp_path)
    assert scene.training_frames == tuple(range(7))
    assert scene.held_out_frames == (7,)
    assert scene.names[7] == "frame_8.png"
    assert "frame_7.png, frame_9.png" in caplog.text or "frame_9.png, frame_7.png" in caplog.text


def test_one_list_leaves_the_rest_to_the_other_side(tmp_path: Path) -> None:
    write_nerfstudio(tmp_path, object_poses(), val_filenames=["images/frame_3.png"])
    assert load_scene(tmp_path).held_out_frames == (3,)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"camera_model": "EQUIRECTANGULAR"}, "EQUIRECTANGULAR.*OPENCV, FULL_OPENCV"),
        ({"camera_model": 3}, "camera model 3"),
        ({"ftheta_p1": 0.5}, "FTHETA"),
        ({"k3": "a"}, "k3"),
        ({"fl_x": -5.0}, "focal length"),
        ({"fl_x": [1]}, "fl_x"),
        ({"k1": None}, "k1"),
        ({"w": 0}, "size"),
        ({"w": HEIGHT, "h": WIDTH}, "made for images of"),
        ({"cx": 10**400}, "cx"),
        ({"train_filenames": "all"}, "train_filenames"),
        ({"train_filenames": []}, "no training frames"),
        ({"train_filenames": ["images/frame_1.png"]}, "single training frame"),
        ({"train_filenames": ["images/frame_99.png"]}, "frame_99"),
        ({"train_filenames": ["images/frame_1.png"], "test_filenames": ["images/frame_1.png"]}, "both"),
        ({"ply_file_path": 3}, "ply_file_path"),
    ],
)
def test_a_wrong_key_is_named(tmp_path: Path, keys: dict, words: str) -> None:
    write_nerfstudio(tmp_path, object_poses(), **keys)
    with pytest.raises(UserError, match=words) as raised:
        load_scene(tmp_path)
    assert str(tmp_path / "transforms.json") in str(raised.value)


def test_a_list_may_only_name_frames(tmp_path: Path) -> None:
    write_nerfstudio(tmp_path, object_poses(), test_filenames=["images/other.png"])
    write_image(tmp_path / "images" / "other.png")
    with pytest.raises(UserError, match=r"transforms\.json lists images/other\.png in test_filenames"):
        load_scene(tmp_path)


def test_cameras_in_one_place_see_no_depth(tmp_path: Path) -> None:
    poses = object_poses()
    poses[:, :, 3] = 0
    write_nerfstudio(tmp_path, poses)
    with pytest.raises(UserError, match=r"transforms\.json has all its cameras in one place"):
        load_scene(tmp_path)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1, 2]", b"\xff\xfe\x00", b"[" * 100_000, b'{"frames": ' + b"9" * 5000 + b"}", b"null"]
)
def test_what_is_no_json_object_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "transforms.json"
    file.write_bytes(content)
    with pytest.raises(UserError) as raised:
        load_scene(tmp_path)
    assert str(file) in str(raised.value)


def test_json_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.scenes.formats import json_files

    file = write_json(tmp_path / "large.json", {"frames": "x" * 1000})
    with pytest.raises(UserError, match=r"large\.json has .* bytes"):
        json_files.read_object(file, maximum_bytes=1000)


def test_images_that_are_gone_are_left_out_and_named_if_most_are_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_nerfstudio(tmp_path, object_poses(10))
    for number in (2, 7):
        (tmp_path / "images" / f"frame_{number}.png").unlink()
    scene = load_scene(tmp_path)
    assert scene.names == tuple(f"frame_{number}.png" for number in (0, 1, 3, 4, 5, 6, 8, 9))
    assert {photo.name for photo in scene.left_out} == {"images/frame_2.png", "images/frame_7.png"}
    assert "frame_7.png" in caplog.text
    assert scene.reference_poses is not None
    kept = object_poses(10)[[0, 1, 3, 4, 5, 6, 8, 9]]
    torch.testing.assert_close(scene.reference_poses.double(), kept, atol=1e-5, rtol=0)
    for number in (0, 1, 3, 4):
        (tmp_path / "images" / f"frame_{number}.png").unlink()
    with pytest.raises(UserError, match="which does not exist"):
        load_scene(tmp_path)


def test_images_that_are_no_frames_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_nerfstudio(tmp_path, object_poses(6))
    write_image(tmp_path / "images" / "stray.png")
    scene = load_scene(tmp_path)
    assert [(photo.name, photo.reason) for photo in scene.left_out] == [("stray.png", "it is no frame of the file")]
    assert "stray.png" in caplog.text


def test_frames_of_another_machine_are_found_and_not_mixed_up(tmp_path: Path) -> None:
    content = write_nerfstudio(tmp_path, object_poses(6))
    for frame in content["frames"]:
        frame["file_path"] = "C:\\Users\\bob\\desk\\" + frame["file_path"].replace("/", "\\")
    other = content["frames"][0] | {"file_path": "D:\\other\\images\\frame_5.png"}
    exact = content["frames"][0] | {"file_path": "images/frame_5.png"}
    write_json(tmp_path / "transforms.json", content | {"frames": [other, *content["frames"][1:], exact]})
    scene = load_scene(tmp_path)
    assert scene.names == tuple(f"frame_{index}.png" for index in range(6))
    assert [photo.name for photo in scene.left_out] == [other["file_path"]]
    assert scene.reference_poses is not None
    torch.testing.assert_close(scene.reference_poses, object_poses(6).float(), atol=1e-5, rtol=0)


def test_one_camera_that_is_none_costs_its_frame(tmp_path: Path) -> None:
    content = write_nerfstudio(tmp_path, object_poses(6))
    content["frames"][1]["fl_x"] = -3.0
    content["frames"][2]["k1"] = float("nan")
    write_json(tmp_path / "transforms.json", content)
    assert {photo.name for photo in load_scene(tmp_path).left_out} == {"images/frame_4.png", "images/frame_3.png"}


def test_a_damaged_smaller_copy_is_not_used(tmp_path: Path) -> None:
    write_nerfstudio(tmp_path, object_poses(6))
    for index in range(6):
        write_image(tmp_path / "images_2" / f"frame_{index}.png", WIDTH // 2, HEIGHT // 2, seed=90 + index)
    (tmp_path / "images_2" / "frame_3.png").write_bytes(b"")
    scene = load_scene(tmp_path, SceneOptions(downscale=2))
    assert len(scene.names) == 6
    assert scene.files[0].parent.name == "images"


@pytest.mark.parametrize("declared", [True, False])
def test_smaller_images_serve_where_the_full_ones_were_not_kept(tmp_path: Path, declared: bool) -> None:
    content = write_nerfstudio(tmp_path, object_poses(6), cx=15.0, cy=12.0)
    for index in range(6):
        write_image(tmp_path / "images_4" / f"frame_{index}.png", WIDTH // 2, HEIGHT // 2)
        (tmp_path / "images" / f"frame_{index}.png").unlink()
    (tmp_path / "images").rmdir()
    for key in ("w", "h"):
        content[key] *= 2
        if not declared:
            del content[key]
    write_json(tmp_path / "transforms.json", content)
    scene = load_scene(tmp_path)
    assert scene.images.shape == (6, HEIGHT // 2, WIDTH // 2, 3)
    torch.testing.assert_close(scene.intrinsics.focal[0], torch.tensor([FOCAL / 4, (FOCAL + 1) / 4]))
    torch.testing.assert_close(scene.intrinsics.centre[0], torch.tensor([15.0 / 4, 3.0]))


def test_a_split_may_name_frames_that_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    content = write_nerfstudio(tmp_path, object_poses(8))
    named = [f"images/frame_{index}.png" for index in range(8)]
    content |= {"train_filenames": [*named[:6], "images/gone.png"], "test_filenames": named[6:]}
    next(frame for frame in content["frames"] if frame["file_path"] == named[2]).pop("transform_matrix")
    (tmp_path / named[7]).write_bytes(b"no image")
    write_json(tmp_path / "transforms.json", content)
    scene = load_scene(tmp_path)
    assert scene.names == tuple(f"frame_{index}.png" for index in (0, 1, 3, 4, 5, 6))
    assert scene.held_out_frames == (5,)
    assert "images/gone.png" in caplog.text
    write_json(tmp_path / "transforms.json", content | {"test_filenames": ["images/gone.png"]})
    with pytest.raises(UserError, match=r"lists images/gone\.png in test_filenames but has no such frame"):
        load_scene(tmp_path)


def test_poses_may_be_rounded(tmp_path: Path) -> None:
    content = write_nerfstudio(tmp_path, object_poses(12))
    for frame in content["frames"]:
        frame["transform_matrix"] = np.round(frame["transform_matrix"], 3).tolist()
    write_json(tmp_path / "transforms.json", content)
    scene = load_scene(tmp_path)
    assert scene.reference_poses is not None
    torch.testing.assert_close(scene.reference_poses.double(), object_poses(12), atol=5e-3, rtol=0)
