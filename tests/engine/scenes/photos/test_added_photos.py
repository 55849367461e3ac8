"""Photos to be added to a scene are read like its own, or refused in one sentence that names the file."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.scenes import SceneOptions, load_scene
from engine.scenes.added_frames import add_frames
from engine.scenes.photos.added_photos import AddedPhotos, find_nearest_frame, read_added_photos
from engine.scenes.scene import Scene
from tests.support.scenes.photos_on_disk import FERN, fern_photos, turn_over, write_black, write_photos
from tests.support.scenes.smaller_scene import without

OPTIONS = SceneOptions(downscale=8)
LEFT_OUT = 4


@pytest.fixture(scope="module")
def whole() -> Scene:
    scene = load_scene(FERN.parent, OPTIONS)
    assert isinstance(scene, Scene)
    return scene


@pytest.fixture(scope="module")
def scene(whole: Scene) -> Scene:
    return without(whole, [LEFT_OUT])


def read(scene: Scene, *paths: Path, folder: Path | None = None) -> AddedPhotos:
    return read_added_photos(paths, scene, OPTIONS, folder)


def one_refusal(result: AddedPhotos) -> str:
    assert result.added is None
    assert len(result.refused) == 1
    assert "\n" not in result.refused[0]
    return result.refused[0]


def test_a_photo_of_the_scene_is_read_as_the_scene_itself_would_have_read_it(whole: Scene, scene: Scene) -> None:
    result = read(scene, fern_photos()[LEFT_OUT])
    assert result.refused == ()
    assert result.added is not None
    assert result.added.names == (whole.names[LEFT_OUT],)
    assert torch.equal(result.added.images[0], whole.images[LEFT_OUT])
    assert result.added.nearest[0] in scene.training_frames


def test_the_nearest_picture_is_one_of_a_camera_close_by(whole: Scene) -> None:
    assert whole.reference_poses is not None
    centres = -(whole.reference_poses[..., :3].mT @ whole.reference_poses[..., 3:])[..., 0]
    apart = torch.cdist(centres, centres)
    for frame in (2, 8, 15):
        smaller = without(whole, [frame])
        nearest = find_nearest_frame(whole.images[frame].numpy(), smaller)
        other = whole.names.index(smaller.names[nearest])
        assert apart[frame, other] <= apart[frame].sort().values[8]


def test_a_folder_gives_all_its_photos_once(scene: Scene, tmp_path: Path) -> None:
    files = write_photos(tmp_path / "more", [LEFT_OUT])
    result = read(scene, tmp_path / "more", files[0])
    assert result.added is not None
    assert result.added.names == ("IMG_1.jpg",)
    assert result.refused == ()


def test_a_photo_turned_by_exif_is_seen_upright(scene: Scene, whole: Scene, tmp_path: Path) -> None:
    image = Image.open(fern_photos()[LEFT_OUT])
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    image.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    added = read(scene, tmp_path / "turned.png").added
    assert added is not None
    difference = (added.images[0].float() - whole.images[LEFT_OUT].float()).abs().mean()
    assert difference < 1  # the scene's JPEGs are decoded small, PNGs are not


def test_a_smaller_copy_of_a_photo_is_scaled_to_the_same_view(scene: Scene, whole: Scene, tmp_path: Path) -> None:
    image = Image.open(fern_photos()[LEFT_OUT])
    image.resize((image.width * 3 // 4, image.height * 3 // 4), Image.Resampling.BOX).save(tmp_path / "small.png")
    added = read(scene, tmp_path / "small.png").added
    assert added is not None
    difference = (added.images[0].float() - whole.images[LEFT_OUT].float()).abs().mean()
    assert difference < 4


def test_what_is_there_already_is_told_by_its_name(scene: Scene) -> None:
    assert f"is in the run already, as {scene.names[0]}" in one_refusal(read(scene, fern_photos()[0]))


def test_two_of_one_kind_come_in_once(scene: Scene, tmp_path: Path) -> None:
    files = write_photos(tmp_path, [LEFT_OUT, LEFT_OUT])
    result = read(scene, *files)
    assert result.added is not None
    assert result.added.names == ("IMG_1.jpg",)
    assert "repeats IMG_1.jpg" in result.refused[0]


def test_another_photo_of_a_name_that_is_taken_gets_a_number(scene: Scene, tmp_path: Path) -> None:
    photo = tmp_path / scene.names[0]
    photo.write_bytes(fern_photos()[LEFT_OUT].read_bytes())
    added = read(scene, photo).added
    assert added is not None
    assert added.names == (f"{photo.stem}-2{photo.suffix}",)


def test_bad_files_are_refused_in_a_sentence_each(scene: Scene, tmp_path: Path) -> None:
    text, cut, empty, black = (tmp_path / name for name in ("text.jpg", "cut.jpg", "empty.jpg", "black.jpg"))
    text.write_text("no photo")
    cut.write_bytes(fern_photos()[LEFT_OUT].read_bytes()[:4000])
    empty.touch()
    write_black(black, fern_photos()[0])
    Image.new("RGB", (300, 900), (90, 80, 70)).save(tmp_path / "tall.png")
    Image.new("RGB", (24, 18), (90, 80, 70)).save(tmp_path / "little.png")
    (tmp_path / "notes.txt").write_text("no photo")
    for name, words in (
        ("text.jpg", "not an image"),
        ("cut.jpg", "damaged"),
        ("empty.jpg", "empty"),
        ("black.jpg", "black"),
        ("tall.png", "blank"),
        ("little.png", "blank"),
        ("notes.txt", "no photo"),
        ("missing.jpg", "no photo"),
    ):
        sentence = one_refusal(read(scene, tmp_path / name))
        assert name in sentence
        assert words in sentence


def test_a_photo_larger_than_the_bound_is_not_decoded(scene: Scene) -> None:
    tight = replace(OPTIONS, maximum_pixels=1000)
    assert "1,000" in one_refusal(read_added_photos([fern_photos()[LEFT_OUT]], scene, tight))


def test_a_bad_photo_does_not_keep_a_good_one_out(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no photo")
    result = read(scene, tmp_path / "text.jpg", fern_photos()[LEFT_OUT])
    assert result.added is not None
    assert len(result.refused) == 1


def test_copies_are_kept_as_they_are_or_written_upright(scene: Scene, tmp_path: Path) -> None:
    photo, kept = fern_photos()[LEFT_OUT], tmp_path / "kept"
    added = read(scene, photo, folder=kept).added
    assert added is not None
    assert added.files == (kept / photo.name,)
    assert (kept / photo.name).read_bytes() == photo.read_bytes()
    shrunk = write_photos(tmp_path, [LEFT_OUT], width=400)[0]
    turn_over(shrunk)
    added = read(scene, shrunk, folder=kept).added
    assert added is not None
    assert added.files[0] is not None
    with Image.open(added.files[0]) as copy, Image.open(shrunk) as original:
        assert copy.size == original.size
    assert sorted(file.name for file in kept.iterdir()) == sorted([photo.name, "IMG_1.jpg"])


def test_a_focal_length_that_exif_tells_otherwise_is_told(scene: Scene, tmp_path: Path) -> None:
    image = Image.open(fern_photos()[LEFT_OUT])
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 100  # mm, 35 mm equivalent
    image.save(tmp_path / "tele.jpg", exif=exif, quality=95)
    result = read(scene, tmp_path / "tele.jpg")
    assert result.added is not None
    assert len(result.notes) == 1
    assert "tele.jpg" in result.notes[0]


def test_transparent_pixels_are_put_on_the_scenes_background(scene: Scene, tmp_path: Path) -> None:
    pixels = np.zeros((378, 504, 4), np.uint8)
    pixels[:, :250] = (200, 40, 90, 255)
    Image.fromarray(pixels).save(tmp_path / "cut out.png")
    added = read(replace(scene, background=(1.0, 1.0, 1.0)), tmp_path / "cut out.png").added
    assert added is not None
    assert (added.images[0, :, -5:] == 255).all()


def test_a_photo_brings_its_mask(scene: Scene, tmp_path: Path) -> None:
    shutil.copy(fern_photos()[LEFT_OUT], tmp_path / "new.jpg")
    with Image.open(tmp_path / "new.jpg") as photo:
        width, height = photo.size
    counts = np.zeros((height, width), np.uint8)
    counts[:, : width // 2] = 255
    (tmp_path / "masks").mkdir()
    Image.fromarray(counts).save(tmp_path / "masks" / "new.jpg.png")
    shown = read(scene, tmp_path / "new.jpg").added
    assert shown is not None
    assert shown.masks is not None
    half = shown.images.shape[2] // 2
    assert shown.masks[0, :, : half - 1].all()
    assert not shown.masks[0, :, half + 1 :].any()
    assert add_frames(scene, shown).mask(len(scene.names)) is not None


def test_transparent_pixels_do_not_count_unless_before_a_background(scene: Scene, tmp_path: Path) -> None:
    pixels = np.zeros((378, 504, 4), np.uint8)
    pixels[:, :250] = (200, 40, 90, 255)
    Image.fromarray(pixels).save(tmp_path / "cut out.png")
    masked = read(replace(scene, background=None), tmp_path / "cut out.png").added
    assert masked is not None
    assert masked.masks is not None
    assert not masked.masks[0, :, -5:].any()
    before = read(replace(scene, background=(1.0, 1.0, 1.0)), tmp_path / "cut out.png").added
    assert before is not None
    assert before.masks is None


@pytest.mark.parametrize("mask", [b"no image", None])
def test_a_photo_whose_mask_is_of_no_use_is_refused(scene: Scene, tmp_path: Path, mask: bytes | None) -> None:
    shutil.copy(fern_photos()[LEFT_OUT], tmp_path / "new.jpg")
    (tmp_path / "masks").mkdir()
    file = tmp_path / "masks" / "new.png"
    with Image.open(tmp_path / "new.jpg") as photo:
        Image.new("L", photo.size).save(file)
    if mask is not None:
        file.write_bytes(mask)
    assert str(file) in one_refusal(read(scene, tmp_path / "new.jpg"))


def test_reading_can_be_given_up(scene: Scene) -> None:
    assert read_added_photos(fern_photos(), scene, OPTIONS, stopped=lambda: True) == AddedPhotos(None, ())


def test_a_photo_that_was_held_the_other_way_has_the_lens_of_its_camera(scene: Scene, tmp_path: Path) -> None:
    Image.open(fern_photos()[LEFT_OUT]).transpose(Image.Transpose.ROTATE_90).save(tmp_path / "tall.png")
    result = read(scene, tmp_path / "tall.png")
    assert result.refused == ()
    assert result.added is not None
    own = result.added.intrinsics
    assert own is not None
    width, height = scene.intrinsics.width, scene.intrinsics.height
    assert own.own_size(0) == (height, width)
    torch.testing.assert_close(own.focal[0], scene.intrinsics.focal[0].flip(0))
    assert int(own.camera_numbers[0]) == 0
    grown = add_frames(scene, result.added)
    assert grown.images.shape[1:3] == (width, width)
    assert tuple(grown.picture(0).shape) == (height, width, 3)
    assert torch.equal(grown.picture(0), scene.images[0])
    assert torch.equal(grown.picture(len(scene.names)), result.added.images[0])
    assert grown.masks is not None
    assert int(grown.masks[-1].sum()) == width * height


def test_a_photo_of_another_camera_has_a_lens_of_its_own(scene: Scene, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 36  # mm, 35 mm equivalent
    image = Image.open(fern_photos()[LEFT_OUT])
    image.crop((0, 0, image.width, image.height // 2)).save(tmp_path / "wide.jpg", exif=exif, quality=95)
    result = read(scene, tmp_path / "wide.jpg")
    assert result.added is not None
    own = result.added.intrinsics
    assert own is not None
    width, height = own.own_size(0)
    focal = 36 / np.hypot(36, 24) * np.hypot(width, height)
    torch.testing.assert_close(own.focal[0], torch.full((2,), float(focal)), rtol=1e-3, atol=0)
    assert "wide.jpg is of another camera" in result.notes[0]
    grown = add_frames(replace(scene, lens_covariance=torch.eye(2)[None] * 1e-4), result.added)
    assert grown.intrinsics.cameras_count == 2
    assert grown.lens_covariance is not None
    assert len(grown.lens_covariance) == 2
    twice = add_frames(scene, result.added)
    assert twice.added is not None
    assert twice.added.intrinsics is own
