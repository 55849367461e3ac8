"""A set of photos has one shape and size and is upright, whatever the files hold."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import UserError
from engine.scenes.photos.files import find_photo_folder, list_photos
from engine.scenes.photos.photo_set import gather_photos, is_usable_as_stored, read_pixels, write_copies
from engine.scenes.photos.unusable_photos import find_unusable
from engine.scenes.progress import ignore_progress

BOUND = 10**7
PICTURE = np.random.default_rng(1).integers(0, 256, (6, 8, 3), dtype=np.uint8).repeat(10, 0).repeat(10, 1)


def save(path: Path, picture: np.ndarray = PICTURE, **words: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path, **words)
    return path


def folder_of(tmp_path: Path, count: int = 3) -> Path:
    for number in range(count):
        save(tmp_path / f"p{number}.png")
    return tmp_path


def test_photos_come_in_natural_order_and_other_files_are_passed_over(tmp_path: Path) -> None:
    for name in ("IMG_10.jpg", "IMG_9.JPG", "IMG_1.jpeg", ".hidden.jpg", "notes.txt"):
        save(tmp_path / name) if name.lower().endswith(("jpg", "jpeg")) else (tmp_path / name).write_text("x")
    assert [file.name for file in list_photos(tmp_path)] == ["IMG_1.jpeg", "IMG_9.JPG", "IMG_10.jpg"]
    assert find_photo_folder(tmp_path) == tmp_path
    (tmp_path / "b" / "images").mkdir(parents=True)
    save(tmp_path / "b" / "images" / "x.jpg")
    assert find_photo_folder(tmp_path / "b") == tmp_path / "b" / "images"


@pytest.mark.parametrize(
    ("orientation", "as_seen"),
    [(1, lambda p: p), (3, lambda p: p[::-1, ::-1]), (6, lambda p: np.rot90(p, -1)), (8, lambda p: np.rot90(p))],
)
def test_photos_stand_upright(tmp_path: Path, orientation: int, as_seen) -> None:  # type: ignore[no-untyped-def]
    exif = Image.Exif()
    exif[0x0112] = orientation
    for number in range(3):
        save(tmp_path / f"{number}.png", exif=exif)
    shots = gather_photos(list_photos(tmp_path), tmp_path, BOUND)
    expected = as_seen(PICTURE)
    assert shots.size == expected.shape[1::-1]
    np.testing.assert_array_equal(read_pixels(shots.photos[0], shots.size, BOUND), expected)
    assert is_usable_as_stored(shots.photos[0], shots.size, BOUND) == (orientation == 1)
    (name, *_) = write_copies(shots, tmp_path / "copies", BOUND, ignore_progress)
    copy = np.asarray(Image.open(tmp_path / "copies" / name))
    assert np.abs(copy.astype(float) - expected).mean() < 3


def test_heic_photos_are_read(tmp_path: Path) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    folder_of(tmp_path, 2)
    save(tmp_path / "p2.heic", quality=95)
    shots = gather_photos(list_photos(tmp_path), tmp_path, BOUND)
    found = read_pixels(shots.photos[2], shots.size, BOUND)
    assert np.abs(found.astype(float) - PICTURE).mean() < 12
    assert not is_usable_as_stored(shots.photos[2], shots.size, BOUND)


def test_another_size_is_resampled_and_another_shape_left_out_and_both_are_said(tmp_path: Path) -> None:
    folder_of(tmp_path)
    save(tmp_path / "small.png", PICTURE[::2, ::2])
    save(tmp_path / "tall.png", np.rot90(PICTURE).copy())
    shots = gather_photos(list_photos(tmp_path), tmp_path, BOUND)
    assert shots.size == (80, 60)
    assert [photo.name for photo in shots.left_out] == ["tall.png"]
    assert "60 x 80" in shots.left_out[0].reason
    assert len(shots.notes) == 1
    assert "small.png (40 x 30), is resampled" in shots.notes[0]
    small = next(shot for shot in shots.photos if shot.name == "small.png")
    assert read_pixels(small, shots.size, BOUND).shape == (60, 80, 3)


def test_all_of_different_shapes_is_a_mistake(tmp_path: Path) -> None:
    for number, crop in enumerate((60, 40, 20)):
        save(tmp_path / f"{number}.png", PICTURE[:crop])
    with pytest.raises(UserError, match="mixes photos of different shapes"):
        gather_photos(list_photos(tmp_path), tmp_path, BOUND)


def test_black_blank_and_repeated_photos_are_told_apart_from_neighbours() -> None:
    rng = np.random.default_rng(2)
    scene = rng.integers(0, 256, (60, 80, 3), dtype=np.uint8).repeat(4, 0).repeat(4, 1)
    again = np.clip(scene.astype(int) + rng.integers(-3, 4, scene.shape), 0, 255).astype(np.uint8)
    moved = np.roll(scene, 2, axis=1)
    images = np.stack([scene, np.full_like(scene, 5), moved, again, np.full_like(scene, 200)])
    assert find_unusable(images) == {1: "black", 3: 0, 4: "blank"}
