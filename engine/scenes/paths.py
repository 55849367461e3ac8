"""Paths of scenes: kept inside the scene folder, with suggestions in errors where a name does not exist."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from pathlib import Path

from engine.errors import UserError

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp"})
VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi"})
OMITTED_ENDINGS = ("", ".png", ".jpg", ".jpeg")  # endings that image paths in Blender's and instant-ngp's files omit


def suggest_name(name: str, candidates: Iterable[str]) -> str:
    """` (did you mean X?)` for the most similar of `candidates`, or an empty string if none is similar."""
    near = difflib.get_close_matches(name, list(candidates), n=1, cutoff=0.6)
    return f" (did you mean {near[0]}?)" if near else ""


def resolve_scene_folder(path: Path | str) -> Path:
    """The scene's folder as an absolute path, symbolic links resolved.

    Raises:
        UserError: it does not exist, is a file, or cannot be opened.
    """
    path = Path(path).expanduser()
    try:
        if path.is_file():
            raise UserError(
                f"{path} is a file; give the folder that holds the scene, such as {path.resolve().parent}."
            )
        if not path.is_dir():
            parent = path.absolute().parent
            siblings = [entry.name for entry in parent.iterdir()] if parent.is_dir() else []
            raise UserError(
                f"There is no folder {path}{suggest_name(path.name, siblings)}; give the path of a scene folder."
            )
        next(path.iterdir(), None)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be opened ({_reason(error)}); check the path and its permissions.") from error
    return path.resolve()


def resolve_scene_path(path: Path | str) -> Path:
    """The scene's folder, image or video as an absolute path, symbolic links resolved.

    Raises:
        UserError: it does not exist, or cannot be opened, or is a file of another kind.
    """
    path = Path(path).expanduser()
    return path.resolve() if is_image(path) or is_video(path) else resolve_scene_folder(path)


def is_video(path: Path) -> bool:
    """Whether a path is an existing file with the suffix of a video."""
    try:
        return path.suffix.lower() in VIDEO_SUFFIXES and path.is_file()
    except (OSError, ValueError):
        return False


def is_image(path: Path) -> bool:
    """Whether a path is an existing file with the suffix of an image (GIF included)."""
    try:
        return path.suffix.lower() in IMAGE_SUFFIXES | {".gif"} and path.is_file()
    except (OSError, ValueError):
        return False


def resolve_inside(folder: Path, path: Path) -> Path:
    """`path` with symbolic links resolved; the result must lie inside `folder`, which is resolved already.

    Raises:
        UserError: the path leaves the folder.
    """
    try:
        resolved = path.resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(f"{path} cannot be followed ({_reason(error)}); correct the path.") from error
    if not resolved.is_relative_to(folder):
        raise UserError(f"{path} leads out of the scene folder {folder}; copy the file into the folder.")
    return resolved


class MissingFileError(UserError):
    """A file that another one names does not exist."""


def find_file_inside(folder: Path, relative: str, named_in: Path, endings: tuple[str, ...] = ("",)) -> Path:
    """The existing file of a relative path that a scene file contains.

    Args:
        folder: the scene's folder, resolved.
        relative: path relative to it, with / or \\.
        named_in: the file that contains this path, for error messages.
        endings: appended in turn until a file exists.
    Raises:
        UserError: the path leaves the folder.
        MissingFileError: it does not exist; similar names are suggested.
    """
    for spelling in dict.fromkeys((relative, relative.replace("\\", "/"))):
        for ending in endings:
            try:
                candidate = resolve_inside(folder, folder / (spelling + ending))
                if candidate.is_file():
                    return candidate
            except (OSError, ValueError) as error:
                raise UserError(
                    f"{named_in} names the image {relative!r}, which is no path ({_reason(error)}); correct it."
                ) from error
    missing = folder / (relative.replace("\\", "/") + endings[0])
    siblings = [entry.name for entry in missing.parent.iterdir()] if missing.parent.is_dir() else []
    hint = suggest_name(missing.name, siblings)
    raise MissingFileError(
        f"{named_in} names the image {relative or 'with no name'}, which does not exist{hint}; "
        "restore the file or remove its entry."
    )


def list_images(folder: Path) -> list[Path]:
    """The images of a folder in the order of their names; hidden files and other kinds are skipped."""
    return sorted(
        (
            entry
            for entry in folder.iterdir()
            if entry.suffix.lower() in IMAGE_SUFFIXES and not entry.name.startswith(".") and entry.is_file()
        ),
        key=lambda entry: entry.name,
    )


def make_natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """A sort key by which numbers in names are compared as numbers: `frame_2` before `frame_10`."""
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"(\d+)", name))


def name_frames(folder: Path, files: Iterable[Path]) -> tuple[str, ...]:
    """One name per frame: the file's name, or, where two would coincide, its path inside the scene folder."""
    files = list(files)
    names = [file.name for file in files]
    if len(set(names)) < len(names):
        names = [file.relative_to(folder).as_posix() for file in files]
    return tuple(names)


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).rstrip(".")
