"""RealityCapture's and RealityScan's CSV of internal and external camera parameters.

Columns: `name`, position `x`, `y`, `alt` (z up), `heading`, `pitch`, `roll` in degrees, focal length `f` as for 36 mm
film, principal point `px`, `py` from the middle, as share of the longer side, distortion `k1` to `k4`, `t1`, `t2`. A
camera with zero angles looks down, its top towards +y; axes and angles as nerfstudio reads them.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from engine.errors import UserError
from engine.scenes.formats.images import read_image_size
from engine.scenes.formats.photogrammetry.photo_folders import UNLISTED, find_by_head, list_photo_folders
from engine.scenes.formats.posed_frames import PosedFrame, build_from_frames, make_frame, read_frames
from engine.scenes.options import SceneOptions
from engine.scenes.paths import OMITTED_ENDINGS, SceneFiles, make_natural_key
from engine.scenes.scene import Scene
from engine.scenes.world.axes import convert_from_opengl

NEEDED = frozenset({"name", "x", "y", "alt", "heading", "pitch", "roll", "f"})
DISTORTION = {"k1": "k1", "k2": "k2", "k3": "k3", "k4": "k4", "p1": "t1", "p2": "t2"}  # ours -> theirs
FILM_WIDTH = 36.0  # mm
HEADER_BYTES = 4096  # within which the header has to stand
MAXIMUM_BYTES = 64 * 2**20


def find_realitycapture(folder: Path) -> Path | None:
    """The first CSV with the columns of cameras; None if there is none."""

    def is_table(head: bytes) -> bool:
        lines = head.decode("utf-8-sig", errors="replace").splitlines()
        return any(set(_split_header(line)) >= NEEDED for line in lines[:10])

    return find_by_head(folder, "*.csv", HEADER_BYTES, is_table)


def read_realitycapture(folder: Path, options: SceneOptions) -> Scene:
    """Reads photos with RealityCapture's cameras, which lie in the folder itself, in `images` or beside it.

    Args:
        folder: the scene's folder, resolved.
        options: how to read.
    Raises:
        UserError: the file is damaged, or most of its frames are wrong.
    """
    file = find_realitycapture(folder)
    if file is None:
        raise UserError(f"{folder} has no CSV of cameras; export internal and external parameters again.")
    files = SceneFiles(folder, *list_photo_folders(folder))

    def read(row: dict[str, str]) -> PosedFrame:
        image = files.find(row["name"], file, OMITTED_ENDINGS)
        values = read_camera_keys(row, read_image_size(image, options.maximum_pixels), file)
        return make_frame(row["name"], image, read_matrix(row, file), convert_from_opengl, values, file, options)

    rows = sorted(read_rows(file), key=lambda row: make_natural_key(row["name"]))
    frames, left_out = read_frames(rows, lambda row: row["name"] or "a row without a name", read, file, UNLISTED)
    return build_from_frames(folder, file, frames, options, left_out=left_out)


def read_rows(file: Path) -> list[dict[str, str]]:
    """The rows below the header, by the names of the columns.

    Raises:
        UserError: the file is too large, no text, or has no rows.
    """
    if file.stat().st_size > MAXIMUM_BYTES:
        raise UserError(f"{file} is larger than {MAXIMUM_BYTES:,} bytes; split the scene.")
    lines = file.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    start = next((index for index, line in enumerate(lines) if set(_split_header(line)) >= NEEDED), len(lines))
    try:
        rows = [
            dict(zip(_split_header(lines[start]), (cell.strip() for cell in row), strict=False))
            for row in csv.reader(lines[start + 1 :])
            if any(row) and not row[0].startswith("#")
        ]
    except (csv.Error, IndexError) as error:
        raise UserError(f"{file} is damaged; export the cameras again.") from error
    if not rows:
        raise UserError(f"{file} has no cameras; export them again.")
    return [{"name": ""} | row for row in rows]


def read_matrix(row: dict[str, str], file: Path) -> Float[Tensor, "3 4"]:
    """Camera-to-world with axes right, up, back: turned by -heading about z, then by pitch about x and roll about y.

    Raises:
        UserError: a number is missing or wrong.
    """
    heading, pitch, roll = (math.radians(_read(row, key, file)) for key in ("heading", "pitch", "roll"))
    about_z = _rotate(-heading, 0, 1)
    about_x = _rotate(pitch, 1, 2)
    about_y = _rotate(roll, 2, 0)
    centre = torch.tensor([[_read(row, key, file)] for key in ("x", "y", "alt")], dtype=torch.float64)
    return torch.cat([about_z @ about_x @ about_y, centre], dim=-1)


def read_camera_keys(row: dict[str, str], size: tuple[int, int], file: Path) -> dict[str, object]:
    """Camera keys of `transforms.json`, for an image of `size` (width, height).

    Raises:
        UserError: a number is wrong.
    """
    longer = max(size)
    focal = _read(row, "f", file) * longer / FILM_WIDTH
    centre = [_read(row, key, file, 0.0) * longer + side / 2 for key, side in zip(("px", "py"), size, strict=True)]
    distortion = {ours: _read(row, theirs, file, 0.0) for ours, theirs in DISTORTION.items()}
    return {"fl_x": focal, "fl_y": focal, "cx": centre[0], "cy": centre[1], "w": size[0], "h": size[1], **distortion}


def _split_header(line: str) -> list[str]:
    return [name.strip().lstrip("#").lower() for name in line.split(",")]


def _read(row: dict[str, str], key: str, file: Path, default: float | None = None) -> float:
    if default is not None and not row.get(key):
        return default
    try:
        value = float(row[key])
    except (KeyError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise UserError(f"{file} has no finite number {key} for {row['name']}; export the cameras again.")
    return value


def _rotate(angle: float, one: int, other: int) -> Float[Tensor, "3 3"]:
    """The rotation that turns axis `one` towards axis `other`."""
    rotation = torch.eye(3, dtype=torch.float64)
    rotation[one, one] = rotation[other, other] = math.cos(angle)
    rotation[other, one], rotation[one, other] = math.sin(angle), -math.sin(angle)
    return rotation
