"""Camera models by the names that COLMAP and `transforms.json` give them: which of their parameters are which."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.geometry.lens_models import COEFFICIENTS, MODEL, LensModel, make_row

ORDER = ("k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6", "s1", "s2", "s3", "s4")  # of a distortion's columns
SAME_FOCAL = 1e-9  # relative difference of fx and fy up to which a model with one focal length holds them


@dataclass(frozen=True)
class ColmapModel:
    """A camera model of COLMAP.

    Attributes:
        lens: the lens model that it is a case of.
        parameters: names in COLMAP's order: f or fx and fy, cx, cy, then columns of the distortion.
    """

    lens: LensModel
    parameters: tuple[str, ...]


JSON_KEYS = (*ORDER[:8], "sx1", "", "sy1", "")  # of `transforms.json`, for the columns; nothing has s2 and s4
# Names of `camera_model` in `transforms.json`: nerfstudio's, and those of COLMAP of the same kinds.
JSON_PERSPECTIVE = ("OPENCV", "FULL_OPENCV", "PINHOLE", "SIMPLE_PINHOLE", "RADIAL", "SIMPLE_RADIAL", "PERSPECTIVE")
JSON_FISHEYE = (
    "OPENCV_FISHEYE",
    "THIN_PRISM_FISHEYE",
    "RADIAL_FISHEYE",
    "SIMPLE_RADIAL_FISHEYE",
    "FISHEYE",
    "SIMPLE_FISHEYE",
)


def _model(lens: LensModel, parameters: str) -> ColmapModel:
    return ColmapModel(lens, tuple(parameters.split()))


# Of models that can hold a camera, the first in this order is written: those that other programs read come first.
MODELS: dict[str, ColmapModel] = {
    "PINHOLE": _model(LensModel.PERSPECTIVE, "fx fy cx cy"),
    "OPENCV": _model(LensModel.PERSPECTIVE, "fx fy cx cy k1 k2 p1 p2"),
    "FULL_OPENCV": _model(LensModel.PERSPECTIVE, "fx fy cx cy k1 k2 p1 p2 k3 k4 k5 k6"),
    "OPENCV_FISHEYE": _model(LensModel.FISHEYE, "fx fy cx cy k1 k2 k3 k4"),
    "THIN_PRISM_FISHEYE": _model(LensModel.FISHEYE, "fx fy cx cy k1 k2 p1 p2 k3 k4 s1 s3"),
    "RAD_TAN_THIN_PRISM_FISHEYE": _model(LensModel.RAD_TAN_FISHEYE, "fx fy cx cy k1 k2 k3 k4 k5 k6 p2 p1 s1 s2 s3 s4"),
    "FOV": _model(LensModel.FOV, "fx fy cx cy k1"),
    "DIVISION": _model(LensModel.DIVISION, "fx fy cx cy k1"),
    "EUCM": _model(LensModel.EUCM, "fx fy cx cy k1 k2"),
    "SIMPLE_PINHOLE": _model(LensModel.PERSPECTIVE, "f cx cy"),
    "SIMPLE_RADIAL": _model(LensModel.PERSPECTIVE, "f cx cy k1"),
    "RADIAL": _model(LensModel.PERSPECTIVE, "f cx cy k1 k2"),
    "FISHEYE": _model(LensModel.FISHEYE, "fx fy cx cy"),
    "SIMPLE_FISHEYE": _model(LensModel.FISHEYE, "f cx cy"),
    "SIMPLE_RADIAL_FISHEYE": _model(LensModel.FISHEYE, "f cx cy k1"),
    "RADIAL_FISHEYE": _model(LensModel.FISHEYE, "f cx cy k1 k2"),
    "SIMPLE_DIVISION": _model(LensModel.DIVISION, "f cx cy k1"),
}


def read_parameters(name: str, parameters: Sequence[float]) -> tuple[float, ...] | None:
    """(fx, fy, cx, cy) in pixels and the row of the distortion; None for a model that is not known.

    Args:
        name: of the camera model.
        parameters: as COLMAP orders them.
    Raises:
        ValueError: there are too few or too many.
    """
    if name not in MODELS:
        return None
    named = dict(zip(MODELS[name].parameters, map(float, parameters), strict=True))
    focal = (named["f"], named["f"]) if "f" in named else (named["fx"], named["fy"])
    coefficients = [named.get(column, 0.0) for column in ORDER]
    return (*focal, named["cx"], named["cy"], *make_row(coefficients, MODELS[name].lens))


def write_parameters(
    focal: Sequence[float], centre: Sequence[float], distortion: Sequence[float]
) -> tuple[str, list[float]] | None:
    """The camera model that holds a camera, and its parameters in COLMAP's order; None where none does.

    Args:
        focal: fx, fy in pixels.
        centre: cx, cy in pixels.
        distortion: its row.
    """
    lens, row = _simplify(distortion)
    needed = {column for column, value in zip(ORDER, row, strict=False) if value != 0}
    values = {"fx": focal[0], "fy": focal[1], "cx": centre[0], "cy": centre[1], **dict(zip(ORDER, row, strict=False))}
    for name, model in MODELS.items():
        if model.lens == lens and needed <= set(model.parameters) and "f" not in model.parameters:
            return name, [values[parameter] for parameter in model.parameters]
    return None


def _simplify(distortion: Sequence[float]) -> tuple[LensModel, list[float]]:
    """The simplest lens model that says the same, and all twelve coefficients."""
    row = [*distortion, *[0.0] * (MODEL + 1 - len(distortion))]
    lens = LensModel(int(row[MODEL]))
    if lens == LensModel.POLYNOMIAL and not any(row[5:8]):
        lens = LensModel.PERSPECTIVE  # the two differ in what k4, k5, k6 are
    if lens == LensModel.RAD_TAN_FISHEYE and not any((*row[2:4], *row[6:COEFFICIENTS])):
        lens = LensModel.FISHEYE  # the two differ in what the other terms apply to, and in names for k5, k6
    return lens, row[:COEFFICIENTS]


def read_json_lens(name: str, read: Callable[[str], float]) -> tuple[float, ...] | None:
    """The row of the distortion that `transforms.json` gives; None for a camera model that is not known.

    nerfstudio takes k4 of its OPENCV as a power of the radius, as COLMAP's FULL_OPENCV does not; with k5 or k6 it can
    only be the latter.

    Args:
        name: `camera_model` in capital letters.
        read: gives the number of a key, 0 if the key is missing.
    """
    if name not in JSON_PERSPECTIVE + JSON_FISHEYE:
        return None
    row = [read(key) if key else 0.0 for key in JSON_KEYS]
    if name in JSON_FISHEYE:
        return make_row(row, LensModel.FISHEYE)
    powers = name != "FULL_OPENCV" and row[5] != 0 and not any(row[6:8])
    return make_row(row, LensModel.POLYNOMIAL if powers else LensModel.PERSPECTIVE)


def write_json_lens(distortion: Sequence[float]) -> tuple[str, dict[str, float]] | None:
    """`camera_model` and coefficients for `transforms.json`; None where it has no place for the lens.

    Args:
        distortion: its row.
    """
    lens, row = _simplify(distortion)
    if lens not in (LensModel.PERSPECTIVE, LensModel.POLYNOMIAL, LensModel.FISHEYE) or row[9] or row[11]:
        return None
    needed = 4
    if lens == LensModel.FISHEYE:
        if any(row[6:8]):
            return None
        name = "THIN_PRISM_FISHEYE" if any(row[8:]) else "OPENCV_FISHEYE"
        needed = 6
    else:
        if any(row[8:]) or (lens == LensModel.POLYNOMIAL and any(row[6:8])):
            return None
        name = "FULL_OPENCV" if lens == LensModel.PERSPECTIVE and any(row[5:8]) else "OPENCV"
    keys = [key for index, key in enumerate(JSON_KEYS) if key and (index < needed or row[index] != 0)]
    return name, {key: row[JSON_KEYS.index(key)] for key in keys}
