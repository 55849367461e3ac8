"""Focal lengths from EXIF data."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine.scenes.photos.exif import FILM_DIAGONAL, convert_focal_to_pixels, read_equivalent_focal, read_photo_facts

MODEL, ORIENTATION, EXIF = 0x0110, 0x0112, 0x8769
FOCAL, FOCAL_35, WIDTH, RESOLUTION, UNIT = 0x920A, 0xA405, 0xA002, 0xA20E, 0xA210


def write(path: Path, size: tuple[int, int] = (40, 30), orientation: int | None = None, **tags: float) -> Path:
    exif = Image.Exif()
    if orientation is not None:
        exif[ORIENTATION] = orientation
    exif.get_ifd(EXIF).update({int(key[1:], 16): value for key, value in tags.items()})
    Image.new("RGB", size).save(path, exif=exif)
    return path


def test_the_equivalent_is_read_and_becomes_pixels_along_the_diagonal(tmp_path: Path) -> None:
    facts = read_photo_facts(write(tmp_path / "a.jpg", xA405=26), 10**6)
    assert facts.size == (40, 30)
    assert facts.equivalent == 26
    assert convert_focal_to_pixels(26, 4000, 3000) == pytest.approx(26 / math.hypot(36, 24) * 5000)


@pytest.mark.parametrize(("orientation", "size"), [(1, (40, 30)), (3, (40, 30)), (6, (30, 40)), (8, (30, 40))])
def test_the_size_is_that_of_the_upright_photo(tmp_path: Path, orientation: int, size: tuple[int, int]) -> None:
    assert read_photo_facts(write(tmp_path / "a.jpg", orientation=orientation), 10**6).size == size


def test_the_sensor_tells_where_the_equivalent_is_missing() -> None:
    # 36 mm of sensor in 6000 pixels: a 35 mm camera, whose equivalent is its focal length
    tags = {FOCAL: 50.0, RESOLUTION: 6000 / 3.6, UNIT: 3, WIDTH: 6000}
    assert read_equivalent_focal(tags, 6000, 4000) == pytest.approx(50, rel=1e-6)
    assert read_equivalent_focal(tags, 1500, 1000) == pytest.approx(50, rel=1e-6)  # shrunk afterwards
    inches = tags | {RESOLUTION: 6000 / 36 * 25.4, UNIT: 2}
    assert read_equivalent_focal(inches, 6000, 4000) == pytest.approx(50, rel=1e-6)


@given(
    st.dictionaries(st.sampled_from([FOCAL, FOCAL_35, WIDTH, RESOLUTION, UNIT]), st.none() | st.floats() | st.text())
)
def test_nonsense_is_no_focal_length(tags: dict[int, object]) -> None:
    found = read_equivalent_focal(tags, 4000, 3000)
    assert found is None or 8 <= found <= 400


def test_the_film_has_its_diagonal() -> None:
    assert pytest.approx(43.27, abs=0.01) == FILM_DIAGONAL
