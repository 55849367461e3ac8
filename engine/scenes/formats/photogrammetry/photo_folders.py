"""Where the photos of an export lie that names them without their folder."""

from __future__ import annotations

from pathlib import Path

from engine.scenes.paths import list_images, make_natural_key

MOST_FOLDERS = 100  # that are looked into


def list_photo_folders(folder: Path) -> list[Path]:
    """Folders in a scene's folder that hold images: `images` first, then the others in natural order, not `masks`."""
    children = sorted(
        (entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")),
        key=lambda entry: (entry.name != "images", make_natural_key(entry.name)),
    )
    return [child for child in children[:MOST_FOLDERS] if child.name != "masks" and list_images(child)]
