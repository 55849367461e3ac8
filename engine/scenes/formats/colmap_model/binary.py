"""COLMAP's binary files: `cameras.bin`, `images.bin`, `points3D.bin`.

Formats: https://colmap.github.io/format.html. Every count is checked against the size of the file. `rigs.bin` and
`frames.bin`, which exist since COLMAP 3.12, are not needed: `images.bin` has the pose of each image, of rigs too.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from jaxtyping import Float

from engine.errors import UserError
from engine.scenes.formats.colmap_model.contents import CAMERA_MODELS, ModelCamera, ModelImage

COUNT = struct.Struct("<Q")
CAMERA = struct.Struct("<IiQQ")  # id, model, width, height
IMAGE = struct.Struct("<I4d3dI")  # id, rotation, translation, camera; then name, count and 2D points
POINT = struct.Struct("<Q3d3BdQ")  # id, position, colour, error, length of the track; then the track
POINT_2D_BYTES = 24
TRACK_ELEMENT_BYTES = 8


def read_cameras(file: Path) -> dict[int, ModelCamera]:
    """The cameras by number.

    Raises:
        UserError: the file is damaged, or has a camera model that is not known.
    """
    cameras = {}
    with _open(file) as content:
        position = COUNT.size
        for _ in range(COUNT.unpack_from(content)[0]):
            number, model, width, height = CAMERA.unpack_from(content, position)
            if model not in CAMERA_MODELS:
                raise ValueError("unknown camera model")
            name, count = CAMERA_MODELS[model]
            parameters = struct.unpack_from(f"<{count}d", content, position + CAMERA.size)
            cameras[number] = ModelCamera(name, width, height, parameters)
            position += CAMERA.size + 8 * count
    return cameras


def count_images(file: Path) -> int:
    """Number of registered images, from the header alone; 0 if it has none."""
    with file.open("rb") as stream:
        header = stream.read(COUNT.size)
    return COUNT.unpack(header)[0] if len(header) == COUNT.size else 0


def read_images(file: Path) -> list[ModelImage]:
    """The registered images.

    Raises:
        UserError: the file is damaged.
    """
    images = []
    with _open(file) as content:
        position = COUNT.size
        for _ in range(COUNT.unpack_from(content)[0]):
            _, *pose, camera = IMAGE.unpack_from(content, position)
            end = content.find(b"\0", position + IMAGE.size)
            if end < 0:
                raise ValueError("a name without end")
            name = content[position + IMAGE.size : end].decode("utf-8", errors="replace")
            (points,) = COUNT.unpack_from(content, end + 1)
            position = end + 1 + COUNT.size + POINT_2D_BYTES * points
            if position > len(content):
                raise ValueError("beyond the end")
            images.append(ModelImage(name, camera, (pose[0], pose[1], pose[2], pose[3]), (pose[4], pose[5], pose[6])))
    return images


def read_points(file: Path) -> Float[np.ndarray, "points 3"]:
    """Positions of the sparse points.

    Raises:
        UserError: the file is damaged.
    """
    with _open(file) as content:
        (count,) = COUNT.unpack_from(content)
        if count * POINT.size > len(content):
            raise ValueError("beyond the end")
        points = np.empty((count, 3))
        position = COUNT.size
        for index in range(count):
            _, x, y, z, *_, track = POINT.unpack_from(content, position)
            points[index] = x, y, z
            position += POINT.size + TRACK_ELEMENT_BYTES * track
        if position > len(content):
            raise ValueError("beyond the end")
    return points


@contextmanager
def _open(file: Path) -> Iterator[mmap.mmap]:
    """The file's content; what goes wrong while it is read becomes a sentence."""
    try:
        with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            yield content
    except (struct.error, ValueError, OverflowError) as error:
        raise UserError(f"{file} is damaged or cut short; export or compute the model again.") from error
