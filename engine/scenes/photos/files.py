"""The photo files of a folder, in the order in which they were taken (that of their numbers)."""

from __future__ import annotations

from pathlib import Path

from engine.scenes.formats.images import HEIC_SUFFIXES
from engine.scenes.paths import IMAGE_SUFFIXES, make_natural_key

PHOTO_SUFFIXES = IMAGE_SUFFIXES | HEIC_SUFFIXES


def list_photos(folder: Path) -> list[Path]:
    """The photos of a folder in natural order (`IMG_9` before `IMG_10`); hidden files are skipped."""
    files = [
        entry
        for entry in folder.iterdir()
        if entry.suffix.lower() in PHOTO_SUFFIXES and not entry.name.startswith(".") and entry.is_file()
    ]
    files.sort(key=lambda entry: make_natural_key(entry.name))
    return files


def find_photo_folder(folder: Path) -> Path | None:
    """The folder that holds the photos of a scene without poses: `folder` or its `images`; None if neither does."""
    for place in (folder, folder / "images"):
        if place.is_dir() and list_photos(place):
            return place
    return None
