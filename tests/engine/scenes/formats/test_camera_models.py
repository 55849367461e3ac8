"""Cameras under the names that other programs give them, there and back."""

import pytest

from engine.geometry.lens_models import LensModel, make_row
from engine.scenes.formats.camera_models import (
    MODELS,
    read_json_lens,
    read_parameters,
    write_json_lens,
    write_parameters,
)

ROWS = [
    make_row([]),
    make_row([0.1, 0.02, 0.003, 0.004]),
    make_row([0.1, 0.02, 0.003, 0.004, 0.005]),
    make_row([0.1, 0.02, 0.003, 0.004, 0.005, 0.006, 0.007, 0.008]),
    make_row([], LensModel.FISHEYE),
    make_row([0.1, 0.02, 0, 0, 0.03, 0.04], LensModel.FISHEYE),
    make_row([0.1, 0.02, 0.003, 0.004, 0.005, 0.006], LensModel.FISHEYE),
    make_row([0.1, 0.02, 0.003, 0.004, 0.005, 0.006, 0, 0, 0.01, 0, 0.02], LensModel.FISHEYE),
]
COLMAPS_ALONE = [
    make_row([0.01 * number for number in range(1, 13)], LensModel.RAD_TAN_FISHEYE),
    make_row([0.9], LensModel.FOV),
    make_row([-0.1], LensModel.DIVISION),
    make_row([0.6, 1.1], LensModel.EUCM),
]
JSONS_ALONE = [make_row([0.1, 0.02, 0.003, 0.004, 0.005, 0.006], LensModel.POLYNOMIAL)]
NOBODYS = [
    make_row([0.1] * 12),  # OpenCV's thin prism has no name elsewhere
    make_row([0.1] * 8, LensModel.POLYNOMIAL),
]


@pytest.mark.parametrize("row", ROWS + COLMAPS_ALONE)
def test_colmaps_models_hold_lenses(row):
    found = write_parameters((40.0, 41.0), (16.0, 12.0), row)
    assert found is not None
    assert read_parameters(*found) == pytest.approx((40.0, 41.0, 16.0, 12.0, *row))


@pytest.mark.parametrize("row", ROWS + JSONS_ALONE)
def test_transforms_hold_lenses(row):
    found = write_json_lens(row)
    assert found is not None
    name, keys = found
    assert read_json_lens(name, lambda key: keys.get(key, 0.0)) == pytest.approx(row)


def test_what_has_no_place_is_known():
    assert all(write_parameters((1, 1), (0, 0), row) is None for row in JSONS_ALONE + NOBODYS)
    assert all(write_json_lens(row) is None for row in COLMAPS_ALONE + NOBODYS)


@pytest.mark.parametrize(("model", "row"), [(LensModel.POLYNOMIAL, [0.1, 0, 0, 0, 0.2]), (LensModel.FISHEYE, [0.1])])
def test_the_simplest_name_is_given(model, row):
    """Programs know OPENCV and OPENCV_FISHEYE; a rarer name is for lenses that need it."""
    same = LensModel.PERSPECTIVE if model == LensModel.POLYNOMIAL else LensModel.RAD_TAN_FISHEYE
    assert write_parameters((1, 1), (0, 0), make_row(row, model)) == write_parameters(
        (1, 1), (0, 0), make_row(row, same)
    )


def test_parameters_have_names_and_numbers():
    """COLMAP's own library says how many parameters each of its models has."""
    pycolmap = pytest.importorskip("pycolmap")
    for name, model in MODELS.items():
        assert len(pycolmap.Camera.create_from_model_name(1, name, 1.0, 4, 4).params) == len(model.parameters)
    known = {name for name in pycolmap.CameraModelId.__members__ if name not in ("INVALID", "EQUIRECTANGULAR")}
    assert known == set(MODELS)
