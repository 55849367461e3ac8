"""`l2g-sfm`: from photos to a COLMAP model that can be trained on; and errors as sentences."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.scenes import load_scene
from engine.scenes.scene import Scene
from tests.support.in_process import Command, commands, is_one_sentence
from tests.support.scenes.photos_on_disk import write_photos


@pytest.fixture
def sfm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    return partial(commands(tmp_path, monkeypatch, capsys), "l2g-sfm")


@pytest.mark.slow
def test_a_folder_of_photos_becomes_a_scene_in_place_and_is_not_overwritten(sfm: Command, tmp_path: Path) -> None:
    files = write_photos(tmp_path / "desk", range(0, 20, 4), width=320)
    left = sfm("desk", "--output", "desk")
    assert left.code == 0, left.errors
    for word in ("SIFT features: 5/5", "geometric verification", "mapping: 5/5", "5 photos registered"):
        assert word in left.output
    assert {entry.name for entry in (tmp_path / "desk").iterdir()} >= {file.name for file in files}
    assert not (tmp_path / "desk" / "images").exists()
    assert not list((tmp_path / "desk").glob(".l2g-sfm*"))
    scene = load_scene(tmp_path / "desk")
    assert isinstance(scene, Scene)
    assert scene.names == tuple(file.name for file in files)
    assert scene.reference_poses is not None
    before = (tmp_path / "desk" / "sparse" / "0" / "images.bin").read_bytes()
    is_one_sentence(sfm("desk", "--output", "desk"), "holds database.db already", "--force")
    assert (tmp_path / "desk" / "sparse" / "0" / "images.bin").read_bytes() == before


@pytest.mark.slow
def test_photos_that_colmap_cannot_read_as_they_are_get_copies(sfm: Command, tmp_path: Path) -> None:
    files = write_photos(tmp_path / "desk", range(0, 20, 4), width=320)
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.open(files[1]).rotate(180).save(files[1], quality=97, exif=exif)
    left = sfm("desk", "--output", "model", "--no-mesh")
    assert left.code == 0, left.errors
    copies = sorted((tmp_path / "model" / "images").iterdir())
    assert [copy.name for copy in copies] == [file.name for file in files]
    turned, stored = (np.asarray(Image.open(file), dtype=float) for file in (copies[1], files[1]))
    assert np.abs(turned - stored[::-1, ::-1]).mean() < 3
    assert copies[0].read_bytes() == files[0].read_bytes()
    assert not (tmp_path / "model" / "mesh.ply").exists()
    scene = load_scene(tmp_path / "model")
    assert isinstance(scene, Scene)
    assert len(scene.names) == 5
    again = sfm("desk", "--output", "model", "--no-mesh", "--force", "--frames", "4")
    assert again.code == 0, again.errors
    assert len(load_scene(tmp_path / "model").names) == 4


def test_a_failed_pipeline_leaves_the_earlier_model(sfm: Command, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "noise").mkdir()
    for number in range(3):
        noise = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((256, 192)).save(tmp_path / "noise" / f"{number}.png")
    (tmp_path / "noise" / "database.db").write_text("an earlier database")
    is_one_sentence(sfm("noise", "--output", "noise", "--force"), "take photos that overlap")
    assert (tmp_path / "noise" / "database.db").read_text() == "an earlier database"
    assert {entry.name for entry in (tmp_path / "noise").iterdir()} == {"0.png", "1.png", "2.png", "database.db"}


def test_bad_input(sfm: Command, tmp_path: Path) -> None:
    is_one_sentence(sfm("nowhere", "--output", "x"), "There is no folder nowhere")
    (tmp_path / "empty").mkdir()
    is_one_sentence(sfm("empty", "--output", "x"), "has no photos")
    files = write_photos(tmp_path / "two", [0, 1], width=160)
    is_one_sentence(sfm("two", "--output", "x"), "has 2 photos", "at least 3")
    for broken in write_photos(tmp_path / "bad", range(4), width=160)[1:]:
        broken.write_text("my notes")
    is_one_sentence(sfm("bad", "--output", "x"), "IMG_2.jpg is not an image")
    (tmp_path / "film.mp4").write_bytes(b"no film" * 50)
    is_one_sentence(sfm("film.mp4", "--output", "x"), "film.mp4 has no frames")
    is_one_sentence(sfm("two", "--output", files[0]), "is a file")
    is_one_sentence(sfm("two", "--output", "x", "--frames", "1"), "--frames is 1")
    is_one_sentence(sfm("two", "--output", "x", "--longer-side", "3"), "--longer-side is 3")
