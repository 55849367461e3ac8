"""COLMAP's text files: `cameras.txt`, `images.txt`, `points3D.txt`.

Formats: https://colmap.github.io/format.html. Files that other programs wrote are read as well: names with spaces,
images without their line of points, empty lines, numbers such as `nan` or `1e-310`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float

from engine.errors import UserError
from engine.scenes.formats.colmap_model.contents import ModelCamera, ModelImage

IMAGE_NUMBERS = 9  # numbers before the name of an image: id, rotation, translation, camera


def read_cameras(file: Path) -> dict[int, ModelCamera]:
    """The cameras by number.

    Raises:
        UserError: a line is wrong.
    """
    cameras = {}
    for number, line in _list_lines(file):
        try:
            words = line.split()
            size = int(words[2]), int(words[3])
            cameras[int(words[0])] = ModelCamera(words[1], *size, tuple(_parse_number(word) for word in words[4:]))
        except (ValueError, IndexError) as error:
            raise _describe_damage(file, number) from error
    return cameras


def read_images(file: Path) -> list[ModelImage]:
    """The registered images.

    Raises:
        UserError: a line is neither an image nor the points of one.
    """
    images: list[ModelImage] = []
    for number, line in _list_lines(file):
        image = _parse_image(line)
        if image is not None:
            images.append(image)
        elif not images or not _has_points(line):
            raise _describe_damage(file, number)
    return images


def read_points(file: Path) -> Float[np.ndarray, "points 3"]:
    """Positions of the sparse points.

    Raises:
        UserError: a line is wrong.
    """
    points = []
    for number, line in _list_lines(file):
        try:
            _, x, y, z, *_ = line.split(maxsplit=4)
            points.append((_parse_number(x), _parse_number(y), _parse_number(z)))
        except ValueError as error:
            raise _describe_damage(file, number) from error
    return np.asarray(points, dtype=np.float64).reshape(-1, 3)


def _list_lines(file: Path) -> Iterator[tuple[int, str]]:
    """The lines that are neither empty nor a comment, with their numbers from 1."""
    with file.open(encoding="utf-8-sig", errors="replace") as stream:
        for number, line in enumerate(stream, start=1):
            if (line := line.strip()) and not line.startswith("#"):
                yield number, line


def _parse_image(line: str) -> ModelImage | None:
    """The image of a line; None if it is none: a line of points has numbers only, and three for each point."""
    words = line.split(maxsplit=IMAGE_NUMBERS)
    if len(words) <= IMAGE_NUMBERS or _has_points(line):
        return None
    try:
        int(words[0])
        w, qx, qy, qz, x, y, z = (_parse_number(word) for word in words[1:8])
        return ModelImage(words[IMAGE_NUMBERS], int(words[8]), (w, qx, qy, qz), (x, y, z))
    except ValueError:
        return None


def _has_points(line: str) -> bool:
    """Whether a line is x, y and point number of some 2D points."""
    words = line.split()
    if len(words) % 3:
        return False
    try:
        for word in words[:12]:
            _parse_number(word)
        return all(word.lstrip("-").isdecimal() for word in words[2::3])
    except ValueError:
        return False


def _parse_number(word: str) -> float:
    """A number, as `float` reads it; NaN for what Windows writes in its place, such as `-nan(ind)` or `1.#QNAN`."""
    try:
        return float(word)
    except ValueError:
        if "nan" in word.lower() or "#" in word:
            return math.nan
        raise


def _describe_damage(file: Path, number: int) -> UserError:
    return UserError(f"{file} is damaged in line {number}; export or compute the model again.")
