"""Which file of a folder is an export, and where the photos lie that it names without their folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.scenes.paths import list_images, make_natural_key

MOST_FOLDERS = 100  # that are looked into
UNLISTED = "the file has no camera for it"  # why a photo is left out


def find_by_head(folder: Path, pattern: str, count: int, is_right: Callable[[bytes], bool]) -> Path | None:
    """The first visible file of a pattern such as `*.xml` whose first `count` bytes are right; None without any."""
    for file in sorted(folder.glob(pattern)):
        if file.is_file() and not file.name.startswith("."):
            with file.open("rb") as stream:
                head = stream.read(count)
            if is_right(head):
                return file
    return None


def list_photo_folders(folder: Path) -> list[Path]:
    """Folders in a scene's folder that hold images: `images` first, then the others in natural order, not `masks`."""
    children = sorted(
        (entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")),
        key=lambda entry: (entry.name != "images", make_natural_key(entry.name)),
    )
    return [child for child in children[:MOST_FOLDERS] if child.name != "masks" and list_images(child)]
