"""The Blender reader on a synthetic scene with known cameras, on broken ones and on the real lego."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.errors import UserError
from engine.scenes import SceneOptions, load_scene
from tests.support.scenes.scenes_on_disk import real_scene
from tests.support.scenes.synthetic import FOCAL, HEIGHT, WIDTH, object_poses, project, write_blender, write_json


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_blender(tmp_path, object_poses(6))
    write_blender(tmp_path, object_poses(9)[6:], "test")
    return tmp_path


def test_poses_are_read_back(folder: Path) -> None:
    scene = load_scene(folder)
    expected = torch.cat([object_poses(6), object_poses(9)[6:]])
    assert scene.reference_poses is not None
    assert scene.kind == "object"
    torch.testing.assert_close(scene.reference_poses.double(), expected, atol=1e-5, rtol=0)
    points = torch.tensor([[0.5, 0.1, 0.3], [-0.2, 0.4, 0.0]], dtype=torch.float64)
    focal = scene.intrinsics.focal[0, 0].item()
    assert focal == pytest.approx(FOCAL, abs=1e-4)
    for pose, known in zip(scene.reference_poses.double(), expected, strict=True):
        torch.testing.assert_close(project(points, pose, focal), project(points, known), atol=1e-3, rtol=0)


def test_split_names_and_depths(folder: Path) -> None:
    scene = load_scene(folder)
    assert scene.training_frames == tuple(range(6))
    assert scene.held_out_frames == (6, 7, 8)
    assert scene.names[0] == "train/r_0.png"  # test has an r_0.png too
    assert scene.box_centre == pytest.approx((0.2, -0.1, 0.3), abs=1e-5)
    half = 4 * (HEIGHT / 2 / FOCAL) * 1.1
    assert scene.box_half_extent == pytest.approx(half, rel=1e-5)
    assert scene.near == pytest.approx(4 - math.sqrt(3) * half, rel=1e-5)
    assert scene.far == pytest.approx(4 + math.sqrt(3) * half, rel=1e-5)
    assert scene.file_scale == 1


def test_the_training_file_alone_is_enough(tmp_path: Path) -> None:
    write_blender(tmp_path, object_poses(6))
    scene = load_scene(tmp_path)
    assert scene.held_out_frames == ()
    assert scene.names[0] == "r_0.png"


def test_validation_frames_stand_in_for_missing_test_frames(tmp_path: Path) -> None:
    write_blender(tmp_path, object_poses(6))
    write_blender(tmp_path, object_poses(6)[:2], "val")
    assert load_scene(tmp_path).held_out_frames == (6, 7)
    write_blender(tmp_path, object_poses(6)[:3], "test")
    assert load_scene(tmp_path).names[6:] == ("test/r_0.png", "test/r_1.png", "test/r_2.png")


def test_file_paths_may_carry_the_ending(folder: Path) -> None:
    content = write_blender(folder, object_poses(6))
    for frame in content["frames"]:
        frame["file_path"] += ".png"
    write_json(folder / "transforms_train.json", content)
    assert load_scene(folder).images.shape == (9, HEIGHT, WIDTH, 3)


def test_images_that_no_file_names_are_ignored(folder: Path) -> None:
    (folder / "train" / "000.png").write_bytes(b"not an image")
    assert len(load_scene(folder).names) == 9


@pytest.mark.parametrize(("background", "behind"), [("white", 255.0), ("black", 0.0)])
def test_compositing_comes_before_downsampling(folder: Path, background, behind: float) -> None:
    scene = load_scene(folder, SceneOptions(background=background, downscale=2))
    assert scene.background == (behind / 255,) * 3
    pixels = np.asarray(Image.open(folder / "train" / "r_0.png"), dtype=np.float64)
    alpha = pixels[..., 3:] / 255
    composited = pixels[..., :3] * alpha + behind * (1 - alpha)
    expected = composited.reshape(HEIGHT // 2, 2, WIDTH // 2, 2, 3).mean(axis=(1, 3))
    assert np.abs(scene.images[0].numpy() - expected).max() <= 0.5 + 1e-3
    torch.testing.assert_close(scene.intrinsics.focal[0], torch.full((2,), FOCAL / 2))


def test_noise_moves_training_frames_only(folder: Path) -> None:
    scene = load_scene(folder, SceneOptions(noise_rotation=0.07, noise_translation=0.5))
    assert scene.noise is not None
    assert scene.reference_poses is not None
    moved = (scene.initial_poses - scene.reference_poses).abs().amax(dim=(1, 2))
    assert bool((moved[:6] > 0.01).all())
    assert bool((moved[6:] == 0).all())
    assert load_scene(folder).noise is None


def _broken(content: dict, key: str, value: object) -> dict:
    frames = [dict(frame) for frame in content["frames"]]
    if key in frames[0]:
        frames[3][key] = value
        return content | {"frames": frames}
    return content | {key: value}


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("camera_angle_x", "wide", "camera_angle_x"),
        ("camera_angle_x", True, "camera_angle_x"),
        ("camera_angle_x", 4.0, "camera_angle_x"),
        ("camera_angle_x", float("nan"), "camera_angle_x"),
        ("frames", 3, "frames"),
        ("frames", [], "frames"),
        ("frames", [1, 2], "frame's object"),
    ],
)
def test_a_wrong_entry_is_named(folder: Path, key: str, value: object, words: str) -> None:
    content = write_blender(folder, object_poses(6))
    file = write_json(folder / "transforms_train.json", _broken(content, key, value))
    with pytest.raises(UserError, match=words) as raised:
        load_scene(folder)
    assert str(file) in str(raised.value)


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("transform_matrix", [[1, 0], [0, 1]], "transform_matrix"),
        ("transform_matrix", [["a"] * 4] * 4, "transform_matrix"),
        ("transform_matrix", [[float("nan")] * 4] * 4, "not finite"),
        ("transform_matrix", [[2, 0, 0, 0], [0, 2, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]], "not a rotation"),
        ("transform_matrix", [[-1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], "not a rotation"),
        ("file_path", 7, "file_path"),
        ("file_path", "./train/r_33", "does not exist"),
        ("file_path", "../../elsewhere/r_3", "not in the scene's folder"),
        ("file_path", "/etc/hostname", "not in the scene's folder"),
        ("file_path", "x" * 5000, "no path"),
        ("camera_angle_x", float("inf"), "camera_angle_x"),
        ("w", "wide", "w = "),
    ],
)
def test_a_frame_that_is_wrong_is_left_out(
    folder: Path, key: str, value: object, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    content = write_blender(folder, object_poses(6))
    content["frames"][3] = content["frames"][3] | {key: value}
    write_json(folder / "transforms_train.json", content)
    scene = load_scene(folder)
    assert scene.names[:5] == ("train/r_0.png", "train/r_1.png", "train/r_2.png", "train/r_4.png", "train/r_5.png")
    (left_out,) = scene.left_out
    assert reason in left_out.reason
    assert left_out.name in caplog.text
    assert scene.reference_poses is not None
    kept = torch.cat([object_poses(6)[[0, 1, 2, 4, 5]].float(), scene.reference_poses[5:]])
    torch.testing.assert_close(scene.reference_poses, kept, atol=1e-5, rtol=0)


@pytest.mark.parametrize("entry", [None, 3, "train/r_3", []])
def test_an_entry_that_is_no_frame_is_left_out(folder: Path, entry: object) -> None:
    content = write_blender(folder, object_poses(6))
    content["frames"][3] = entry
    write_json(folder / "transforms_train.json", content)
    assert [photo.name for photo in load_scene(folder).left_out] == ["a frame without file_path"]


@pytest.mark.parametrize("damage", [b"", b"not an image", None], ids=["empty", "text", "cut"])
def test_an_image_that_cannot_be_decoded_is_left_out(
    folder: Path, damage: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    image = folder / "train" / "r_3.png"
    image.write_bytes(image.read_bytes()[:1500] if damage is None else damage)
    scene = load_scene(folder)
    assert len(scene.names) == 8
    assert len(scene.training_frames) == 5
    assert "r_3" in scene.left_out[0].name
    assert "r_3" in caplog.text


def test_if_more_frames_are_wrong_than_right_the_file_is_refused(folder: Path) -> None:
    for index in range(4):
        (folder / "train" / f"r_{index}.png").unlink()
    with pytest.raises(UserError, match=r"names the image \./train/r_0, which does not exist"):
        load_scene(folder)


def test_a_test_split_without_images_gives_way(folder: Path) -> None:
    for image in (folder / "test").iterdir():
        image.unlink()
    scene = load_scene(folder)
    assert scene.held_out_frames == ()
    assert "transforms_test.json was passed over" in scene.notes[0]


@pytest.mark.parametrize("missing", ["frames", "camera_angle_x", "file_path", "transform_matrix"])
def test_a_missing_key_is_named(folder: Path, missing: str) -> None:
    content = write_blender(folder, object_poses(6))
    content.pop(missing, None)
    for frame in content.get("frames", []):
        frame.pop(missing, None)
    file = write_json(folder / "transforms_train.json", content)
    with pytest.raises(UserError) as raised:
        load_scene(folder)
    assert str(file) in str(raised.value)
    assert missing in str(raised.value) or missing == "camera_angle_x"


def test_a_single_frame_is_too_few(tmp_path: Path) -> None:
    write_blender(tmp_path, object_poses(6)[:1])
    with pytest.raises(UserError, match=r"transforms_train\.json has a single training frame"):
        load_scene(tmp_path)


@pytest.mark.real_data
def test_lego() -> None:
    scene = load_scene(real_scene("blender/lego"))
    assert scene.images.shape == (125, 400, 400, 3)
    assert len(scene.training_frames) == 100
    assert len(scene.held_out_frames) == 25
    assert not any(name.endswith("/000.png") for name in scene.names)
    assert scene.intrinsics.focal[0, 0].item() == pytest.approx(555.555, abs=0.01)
    assert scene.box_centre == pytest.approx((0, 0, 0), abs=1e-3)
    assert scene.box_half_extent == pytest.approx(1.6, abs=0.05)
    assert 1 < scene.near < 2
    assert 6 < scene.far < 8
    assert scene.background == (1, 1, 1)
    assert (scene.images[:, 0, 0] == 255).all()


def test_its_space_may_be_unbounded_and_nothing_that_does_not_fit(folder: Path) -> None:
    scene = load_scene(folder, SceneOptions(space="unbounded"))
    assert scene.kind == "unbounded"
    assert scene.box_half_extent == load_scene(folder).box_half_extent
    with pytest.raises(UserError, match=r"--space forward-facing does not fit a scene in Blender's layout; choose"):
        load_scene(folder, SceneOptions(space="forward-facing"))
