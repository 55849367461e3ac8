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
