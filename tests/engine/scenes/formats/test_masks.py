"""Masks beside photos: where they are found, how they are read, and what is said of bad ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import UserError
from engine.scenes import SceneOptions, load_scene
from engine.scenes.formats.masks import find_masks, read_mask
from engine.scenes.scene import Scene
from tests.support.scenes.synthetic import HEIGHT, WIDTH, object_poses, write_nerfstudio

FIXED = SceneOptions(init="reference")


def write_mask(file: Path, left: int = 10, size: tuple[int, int] = (WIDTH, HEIGHT), white: int = 255) -> None:
    """A mask of which so many columns at the left do not count."""
    pixels = np.full((size[1], size[0]), white, dtype=np.uint8)
    pixels[:, :left] = 0
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(file)


def photos_of(folder: Path) -> list[Path]:
    return sorted((folder / "images").iterdir())


def mask_all(folder: Path, left: int = 10) -> None:
    for photo in photos_of(folder):
        write_mask(folder / "masks" / f"{photo.name}.png", left)


@pytest.fixture
def nerfstudio(tmp_path: Path) -> Path:
    write_nerfstudio(tmp_path / "scene", object_poses())
    return tmp_path / "scene"


def counted(scene: Scene) -> list[int]:
    """Pixels that count, of each frame."""
    assert scene.masks is not None
    return scene.masks.flatten(start_dim=1).sum(dim=1).tolist()


def test_a_scene_without_masks_has_none(nerfstudio: Path) -> None:
    scene = load_scene(nerfstudio, FIXED)
    assert scene.masks is None
    assert scene.notes == ()


@pytest.mark.parametrize("name", ["{stem}.png", "{name}.png"])
def test_masks_go_with_photos_by_their_names(nerfstudio: Path, name: str) -> None:
    for photo in photos_of(nerfstudio):
        write_mask(nerfstudio / "masks" / name.format(stem=photo.stem, name=photo.name))
    scene = load_scene(nerfstudio, FIXED)
    assert scene.masks is not None
    assert scene.masks.shape == scene.images.shape[:3]
    assert not scene.masks[:, :, :10].any()
    assert scene.masks[:, :, 10:].all()
    assert scene.notes == (f"{len(scene.names)} of {len(scene.names)} photos have a mask.",)


def test_a_frame_may_name_its_mask(nerfstudio: Path) -> None:
    file = nerfstudio / "transforms.json"
    content = json.loads(file.read_text())
    for index, frame in enumerate(content["frames"]):
        frame["mask_path"] = f"elsewhere/mask_{index}.png"
        write_mask(nerfstudio / frame["mask_path"], left=index)
    file.write_text(json.dumps(content))
    wanted = [(WIDTH - index) * HEIGHT for index in range(len(content["frames"]))]
    assert sorted(counted(load_scene(nerfstudio, FIXED)), reverse=True) == wanted
    content["frames"][0]["mask_path"] = "elsewhere/mask_x.png"
    file.write_text(json.dumps(content))
    left = load_scene(nerfstudio, FIXED)
    assert len(left.names) == len(content["frames"]) - 1
    assert [(photo.name, photo.reason) for photo in left.left_out] == [
        (content["frames"][0]["file_path"], "its mask does not exist")
    ]


def test_masks_in_subfolders_lie_in_the_same_ones(tmp_path: Path) -> None:
    write_mask(tmp_path / "masks" / "left" / "a.jpg.png")
    write_mask(tmp_path / "masks" / "right" / "a.png")
    photos = [tmp_path / "images_2" / side / "a.jpg" for side in ("left", "right")]
    found = [mask.file.relative_to(tmp_path).as_posix() for mask in find_masks(tmp_path, photos) if mask.file]
    assert found == ["masks/left/a.jpg.png", "masks/right/a.png"]


def test_downsampled_pixels_count_where_all_that_they_average_count(nerfstudio: Path) -> None:
    mask_all(nerfstudio, left=9)
    scene = load_scene(nerfstudio, SceneOptions(init="reference", downscale=2))
    assert scene.masks is not None
    assert not scene.masks[:, :, :5].any()
    assert scene.masks[:, :, 5:].all()


@pytest.mark.parametrize("white", [1, 255])
def test_masks_of_zeros_and_ones_are_understood(tmp_path: Path, white: int) -> None:
    write_mask(tmp_path / "mask.png", white=white)
    counts = read_mask(tmp_path / "mask.png", 10_000)
    assert counts[:, 10:].all()
    assert not counts[:, :10].any()


def test_transparency_of_a_mask_masks(tmp_path: Path) -> None:
    pixels = np.full((4, 6, 4), 255, dtype=np.uint8)
    pixels[:, :2, 3] = 0
    Image.fromarray(pixels).save(tmp_path / "mask.png")
    assert read_mask(tmp_path / "mask.png", 100).sum() == 16


# ---------------------------------------------------------------------- bad masks


def test_photos_without_a_mask_count_whole_and_are_named(nerfstudio: Path) -> None:
    mask_all(nerfstudio)
    first = photos_of(nerfstudio)[0]
    (nerfstudio / "masks" / f"{first.name}.png").unlink()
    scene = load_scene(nerfstudio, FIXED)
    assert counted(scene)[scene.names.index(first.name)] == WIDTH * HEIGHT
    assert f"1 of {len(scene.names)} photos have no mask, such as {first.name}" in scene.notes[1]


def test_masks_that_belong_to_no_photo_are_reported(nerfstudio: Path) -> None:
    write_mask(nerfstudio / "masks" / "other.png")
    scene = load_scene(nerfstudio, FIXED)
    assert scene.masks is None
    assert "belongs to a photo" in scene.notes[0]


def test_a_mask_of_another_size_is_resampled_and_reported(nerfstudio: Path) -> None:
    for photo in photos_of(nerfstudio):
        write_mask(nerfstudio / "masks" / f"{photo.name}.png", left=5, size=(WIDTH // 2, HEIGHT // 2))
    scene = load_scene(nerfstudio, FIXED)
    assert counted(scene) == [(WIDTH - 10) * HEIGHT] * len(scene.names)
    assert "were resampled" in scene.notes[1]


def test_a_mask_of_another_shape_is_refused(nerfstudio: Path) -> None:
    mask_all(nerfstudio)
    first = nerfstudio / "masks" / f"{photos_of(nerfstudio)[0].name}.png"
    write_mask(first, size=(HEIGHT, WIDTH))
    with pytest.raises(UserError, match=f"{first.name} has {HEIGHT} x {WIDTH} pixels but"):
        load_scene(nerfstudio, FIXED)


def test_a_photo_that_is_hidden_altogether_is_left_out_and_named(nerfstudio: Path) -> None:
    mask_all(nerfstudio)
    whole = load_scene(nerfstudio, FIXED)
    hidden = whole.names[2]
    write_mask(nerfstudio / "masks" / f"{hidden}.png", left=WIDTH)
    scene = load_scene(nerfstudio, FIXED)
    assert [(left.name, left.reason) for left in scene.left_out] == [(hidden, "its mask hides all of it")]
    assert scene.names == tuple(name for name in whole.names if name != hidden)
    assert scene.masks is not None
    assert len(scene.masks) == len(scene.images) == len(scene.names) == len(scene.initial_poses)
    held_out = {whole.names[frame] for frame in whole.held_out_frames} - {hidden}
    assert {scene.names[frame] for frame in scene.held_out_frames} == held_out
    assert sorted(scene.training_frames + scene.held_out_frames) == list(range(len(scene.names)))


def test_masks_that_hide_everything_are_refused(nerfstudio: Path) -> None:
    mask_all(nerfstudio, left=WIDTH)
    with pytest.raises(UserError, match="all other masks hide everything; what counts must be white"):
        load_scene(nerfstudio, FIXED)


def test_a_photo_whose_mask_is_damaged_is_left_out_and_named(nerfstudio: Path) -> None:
    mask_all(nerfstudio)
    name = photos_of(nerfstudio)[1].name
    (nerfstudio / "masks" / f"{name}.png").write_bytes(b"no image")
    scene = load_scene(nerfstudio, FIXED)
    ((left_out, reason),) = ((left.name, left.reason) for left in scene.left_out)
    assert left_out == name
    assert reason.startswith("its mask is ")
    assert name not in scene.names


def test_masks_that_are_damaged_for_the_most_part_are_refused(nerfstudio: Path) -> None:
    mask_all(nerfstudio)
    for photo in photos_of(nerfstudio)[:-1]:
        (nerfstudio / "masks" / f"{photo.name}.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=photos_of(nerfstudio)[0].name):
        load_scene(nerfstudio, FIXED)
