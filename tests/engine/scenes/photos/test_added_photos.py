"""Photos to be added to a scene are read like its own, or refused in one sentence that names the file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from engine.scenes import SceneOptions, load_scene
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
    assert torch.equal(added.images[0], whole.images[LEFT_OUT])


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
        ("tall.png", "another shape"),
        ("little.png", "fewer than the run uses"),
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


def test_copies_are_kept_as_they_are_or_brought_to_the_size_of_the_others(scene: Scene, tmp_path: Path) -> None:
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
    with Image.open(added.files[0]) as copy, Image.open(photo) as original:
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


def test_reading_can_be_given_up(scene: Scene) -> None:
    assert read_added_photos(fern_photos(), scene, OPTIONS, stopped=lambda: True) == AddedPhotos(None, ())
