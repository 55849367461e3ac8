"""Checks of cameras that were read from files; each failure is a `UserError` whose message names the file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import roma
import torch
from jaxtyping import Float
from torch import Tensor

from engine.errors import UserError
from engine.geometry.intrinsics import Intrinsics

ROTATION_TOLERANCE = 5e-3  # largest entry of |R R^T - I|; files round their numbers, to three decimals at worst
ASPECT_TOLERANCE = 0.02  # relative difference of aspect ratios
OTHER_SIZE = 1.5  # principal point over the picture's middle, from which (or from its inverse) it is another picture's
SAME_RATIO = 0.15  # relative difference of that ratio along both sides
LARGEST = 1e9  # number in a pose or a camera that is taken for finite


def check_poses(poses: Float[Tensor, "frames 3 4"], file: Path, names: Sequence[str]) -> Float[Tensor, "frames 3 4"]:
    """The same poses with each 3x3 part replaced by the nearest rotation.

    Args:
        poses: `[R|t]` in any convention, double precision.
        file: where they come from, for error messages.
        names: of the frames, for error messages.
    Raises:
        UserError: a pose is not finite, or its 3x3 part is no rotation within `ROTATION_TOLERANCE`.
    """
    for name, pose in zip(names, poses, strict=True):
        if not bool((pose.abs() < LARGEST).all()):
            raise UserError(f"{file} has a pose that is not finite for {name}; remove the frame or mend its matrix.")
        matrix = pose[:, :3]
        error = (matrix @ matrix.mT - torch.eye(3, dtype=pose.dtype)).abs().max().item()
        if error > ROTATION_TOLERANCE or torch.linalg.det(matrix).item() < 0:
            raise UserError(
                f"{file} has a pose for {name} whose 3x3 part is not a rotation (it scales, shears or mirrors); "
                "export the cameras without scale."
            )
    return torch.cat([roma.special_procrustes(poses[..., :3]), poses[..., 3:]], dim=-1)


def check_camera(
    focal: Sequence[float], centre: Sequence[float], distortion: Sequence[float], file: Path, name: str
) -> None:
    """Raises `UserError` if a focal length (pixels) is not positive or any number is not finite.

    Numbers beyond `LARGEST` are taken for infinite: they would be in single precision.
    """
    if not all(0 < value < LARGEST for value in focal):
        raise UserError(
            f"{file} gives {name} the focal length {focal[0]:g}, {focal[1]:g}; it must be a positive number of pixels."
        )
    if not all(abs(value) < LARGEST for value in (*centre, *distortion)):
        raise UserError(f"{file} gives {name} a principal point or distortion that is not finite; mend the numbers.")


def check_principal_point(centre: Sequence[float], size: tuple[int, int], file: Path, name: str) -> None:
    """Raises `UserError` if a camera was clearly made for pictures of another size, which the file does not give.

    Principal points lie near the middle: one that is as far from it along both sides is that of a larger or smaller
    copy.

    Args:
        centre: principal point, pixels.
        size: (width, height) of the picture, pixels.
        file, name: for error messages.
    """
    across, down = (2 * value / side for value, side in zip(centre, size, strict=True))
    if min(across, down) <= 0 or abs(across / down - 1) > SAME_RATIO:
        return
    if max(across, down) < 1 / OTHER_SIZE or min(across, down) > OTHER_SIZE:
        raise UserError(
            f"{file} gives {name} the principal point {centre[0]:g}, {centre[1]:g}, as for pictures of about "
            f"{2 * centre[0]:.0f} x {2 * centre[1]:.0f} pixels, but it has {size[0]} x {size[1]}; use those "
            "that the cameras were computed from, or scale the cameras."
        )


def check_intrinsics(intrinsics: Intrinsics, file: Path, names: Sequence[str]) -> None:
    """Raises `UserError` if the camera of a frame is none, as `check_camera`."""
    rows = (intrinsics.focal.tolist(), intrinsics.centre.tolist(), intrinsics.distortion.tolist())
    for name, focal, centre, distortion in zip(names, *rows, strict=True):
        check_camera(focal, centre, distortion, file, name)


def check_bounds(near: float, far: float, file: Path) -> None:
    """Raises `UserError` unless 0 < near < far."""
    if not 0 < near < far:
        raise UserError(
            f"{file} has depth bounds from {near:g} to {far:g}; they must be positive and increasing, "
            "so run the reconstruction that made it again."
        )


def check_frame_counts(training: Sequence[int], file: Path) -> None:
    """Raises `UserError` unless there are at least two training frames."""
    if not training:
        raise UserError(f"{file} has no training frames; give at least two images with cameras.")
    if len(training) < 2:
        raise UserError(f"{file} has a single training frame; give at least two images with cameras.")


def compute_size_factors(
    declared: tuple[float, float], actual: tuple[int, int], file: Path, image: Path
) -> tuple[float, float]:
    """Factors (width, height) from the image size that `file` declares to the actual one, both in pixels.

    Raises:
        UserError: the shapes differ by more than 2 %, as when images were rotated or cropped after calibration.
    """
    if not all(0 < side < LARGEST for side in declared):
        width, height = (str(side)[:20] for side in declared)
        raise UserError(f"{file} gives {image.name} a size of {width} x {height} pixels; mend it.")
    factors = actual[0] / declared[0], actual[1] / declared[1]
    # Downscaled images are rounded to whole pixels, which counts where they are small.
    tolerance = ASPECT_TOLERANCE + 1 / min(actual)
    if abs(factors[0] / factors[1] - 1) > tolerance:
        raise UserError(
            f"{file} was made for images of {declared[0]:g} x {declared[1]:g} pixels but {image} has "
            f"{actual[0]} x {actual[1]}; use the images that the cameras were computed from, not rotated copies."
        )
    return factors
