"""COLMAP's binary and text files: what pycolmap writes, what other programs write, and damaged ones."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pycolmap
import pytest

from engine.errors import UserError
from engine.scenes.formats.colmap_model import binary, text
from engine.scenes.formats.colmap_model.contents import CAMERA_MODELS

READERS = {"cameras": binary.read_cameras, "images": binary.read_images, "points3D": binary.read_points}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with rigs of several cameras, 2D points and tracks, binary and text."""
    options = pycolmap.SyntheticDatasetOptions()
    options.num_rigs, options.num_cameras_per_rig, options.num_frames_per_rig, options.num_points3D = 2, 3, 4, 20
    folder = tmp_path_factory.mktemp("model")
    reconstruction = pycolmap.synthesize_dataset(options)
    reconstruction.write_binary(str(folder))
    reconstruction.write_text(str(folder))
    return folder


@pytest.mark.parametrize("files", [binary, text])
def test_what_pycolmap_writes_is_read_as_pycolmap_reads_it(model: Path, files) -> None:
    ending = ".bin" if files is binary else ".txt"
    known = pycolmap.Reconstruction()
    known.read_binary(str(model))
    cameras, images = files.read_cameras(model / f"cameras{ending}"), files.read_images(model / f"images{ending}")
    assert {number: camera.model for number, camera in cameras.items()} == {
        number: camera.model.name for number, camera in known.cameras.items()
    }
    for number, camera in cameras.items():
        assert (camera.width, camera.height) == (known.cameras[number].width, known.cameras[number].height)
        assert camera.parameters == pytest.approx(known.cameras[number].params)
    by_name = {image.name: image for image in known.images.values()}
    assert len(images) == len(by_name) == 24
    for image in images:
        assert image.camera == by_name[image.name].camera_id
        assert image.find_pose().numpy() == pytest.approx(by_name[image.name].cam_from_world().matrix(), abs=1e-9)
    points = files.read_points(model / f"points3D{ending}")
    expected = np.array([point.xyz for point in known.points3D.values()])
    order, expected_order = np.lexsort(points.T), np.lexsort(expected.T)
    np.testing.assert_allclose(points[order], expected[expected_order], atol=1e-9)


def test_all_camera_models_of_pycolmap_are_known() -> None:
    for number, (name, count) in CAMERA_MODELS.items():
        camera = pycolmap.Camera.create_from_model_name(1, name, 1.0, 10, 10)
        assert (int(camera.model), len(camera.params)) == (number, count)
    members = {int(member) for member in pycolmap.CameraModelId.__members__.values()}
    assert members - set(CAMERA_MODELS) == {int(pycolmap.CameraModelId.INVALID)}


@pytest.mark.parametrize("name", list(READERS))
@pytest.mark.parametrize("kept", [0.0, 0.3, 0.999])
def test_files_that_are_cut_short_are_named(model: Path, tmp_path: Path, name: str, kept: float) -> None:
    content = (model / f"{name}.bin").read_bytes()
    file = tmp_path / f"{name}.bin"
    file.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(UserError, match="damaged or cut short") as raised:
        READERS[name](file)
    assert str(file) in str(raised.value)


@pytest.mark.parametrize(("name", "position"), [("cameras", 0), ("images", 0), ("points3D", 0), ("points3D", 8 + 43)])
def test_counts_beyond_the_file_are_named_at_once(model: Path, tmp_path: Path, name: str, position: int) -> None:
    content = bytearray((model / f"{name}.bin").read_bytes())
    content[position + 3] = 0x7F  # two thousand million elements
    file = tmp_path / f"{name}.bin"
    file.write_bytes(content)
    with pytest.raises(UserError, match="damaged or cut short"):
        READERS[name](file)


def test_an_unknown_camera_model_is_a_sentence(model: Path, tmp_path: Path) -> None:
    content = bytearray((model / "cameras.bin").read_bytes())
    content[8 + 4] = 99
    (tmp_path / "cameras.bin").write_bytes(content)
    with pytest.raises(UserError, match="damaged"):
        binary.read_cameras(tmp_path / "cameras.bin")


IMAGE = "{number} 1 0 0 0 0.5 -1e-003 2.5E+100 7 {name}\n"


def read_lines(folder: Path, *lines: str):
    (folder / "images.txt").write_text("# Image list\n" + "".join(lines), encoding="utf-8")
    return text.read_images(folder / "images.txt")


def test_names_may_have_spaces_and_accents(tmp_path: Path) -> None:
    names = ["my photo 1.jpg", "links/schöne  Fotos/2 3 4.png", "12 13 14"]
    lines = [line for number, name in enumerate(names) for line in (IMAGE.format(number=number, name=name), "\n")]
    assert [image.name for image in read_lines(tmp_path, *lines)] == names


@pytest.mark.parametrize("between", ["\n", "", "\n\n\n", "10.5 20.5 -1 3 4 17\n", "  \r\n", "1e1 nan -1\n"])
def test_the_line_of_points_may_be_empty_or_missing(tmp_path: Path, between: str) -> None:
    images = [IMAGE.format(number=number, name=f"{number}.png") for number in range(3)]
    found = read_lines(tmp_path, *(line for image in images for line in (image, between)))
    assert [image.name for image in found] == ["0.png", "1.png", "2.png"]
    assert found[0].translation == (0.5, -0.001, 2.5e100)


@pytest.mark.parametrize("number", ["nan", "-nan", "-nan(ind)", "1.#QNAN", "NaN"])
def test_what_is_no_number_concerns_its_image_only(tmp_path: Path, number: str) -> None:
    good, broken = IMAGE.format(number=1, name="a.png"), f"2 1 0 {number} 0 0 0 1e-310 7 b.png\n"
    first, second = read_lines(tmp_path, good, "\n", broken, "\n")
    assert math.isfinite(first.find_pose().sum())
    assert bool(second.find_pose().isnan().all())
    assert second.translation[2] == 1e-310  # smaller than what C++ reads


@pytest.mark.parametrize("line", ["these are not numbers\n", "1 2 3 4\n", "1 1 0 0 0 x 0 0 7 a.png\n"])
def test_other_lines_are_damage(tmp_path: Path, line: str) -> None:
    with pytest.raises(UserError, match=r"images\.txt is damaged in line 4"):
        read_lines(tmp_path, IMAGE.format(number=1, name="a.png"), "\n", line)
