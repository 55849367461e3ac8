"""Folders of small photos made from the shipped fern scene, with and without defects."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

FERN = Path(__file__).parents[3] / "scenes" / "fern" / "images"


def fern_photos() -> list[Path]:
    return sorted(FERN.glob("*.jpg"))


def write_photos(folder: Path, numbers: Sequence[int] = range(8), width: int | None = None) -> list[Path]:
    """Some of the fern's photos, shrunk to a width, under names whose natural order is theirs."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for index, number in enumerate(numbers):
        image = Image.open(fern_photos()[number])
        if width is not None:
            image = image.resize((width, round(width * image.height / image.width)), Image.Resampling.LANCZOS)
        written.append(folder / f"IMG_{index + 1}.jpg")
        image.save(written[-1], quality=95)
    return written


def write_black(path: Path, like: Path) -> None:
    size = Image.open(like).size
    Image.new("RGB", size, (3, 3, 4)).save(path, quality=95)


def write_elsewhere(path: Path, like: Path) -> None:
    """Writes a textured photo of another place, of the size of `like`."""
    size = Image.open(like).size
    noise = np.random.default_rng(5).integers(0, 256, (size[1] // 6, size[0] // 6, 3), dtype=np.uint8)
    Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).save(path, quality=95)


def turn_over(path: Path) -> None:
    """Turns a photo by half a turn, without EXIF."""
    Image.open(path).rotate(180).save(path, quality=95)


def write_turning(folder: Path, count: int = 8, widest_deg: float = 9.0) -> list[Path]:
    """Photos by a camera that only turns: parts of one of the fern's photos under homographies of rotations."""
    folder.mkdir(parents=True, exist_ok=True)
    image = Image.open(fern_photos()[0]).convert("RGB")
    image = image.resize((3 * image.width, 3 * image.height), Image.Resampling.BICUBIC)
    size, focal = (400, 300), 380.0
    inner = np.array([[focal, 0, size[0] / 2], [0, focal, size[1] / 2], [0, 0, 1]])
    outer = np.array([[1200.0, 0, image.width / 2], [0, 1200.0, image.height / 2], [0, 0, 1]])
    written = []
    for number, angle in enumerate(np.radians(np.linspace(-widest_deg, widest_deg, count))):
        sine, cosine = np.sin(angle), np.cos(angle)
        turned = np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
        matrix = outer @ turned @ np.linalg.inv(inner)
        coefficients = (matrix / matrix[2, 2]).ravel()[:8].tolist()
        written.append(folder / f"{number:02d}.jpg")
        image.transform(size, Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC).save(
            written[-1], quality=95
        )
    return written
