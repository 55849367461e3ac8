"""Films and pictures on disk: whole or not there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import imageio.v2 as imageio
import numpy as np
import pytest
from PIL import Image

from app.model.common.pictures import NovelPicture
from app.model.novel.film import Caption
from app.render.recording import Recording, count_pictures, save_png
from app.render.renderer import Renderer
from engine.errors import UserError
from engine.geometry.camera_path import interpolate_cameras
from tests.support.worlds import fields


@pytest.fixture
def renderer() -> Iterator[Renderer]:
    made = Renderer()
    made.start()
    made.set_volume(fields.volume_of(fields.grid(fields.BOX)))
    yield made
    made.close()


def pictures(count: int) -> list[NovelPicture]:
    keys = [fields.camera((65, 49)), fields.camera((65, 49), turn=-0.2, step=(0.5, 0.1, 0.4))]
    return [NovelPicture(camera) for camera in interpolate_cameras(keys, count)]


def test_a_film_has_every_picture(renderer: Renderer, tmp_path: Path) -> None:
    recording = Recording(renderer, pictures(8), tmp_path / "film.mp4")
    recording.join(120)
    assert recording.finished
    assert recording.error is None
    assert recording.progress == 1
    shown = list(imageio.get_reader(recording.output).iter_data())
    assert len(shown) == 8
    assert shown[0].shape == (48, 64, 3)
    engine = fields.seen_by_engine(fields.grid(fields.BOX), fields.camera((65, 49))).colour.numpy()[:48, :64]
    assert np.abs(shown[0] / 255 - engine).mean() < 0.05
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


def test_captions_stand_in_the_upper_corners(renderer: Renderer, tmp_path: Path) -> None:
    names = (Caption("l2g", "#ff0000", 0.0), Caption("barf", "#00ff00", None))
    films = [Recording(renderer, pictures(2), tmp_path / f"{len(captions)}.mp4", captions) for captions in ((), names)]
    for film in films:
        film.join(120)
        assert film.error is None
    plain, named = (next(imageio.get_reader(film.output).iter_data()).astype(int) for film in films)
    changed = np.abs(named - plain).max(axis=-1) > 60
    assert changed[:24, :32].any()
    assert changed[:24, 32:].any()
    assert not changed[28:].any()


def test_a_stopped_film_leaves_no_file(renderer: Renderer, tmp_path: Path) -> None:
    recording = Recording(renderer, pictures(500), tmp_path / "film.mp4")
    recording.stop()
    assert recording.finished
    assert recording.error is None
    assert recording.done < 500
    assert not list(tmp_path.iterdir())


def test_a_path_that_cannot_be_written_is_an_error(renderer: Renderer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    recording = Recording(renderer, pictures(2), tmp_path / "file" / "film.mp4")
    recording.join(60)
    assert recording.finished
    assert recording.error is not None
    assert "film.mp4" in recording.error


def test_a_picture_is_saved_upright(tmp_path: Path) -> None:
    pixels = np.zeros((4, 6, 4), np.float32)
    pixels[0] = [1.0, 0.5, 2.0, 1.0]
    save_png(pixels, tmp_path / "view.png")
    saved = np.asarray(Image.open(tmp_path / "view.png"))
    assert saved.shape == (4, 6, 3)
    assert saved[0, 0].tolist() == [255, 128, 255]
    assert saved[1:].max() == 0
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"view\.png"):
        save_png(pixels, tmp_path / "file" / "view.png")


def test_the_number_of_pictures_follows_from_the_seconds() -> None:
    assert count_pictures(2.0) == 60
    assert count_pictures(0.0) == 1
