"""Photos are upright and belong to the cameras that took them, whatever the files hold."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from engine.scenes.formats.resolution import choose_reductions
from engine.scenes.photos.files import find_photo_folder, list_photos
from engine.scenes.photos.lenses import make_intrinsics
from engine.scenes.photos.photo_set import decode_photos, gather_photos, is_usable_as_stored, read_pixels, write_copies
from engine.scenes.photos.unusable_photos import are_panoramas, find_unusable
from engine.scenes.progress import ignore_progress
from engine.sfm.lens import Lens
from engine.sfm.quick.lenses.own_lenses import PhotoLenses

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
    assert shots.sizes[0] == expected.shape[1::-1]
    np.testing.assert_array_equal(read_pixels(shots.photos[0], BOUND), expected)
    assert is_usable_as_stored(shots.photos[0], BOUND) == (orientation == 1)
    (name, *_) = write_copies(shots, tmp_path / "copies", BOUND, ignore_progress)
    copy = np.asarray(Image.open(tmp_path / "copies" / name))
    assert np.abs(copy.astype(float) - expected).mean() < 3


@pytest.mark.parametrize(("name", "kind"), [("p2.heic", "HEIF"), ("p2.jpg", "HEIF"), ("p2.avif", "AVIF")])
def test_heic_and_avif_photos_are_read_whatever_their_ending(tmp_path: Path, name: str, kind: str) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    folder_of(tmp_path, 2)
    save(tmp_path / name, format=kind, quality=95)
    shots = gather_photos(list_photos(tmp_path), tmp_path, BOUND)
    found = read_pixels(shots.photos[2], BOUND)
    assert np.abs(found.astype(float) - PICTURE).mean() < 12
    assert not is_usable_as_stored(shots.photos[2], BOUND)


def write_with_exif(path: Path, size: tuple[int, int], model: str = "", equivalent: int | None = None) -> None:
    exif = Image.Exif()
    if model:
        exif[0x0110] = model
    if equivalent is not None:
        exif.get_ifd(0x8769)[0xA405] = equivalent
    Image.new("RGB", size).save(path, exif=exif)


def test_photos_are_grouped_by_the_cameras_that_took_them(tmp_path: Path) -> None:
    phone = [(80, 60), (60, 80), (80, 60), (40, 30)]  # held both ways, and a smaller copy
    for number, size in enumerate(phone):
        write_with_exif(tmp_path / f"a{number}.jpg", size, "phone", 26)
    write_with_exif(tmp_path / "b0.jpg", (80, 60), "phone", 52)  # zoomed in
    write_with_exif(tmp_path / "b1.jpg", (90, 60), "camera", 26)
    write_with_exif(tmp_path / "c0.jpg", (80, 60))  # its header was lost
    write_with_exif(tmp_path / "c1.jpg", (70, 30))
    shots = gather_photos(list_photos(tmp_path), tmp_path, BOUND)
    assert shots.camera_of == (0, 0, 0, 0, 1, 2, 0, 3)
    assert [camera.size for camera in shots.cameras] == [(80, 60), (80, 60), (90, 60), (70, 30)]
    assert [camera.equivalent for camera in shots.cameras] == [26, 52, 26, None]
    assert len(shots.photos) == 8  # none is left out
    assert "4 cameras or zooms" in shots.notes[0]


def test_all_photos_are_decoded_at_their_own_size_with_copies_of_one_size_for_each_camera(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    save(tmp_path / "b.png", np.rot90(PICTURE).copy())
    save(tmp_path / "c.png", PICTURE[:, ::2].copy())
    shots = gather_photos(list_photos(tmp_path), tmp_path, BOUND)
    reductions = choose_reductions(shots.sizes, 2)
    decoded = decode_photos(shots, reductions, BOUND, ignore_progress)
    assert [image.shape for image in decoded.images] == [(30, 40, 3), (40, 30, 3), (30, 20, 3)]
    assert [copy.shape for copy in decoded.copies] == [(60, 80), (80, 60), (60, 40)]
    np.testing.assert_array_equal(decoded.images[1], np.rot90(decoded.images[0]))


def test_photos_of_the_night_are_not_black() -> None:
    random = np.random.default_rng(4)

    def take(place: int) -> np.ndarray:
        shown = np.kron(np.random.default_rng(5).uniform(2, 14, (6, 20)), np.ones((40, 40)))[:, place : place + 320]
        noisy = shown[..., None] + random.normal(0, 3, (240, 320, 3))
        return np.clip(noisy, 0, 255).round().astype(np.uint8)

    covered = np.clip(random.normal(2, 3, (240, 320, 3)), 0, 255).round().astype(np.uint8)
    assert find_unusable([take(0), take(60), covered, take(60), take(160)]) == {2: "black", 3: 1}


def test_black_blank_and_repeated_photos_are_told_apart_from_neighbours() -> None:
    rng = np.random.default_rng(2)
    scene = rng.integers(0, 256, (60, 80, 3), dtype=np.uint8).repeat(4, 0).repeat(4, 1)
    again = np.clip(scene.astype(int) + rng.integers(-3, 4, scene.shape), 0, 255).astype(np.uint8)
    moved = np.roll(scene, 2, axis=1)
    images = [scene, np.full_like(scene, 5), moved, again, np.full_like(scene, 200)]
    assert find_unusable(images) == {1: "black", 3: 0, 4: "blank"}


def test_cropped_photos_have_lenses_of_their_own_in_their_pictures(tmp_path: Path) -> None:
    photos = gather_photos(list_photos(folder_of(tmp_path)), tmp_path, BOUND)
    own = PhotoLenses(
        np.array([70.0, 72.0, np.nan]),
        np.array([0.1, 0.0, np.nan]),
        np.array([[30.0, 36], [44, 20], [np.nan] * 2]),
        True,
        True,
    )
    reductions = choose_reductions(photos.sizes, 2)
    intrinsics = make_intrinsics(photos, reductions, [Lens(80.0, 0.0, np.eye(2))], own)
    np.testing.assert_allclose(intrinsics.focal, [[35, 35], [36, 36], [40, 40]])
    np.testing.assert_allclose(intrinsics.centre, [[15, 18], [22, 10], [20, 15]])
    np.testing.assert_allclose(intrinsics.distortion[:, 0], [0.1, 0, 0], atol=1e-7)


def test_panoramas_are_told_from_wide_photos() -> None:
    random = np.random.default_rng(2)

    def paint(width: int) -> np.ndarray:
        cells = Image.fromarray(random.integers(0, 256, (25, width // 4, 3), dtype=np.uint8))
        return np.asarray(cells.resize((width, 100), Image.Resampling.BICUBIC))

    wide = [paint(200) for _ in range(4)]
    halves = [paint(100) for _ in range(4)]
    panoramas = [np.concatenate([half, half[:, ::-1]], axis=1) for half in halves]  # both borders show the same
    assert are_panoramas(panoramas)
    assert not are_panoramas(wide)
    assert not are_panoramas([image[:, :150] for image in panoramas])
    barred = [image.copy() for image in wide]
    for image in barred:
        image[:12] = image[-12:] = 0
    assert not are_panoramas(barred)
    assert not are_panoramas([np.full((100, 200, 3), 255, dtype=np.uint8)] * 4)
