"""Record3D's export of a video: `metadata.json` and the frames in `rgb`, numbered like the poses.

A pose is a quaternion (x, y, z, w) and a position, camera-to-world with axes right, up, back; the world is ARKit's, y
up. `K` is the camera matrix by columns, for `w` x `h` pixels; newer exports have fx, fy, cx, cy of each frame besides.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import roma
import torch
from jaxtyping import Float
from torch import Tensor

from engine.errors import UserError
from engine.scenes.formats.json_files import read_list, read_number, read_object
from engine.scenes.formats.left_out import read_each
from engine.scenes.formats.posed_frames import PosedFrame, build_from_frames, make_frame
from engine.scenes.options import SceneOptions
from engine.scenes.paths import list_images, make_natural_key
from engine.scenes.scene import Scene
from engine.scenes.world.axes import convert_from_arkit

METADATA_FILE = "metadata.json"
IMAGES = "rgb"
PER_FRAME = "perFrameIntrinsicCoeffs"


@dataclass(frozen=True)
class Record3DOptions:
    """Numbers of this reader.

    Attributes:
        maximum_frames: of a video that are read, evenly spaced; as many as nerfstudio takes.
    """

    maximum_frames: int = 300


OPTIONS = Record3DOptions()


def find_record3d(folder: Path) -> Path | None:
    """The folder with `metadata.json` and `rgb`: the scene's, or `EXR_RGBD` in it; None if there is none."""
    for place in (folder, folder / "EXR_RGBD"):
        if (place / METADATA_FILE).is_file() and (place / IMAGES).is_dir() and list_images(place / IMAGES):
            return place
    return None


def read_record3d(folder: Path, options: SceneOptions) -> Scene:
    """Reads Record3D's export.

    Args:
        folder: the scene's folder, resolved.
        options: how to read.
    Raises:
        UserError: the folder is no export, its metadata are damaged, or most of its frames are wrong.
    """
    place = find_record3d(folder)
    if place is None:
        raise UserError(f"{folder} has no {METADATA_FILE} beside {IMAGES}; export the video from Record3D again.")
    file = place / METADATA_FILE
    content = read_object(file)
    poses = read_list(content, "poses", file)
    images = sorted(list_images(place / IMAGES), key=lambda image: make_natural_key(image.name))
    bound = bind_images(images, len(poses), file)
    size = {key: read_number(content, key, file) for key in ("w", "h") if key in content}

    def read(entry: tuple[Path, int]) -> PosedFrame:
        image, row = entry
        if not 0 <= row < len(poses):
            raise UserError(f"{file} has no pose for {image.name}; export the video again.")
        values = read_intrinsics(content, row, file) | size
        matrix = read_pose(poses[row], file)
        return make_frame(image.name, image, matrix, convert_from_arkit, values, file, options)

    chosen = np.unique(np.linspace(0, len(bound) - 1, min(len(bound), OPTIONS.maximum_frames)).round().astype(int))
    frames, left_out = read_each([bound[index] for index in chosen], lambda entry: entry[0].name, read, file)
    notes = () if len(chosen) == len(bound) else (f"{len(chosen)} of {len(bound)} frames are read, evenly spaced.",)
    return build_from_frames(folder, file, frames, options, left_out=left_out, notes=notes)


def bind_images(images: Sequence[Path], poses: int, file: Path) -> list[tuple[Path, int]]:
    """The images with the numbers of their poses: that in the name, or their order where names have none.

    Raises:
        UserError: names have no numbers, and there are more or fewer images than poses.
    """
    if all(image.stem.isdecimal() for image in images):
        numbers = [int(image.stem) for image in images]
        first = 1 if min(numbers) > 0 and max(numbers) == poses else 0
        return [(image, number - first) for image, number in zip(images, numbers, strict=True)]
    if len(images) != poses:
        raise UserError(f"{file} has {poses} poses but {images[0].parent} has {len(images)} images; export again.")
    return [(image, row) for row, image in enumerate(images)]


def read_pose(pose: Any, file: Path) -> Float[Tensor, "3 4"]:
    """The camera-to-world matrix of a quaternion and a position.

    Raises:
        UserError: they are not seven finite numbers, or the quaternion is zero.
    """
    values = _read_numbers(pose, 7)
    norm = math.hypot(*values[:4]) if values is not None else 0.0
    if values is None or norm < 1e-6:
        raise UserError(f"{file} has a pose that is not a quaternion and a position; export the video again.")
    rotation = roma.unitquat_to_rotmat(torch.tensor(values[:4], dtype=torch.float64) / norm)
    return torch.cat([rotation, torch.tensor(values[4:], dtype=torch.float64)[:, None]], dim=-1)


def read_intrinsics(content: dict[str, Any], row: int, file: Path) -> dict[str, float]:
    """Camera keys of `transforms.json` for a frame.

    Raises:
        UserError: `K` is missing or no matrix of numbers.
    """
    each = content.get(PER_FRAME)
    own = _read_numbers(each[row], 4) if isinstance(each, list) and row < len(each) else None
    if own is None:
        matrix = _read_numbers(content.get("K"), 9)
        if matrix is None:
            raise UserError(f"{file} has no camera matrix K of nine numbers; export the video again.")
        by_rows = matrix[6] == 0 and matrix[7] == 0
        own = (matrix[0], matrix[4], *((matrix[2], matrix[5]) if by_rows else (matrix[6], matrix[7])))
    return dict(zip(("fl_x", "fl_y", "cx", "cy"), own, strict=True))


def _read_numbers(values: Any, count: int) -> tuple[float, ...] | None:
    """So many finite numbers, perhaps in a nested list; None for anything else."""
    if isinstance(values, list) and values and all(isinstance(value, list) for value in values):
        values = [number for value in values for number in value]
    if not isinstance(values, list) or len(values) != count:
        return None
    try:
        numbers = tuple(float(value) for value in values)
    except (TypeError, ValueError, OverflowError):
        return None
    return numbers if all(math.isfinite(number) for number in numbers) else None
