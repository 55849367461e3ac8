"""The camera keys that `transforms*.json` of Blender, instant-ngp and nerfstudio share."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from engine.errors import UserError
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.lens_models import stack_distortions
from engine.scenes.canvas import Size, choose_canvas, stack_sizes
from engine.scenes.formats.camera_models import JSON_FISHEYE, JSON_PERSPECTIVE, read_json_lens
from engine.scenes.formats.json_files import read_number
from engine.scenes.formats.validation import check_principal_point, compute_size_factors


@dataclass(frozen=True)
class JsonCamera:
    """Intrinsics of one frame.

    Attributes:
        focal: fx, fy in pixels.
        centre: principal point cx, cy in pixels.
        distortion: its row (see `lens_models`).
    """

    focal: tuple[float, float]
    centre: tuple[float, float]
    distortion: tuple[float, ...]


def read_camera(values: Mapping[str, Any], size: tuple[int, int], file: Path, image: Path) -> JsonCamera:
    """The camera of one image from JSON keys.

    Focal lengths come from fl_x, fl_y or, where these are missing, from camera_angle_x, camera_angle_y (radians).
    w and h are the image size for which the file was written. Missing keys mean square pixels, a principal point in
    the middle and no distortion.

    Args:
        values: keys of the file, overridden by those of the frame.
        size: (width, height) of the image, pixels; the intrinsics are scaled to it.
        file: for error messages.
        image: for error messages.
    Raises:
        UserError: the camera model is unknown, or a key is missing or wrong.
    """
    distortion = _read_lens(values, file)
    declared = read_number(values, "w", file, size[0]), read_number(values, "h", file, size[1])
    factors = compute_size_factors(declared, size, file, image)
    focal_x = _read_focal(values, "x", declared[0], file)
    focal_y = _read_focal(values, "y", declared[1], file)
    if focal_x is None and focal_y is None:
        raise UserError(
            f"{file} lacks a focal length for {image.name}; add fl_x (pixels) or camera_angle_x (radians)."
        )
    focal_x = focal_y if focal_x is None else focal_x
    focal_y = focal_x if focal_y is None else focal_y
    assert focal_x is not None
    assert focal_y is not None
    centre = read_number(values, "cx", file, declared[0] / 2), read_number(values, "cy", file, declared[1] / 2)
    if "w" not in values and "h" not in values:
        check_principal_point(centre, size, file, image.name)
    return JsonCamera(
        focal=(focal_x * factors[0], focal_y * factors[1]),
        centre=(centre[0] * factors[0], centre[1] * factors[1]),
        distortion=distortion,
    )


def find_declared_size(values: Mapping[str, Any]) -> tuple[float, float] | None:
    """(width, height) for which the keys of a frame were written, pixels; None where they do not say."""
    width, height = values.get("w"), values.get("h")
    if isinstance(width, (int, float)) and isinstance(height, (int, float)) and 0 < width < 1e9 and 0 < height < 1e9:
        return float(width), float(height)
    return None


def stack_cameras(
    cameras: Sequence[JsonCamera], sizes: Sequence[Size], lenses: Sequence[Hashable] | None = None
) -> Intrinsics:
    """The cameras of all frames as `Intrinsics`; frames with the same lens and size were taken by one camera.

    Args:
        cameras: of the frames.
        sizes: (width, height) of their images as stored, pixels.
        lenses: tell frames of different cameras apart where the file does; None, or all of them None, if it does not.
    """
    width, height = choose_canvas(sizes)
    numbers: dict[Hashable, int] = {}
    told = lenses is not None and any(lens is not None for lens in lenses)
    keys: Sequence[Hashable] = lenses if lenses is not None and told else list(zip(cameras, sizes, strict=True))
    each = [numbers.setdefault(key, len(numbers)) for key in keys]
    return Intrinsics(
        focal=torch.tensor([camera.focal for camera in cameras]),
        centre=torch.tensor([camera.centre for camera in cameras]),
        distortion=stack_distortions([camera.distortion for camera in cameras]),
        width=width,
        height=height,
        sizes=stack_sizes(sizes),
        cameras=torch.tensor(each) if len(numbers) > 1 else None,
    )


def _read_focal(values: Mapping[str, Any], axis: str, side: float, file: Path) -> float | None:
    if f"fl_{axis}" in values:
        return read_number(values, f"fl_{axis}", file)
    if (key := f"camera_angle_{axis}") in values:
        angle = read_number(values, key, file)
        if not 0 < angle < math.pi:
            raise UserError(f"{file} has {key} = {angle:g}; it must lie between 0 and pi radians.")
        return side / (2 * math.tan(angle / 2))
    return None


def _read_lens(values: Mapping[str, Any], file: Path) -> tuple[float, ...]:
    """The row of the distortion. instant-ngp says `is_fisheye` where nerfstudio names the camera model."""
    model = values.get("camera_model") or "OPENCV"
    name = model.upper() if isinstance(model, str) else str(model)
    if values.get("is_fisheye") and "FISHEYE" not in name:
        name = "OPENCV_FISHEYE"
    row = read_json_lens(name, lambda key: read_number(values, key, file, 0.0))
    unknown = [key for key in values if key.startswith("ftheta_p") and read_number(values, key, file, 0.0) != 0]
    if row is None or unknown:
        raise UserError(
            f"{file} uses the camera model {'FTHETA' if unknown else model}; convert the photos to one of "
            f"{', '.join((*JSON_PERSPECTIVE, *JSON_FISHEYE))}."
        )
    return row
