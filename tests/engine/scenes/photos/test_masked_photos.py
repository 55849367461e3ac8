"""Bare photos with masks or alpha channels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import ExifTags, Image

from engine.errors import UserError
from engine.scenes import Scene, SceneOptions, load_scene
from engine.scenes.formats.masks import MaskFile, fit_mask
from engine.scenes.photos.masked_photos import describe_mask_files, list_masks
from engine.scenes.photos.photo_set import gather_photos
from engine.scenes.photos.reader import read_photos
from engine.scenes.progress import ignore_progress
from tests.support.scenes.photos_on_disk import write_photos

WIDTH, HEIGHT = 504, 378
MASKED = 150  # columns at the left
FRAMES = [0, 4, 8, 12, 16]


def read(folder: Path) -> Scene:
    return read_photos(folder.resolve(), SceneOptions(), ignore_progress)


def mask(columns: int = MASKED) -> np.ndarray:
    pixels = np.full((HEIGHT, WIDTH), 255, dtype=np.uint8)
    pixels[:, :columns] = 0
    return pixels


def write_masks(folder: Path, photos: list[Path], ending: str = ".jpg.png") -> None:
    folder.mkdir(parents=True)
    for photo in photos:
        Image.fromarray(mask()).save(folder / f"{photo.stem}{ending}")


def check_masked(scene: Scene) -> None:
    """The left of the photos does not count, and no match lies there."""
    assert scene.masks is not None
    assert scene.masks.shape == scene.images.shape[:3]
    assert not scene.masks[:, :, :MASKED].any()
    assert scene.masks[:, :, MASKED:].all()
    assert scene.tracks is not None
    assert len(scene.tracks.pixels) > 50
    assert float(scene.tracks.pixels[:, 0].min()) > MASKED - 1.5


@pytest.mark.parametrize("images", ["", "images"])
def test_what_is_masked_has_no_features(tmp_path: Path, images: str) -> None:
    photos = write_photos(tmp_path / "desk" / images, FRAMES)
    write_masks(tmp_path / "desk" / "masks", photos)
    scene = load_scene(tmp_path / "desk")
    assert isinstance(scene, Scene)
    check_masked(scene)
    assert [note for note in scene.notes if "mask" in note] == [f"{len(FRAMES)} of {len(FRAMES)} photos have a mask."]


def test_another_mask_is_not_taken_for_the_one_in_the_cache(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "desk", FRAMES)
    whole = read(tmp_path / "desk")
    assert whole.tracks is not None
    assert float(whole.tracks.pixels[:, 0].min()) < MASKED / 2
    write_masks(tmp_path / "desk" / "masks", photos)
    check_masked(read(tmp_path / "desk"))


def test_transparent_photos_are_masked_by_their_alpha(tmp_path: Path) -> None:
    for photo in write_photos(tmp_path, FRAMES):
        pixels = np.dstack([np.asarray(Image.open(photo)), mask()])
        photo.unlink()
        Image.fromarray(pixels).save(photo.with_suffix(".png"))
    check_masked(read(tmp_path))


def test_a_hidden_photo_is_left_out_and_photos_without_a_mask_are_named(tmp_path: Path) -> None:
    photos = write_photos(tmp_path / "desk", FRAMES)
    write_masks(tmp_path / "desk" / "masks", photos[:4])
    Image.fromarray(mask(WIDTH)).save(tmp_path / "desk" / "masks" / "IMG_2.jpg.png")
    scene = read(tmp_path / "desk")
    assert [(left.name, left.reason) for left in scene.left_out] == [("IMG_2.jpg", "its mask hides all of it")]
    assert scene.names == ("IMG_1.jpg", "IMG_3.jpg", "IMG_4.jpg", "IMG_5.jpg")
    assert scene.masks is not None
    assert scene.masks[-1].all()
    assert any("1 of 5 photos have no mask, such as IMG_5.jpg" in note for note in scene.notes)


def test_masks_that_hide_everything_are_refused(tmp_path: Path) -> None:
    photos = write_photos(tmp_path, FRAMES)
    (tmp_path / "masks").mkdir()
    for photo in photos:
        Image.fromarray(mask(WIDTH)).save(tmp_path / "masks" / f"{photo.name}.png")
    with pytest.raises(UserError, match="all other masks hide everything"):
        read(tmp_path)


def test_masks_beside_a_folder_of_images_are_found_from_there(tmp_path: Path) -> None:
    files = write_photos(tmp_path / "images", range(3), width=64)
    write_masks(tmp_path / "masks", files, ".png")
    found = list_masks(tmp_path / "images", gather_photos(files, tmp_path, 10**6), 10**6)
    assert [one.file for one in found] == [tmp_path / "masks" / f"{file.stem}.png" for file in files]
    assert len(describe_mask_files(found)) == 3


def test_a_mask_of_the_photo_as_stored_is_turned_with_it(tmp_path: Path) -> None:
    """The photo is stored lying on its side, as phones do; its mask was drawn on the stored pixels."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    photo = tmp_path / "a.jpg"
    Image.new("RGB", (40, 30)).save(photo, exif=exif)
    stored = np.zeros((30, 40), dtype=bool)
    stored[:, :10] = True
    upright = fit_mask(stored, (30, 40), MaskFile(photo, photo))
    assert upright.shape == (40, 30)
    assert upright[:10].all()
    assert not upright[10:].any()
    assert torch.from_numpy(upright).sum() == stored.sum()
