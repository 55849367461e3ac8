"""The LLFF reader on a synthetic scene with known cameras, on broken ones and on the real fern."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.errors import UserError
from engine.scenes import SceneOptions, load_scene
from tests.support.scenes.scenes_on_disk import real_scene
from tests.support.scenes.synthetic import (
    FOCAL,
    HEIGHT,
    WIDTH,
    distances,
    forward_poses,
    object_poses,
    relative,
    write_image,
    write_llff,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_llff(tmp_path, forward_poses())
    return tmp_path


def test_poses_are_read_back_up_to_the_choice_of_world(folder: Path) -> None:
    scene = load_scene(folder)
    assert scene.reference_poses is not None
    assert scene.kind == "forward-facing"
    assert scene.file_scale == pytest.approx(1 / (4.0 * 0.75))
    torch.testing.assert_close(relative(scene.reference_poses.double()), relative(forward_poses()), atol=1e-5, rtol=0)
    torch.testing.assert_close(
        distances(scene.reference_poses.double()), distances(forward_poses()) * scene.file_scale, atol=1e-5, rtol=0
    )


def test_the_average_training_camera_is_the_world(folder: Path) -> None:
    scene = load_scene(folder)
    assert scene.reference_poses is not None
    training = scene.reference_poses[list(scene.training_frames)]
    centres = -torch.einsum("fji,fj->fi", training[:, :, :3], training[:, :, 3])
    torch.testing.assert_close(centres.mean(dim=0), torch.zeros(3), atol=1e-5, rtol=0)
    left, _, right = torch.linalg.svd(training[:, :, :3].mean(dim=0))
    torch.testing.assert_close(left @ right, torch.eye(3), atol=1e-5, rtol=0)


def test_bounds_split_and_intrinsics(folder: Path) -> None:
    scene = load_scene(folder)
    assert scene.near == pytest.approx(1 / 0.75)
    assert scene.far == pytest.approx(20 / 4 / 0.75)
    assert scene.held_out_frames == (9,)
    assert scene.training_frames == tuple(range(9))
    assert scene.names[0] == "IMG_000.png"
    assert scene.images.shape == (10, HEIGHT, WIDTH, 3)
    torch.testing.assert_close(scene.intrinsics.focal, torch.full((10, 2), FOCAL))
    torch.testing.assert_close(scene.intrinsics.centre[0], torch.tensor([WIDTH / 2, HEIGHT / 2]))
    torch.testing.assert_close(scene.initial_poses, torch.eye(3, 4).repeat(10, 1, 1))


def test_the_fitting_folder_is_read_and_the_rest_shrunk(folder: Path) -> None:
    for index in range(10):
        write_image(folder / "images_2" / f"IMG_{index:03d}.png", 2 * WIDTH, 2 * HEIGHT, seed=50 + index)
    half = load_scene(folder, SceneOptions(downscale=2))  # images_4 as it is
    assert half.images.shape[1:3] == (HEIGHT, WIDTH)
    assert (half.images == load_scene(folder, SceneOptions(downscale=2)).images).all()
    third = load_scene(folder, SceneOptions(downscale=3))  # from images_2
    assert third.images.shape[1:3] == (2 * HEIGHT // 3, 2 * WIDTH // 3)
    torch.testing.assert_close(third.intrinsics.focal[0], torch.full((2,), 2 * FOCAL / 3))


def test_few_frames_are_all_trained_on(tmp_path: Path) -> None:
    write_llff(tmp_path, forward_poses(4))
    assert load_scene(tmp_path).held_out_frames == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda table: table[:7], "7 poses"),
        (lambda table: table[:, :15], "shape"),
        (lambda table: table[:0], "no frames"),
        (lambda table: np.where(np.arange(17) == 3, np.nan, table), "not finite for IMG_000"),
        (lambda table: np.where(np.arange(17) == 16, np.inf, table), "not finite"),
        (lambda table: np.where(np.arange(17) == 15, -1.0, table), "positive and increasing"),
        (lambda table: np.where(np.arange(17) == 14, 0.0, table), "focal length"),
        (lambda table: np.where(np.arange(17) == 4, 10.0, table), "made for images of"),
        (lambda table: table * np.where(np.arange(17) % 5 < 3, 1.1, 1.0), "not a rotation"),
        (lambda table: table.astype(object), "damaged"),
    ],
)
def test_a_wrong_table_is_named(folder: Path, change, words: str) -> None:
    file = folder / "poses_bounds.npy"
    np.save(file, change(np.load(file)), allow_pickle=True)
    with pytest.raises(UserError, match=words) as raised:
        load_scene(folder)
    assert str(file) in str(raised.value)


@pytest.mark.parametrize("kept", [0, 5, 200])
def test_a_truncated_table_is_named(folder: Path, kept: int) -> None:
    file = folder / "poses_bounds.npy"
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(UserError, match="damaged") as raised:
        load_scene(folder)
    assert str(file) in str(raised.value)


def test_missing_images_are_named(folder: Path) -> None:
    for image in (folder / "images_4").iterdir():
        image.unlink()
    with pytest.raises(UserError, match="no images") as raised:
        load_scene(folder)
    assert str(folder) in str(raised.value)


def test_a_single_frame_is_too_few(tmp_path: Path) -> None:
    write_llff(tmp_path, forward_poses(1))
    with pytest.raises(UserError, match=r"poses_bounds\.npy has a single training frame"):
        load_scene(tmp_path)


@pytest.fixture
def around(tmp_path: Path) -> Path:
    """As mip-NeRF 360 publishes its scenes: cameras all round, in LLFF's layout."""
    write_llff(tmp_path, object_poses(16), near=2.5, far=9.0)
    return tmp_path


def test_cameras_all_round_are_not_taken_for_forward_facing(around: Path) -> None:
    scene = load_scene(around)
    assert scene.kind == "unbounded"
    assert scene.held_out_frames == (0, 8)
    assert scene.reference_poses is not None
    torch.testing.assert_close(scene.reference_poses, object_poses(16).float(), atol=1e-5, rtol=0)
    torch.testing.assert_close(scene.initial_poses, scene.reference_poses)
    assert (scene.near, scene.far) == pytest.approx((2.5, 9.0))
    assert scene.box_centre == pytest.approx((0.2, -0.1, 0.3), abs=1e-4)
    assert load_scene(around, SceneOptions(space="forward-facing")).kind == "forward-facing"


@pytest.mark.real_data
def test_fern() -> None:
    scene = load_scene(real_scene("llff/fern"))
    assert scene.images.shape == (20, 378, 504, 3)
    assert len(scene.training_frames) == 18
    assert scene.held_out_frames == (18, 19)
    assert scene.intrinsics.focal[0, 0].item() == pytest.approx(407.57, abs=0.01)
    assert scene.reference_poses is not None
    assert 0.1 < distances(scene.reference_poses)[:18, :18].max().item() < 2  # nearest depth is 1.33
    assert scene.reference_poses[:, 2, 2].min().item() > 0.9  # all look along +z
    assert scene.background is None


@pytest.mark.parametrize("space", ["object", "unbounded"])
def test_another_space_may_be_asked_for(folder: Path, space: str) -> None:
    scene = load_scene(folder, SceneOptions(space=space))  # type: ignore[arg-type]
    assert scene.kind == space
    assert scene.reference_poses is not None
    torch.testing.assert_close(scene.reference_poses.double(), forward_poses(), atol=1e-5, rtol=0)


def test_rows_and_images_that_are_broken_are_left_out(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = load_scene(folder)
    table = np.load(folder / "poses_bounds.npy")
    table[2, 3], table[4, 16] = np.nan, np.inf
    np.save(folder / "poses_bounds.npy", table)
    (folder / "images_4" / "IMG_006.png").write_bytes(b"not an image")
    cut = folder / "images_4" / "IMG_007.png"
    cut.write_bytes(cut.read_bytes()[:1000])
    scene = load_scene(folder)
    kept = [0, 1, 3, 5, 8, 9]
    assert scene.names == tuple(f"IMG_{index:03d}.png" for index in kept)
    assert {photo.name for photo in scene.left_out} == {f"IMG_{index:03d}.png" for index in (2, 4, 6, 7)}
    assert "IMG_004.png" in caplog.text
    assert scene.reference_poses is not None
    assert whole.reference_poses is not None
    torch.testing.assert_close(relative(scene.reference_poses), relative(whole.reference_poses[kept]))
    assert bool((scene.images == whole.images[kept]).all())


def test_a_folder_of_all_images_is_preferred_to_one_that_lacks_some(folder: Path) -> None:
    for index in range(9):
        write_image(folder / "images_2" / f"IMG_{index:03d}.png", 2 * WIDTH, 2 * HEIGHT, seed=50 + index)
    scene = load_scene(folder)
    assert scene.files[0].parent.name == "images_4"
    assert len(scene.names) == 10


def test_a_colmap_model_says_which_image_is_missing_or_has_no_row(folder: Path) -> None:
    from tests.engine.scenes.formats.test_colmap import write_colmap

    write_colmap(folder, forward_poses(), forward_poses()[:0, 0, :3], images="elsewhere")
    for index in range(10):
        (folder / "images_4" / f"IMG_{index:03d}.png").rename(folder / "images_4" / f"photo_{index}.png")
    write_image(folder / "images_4" / "photo_10.png")
    write_image(folder / "images_4" / "photo_11.png")
    (folder / "images_4" / "photo_3.png").unlink()
    scene = load_scene(folder)
    kept = [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert scene.names == tuple(f"photo_{index}.png" for index in kept)
    assert {photo.name for photo in scene.left_out} == {"photo_3.png", "photo_10.png", "photo_11.png"}
    assert scene.reference_poses is not None
    torch.testing.assert_close(
        relative(scene.reference_poses.double()), relative(forward_poses()[kept]), atol=1e-5, rtol=0
    )


def test_a_missing_image_alone_is_refused_because_the_order_binds(folder: Path) -> None:
    (folder / "images_4" / "IMG_003.png").unlink()
    with pytest.raises(UserError, match=r"10 poses but .* 9 images; restore the missing images"):
        load_scene(folder)
