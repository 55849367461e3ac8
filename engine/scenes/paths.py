"""Paths of scenes: kept inside the scene folder, with suggestions in errors where a name does not exist."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Iterable
from pathlib import Path

from engine.errors import UserError

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp"})
VIDEO_SUFFIXES = frozenset(
    {".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".mts", ".m2ts", ".3gp", ".mpg", ".mpeg", ".wmv", ".ogv"}
)
# Pictures of cameras and programs that are not read, for sentences that say so.
OTHER_PICTURES = frozenset(
    {".cr2", ".cr3", ".nef", ".arw", ".dng", ".raf", ".orf", ".rw2", ".pef", ".srw", ".gif", ".jxl", ".jp2", ".exr"}
)
# Endings that image paths in Blender's and instant-ngp's files omit, the most usual first.
OMITTED_ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp")


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
        if path.suffix.lower() in OTHER_PICTURES and path.is_file():
            raise UserError(f"{path}: {path.suffix} files are not read; convert it to JPEG, PNG or TIFF.")
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


class MissingFileError(UserError):
    """A file that another one names does not exist in the scene's folder; `reason` says so in a few words."""

    def __init__(self, sentence: str, reason: str = "the file does not exist") -> None:
        super().__init__(sentence)
        self.reason = reason


class SceneFiles:
    """Finds the files that paths in a scene's files mean; what it returns lies inside the folder.

    Such paths come from other machines and other folders. `..` is taken out before the disk is asked, so that a path
    never leads out of the folder; links in the folder are the user's own and are followed.
    """

    def __init__(self, folder: Path, *below: Path) -> None:
        """Args:
        folder: the scene's folder, resolved.
        below: folders inside it to which paths may be relative as well, looked into after it.
        """
        self.folder = folder
        self._bases = tuple(dict.fromkeys((folder, *below)))
        self._listings: dict[Path, dict[str, list[str]]] = {}

    def find(self, written: str, named_in: Path, endings: Collection[str] = (), *, as_written: bool = False) -> Path:
        """The existing file that a path means: the longest ending of it that exists, in any case of its letters.

        Args:
            written: path with / or \\, relative or absolute, of this or of another machine.
            named_in: the file that contains it, for error messages.
            endings: file endings that the path may omit.
            as_written: whether the whole path has to exist, not only an ending of it.
        Raises:
            MissingFileError: no ending of it exists in the folder; similar names are suggested.
            UserError: it is no path.
        """
        if as_written and _leads_out(written.replace("\\", "/")):
            raise self._describe_missing(written, named_in)
        try:
            for parts in dict.fromkeys((_split_path(written), _split_path(written.replace("\\", "/")))):
                for base in self._bases:
                    for start in range(1 if as_written else len(parts)):
                        found = self._find_exactly(base, parts[start:], endings)
                        found = found or self._find_in_any_case(base, parts[start:], endings)
                        if found is not None:
                            return found
        except (OSError, ValueError) as error:
            raise UserError(
                f"{named_in} names the image {written[:200]!r}, which is no path ({_reason(error)}); correct it."
            ) from error
        raise self._describe_missing(written, named_in)

    def _find_exactly(self, base: Path, parts: tuple[str, ...], endings: Collection[str]) -> Path | None:
        path = base.joinpath(*parts)
        if path.is_file():
            return path
        return next((file for ending in endings if (file := path.with_name(path.name + ending)).is_file()), None)

    def _find_in_any_case(self, base: Path, parts: tuple[str, ...], endings: Collection[str]) -> Path | None:
        """As `_find_exactly`, but neither case nor the way in which accents are stored matters."""
        folder = base
        for part in parts[:-1]:
            name = self._match(folder, part)
            if name is None:
                return None
            folder /= name
        for ending in ("", *endings):
            name = self._match(folder, parts[-1] + ending)
            if name is not None and (folder / name).is_file():
                return folder / name
        return None

    def _match(self, folder: Path, name: str) -> str | None:
        """The entry of a folder with this name; None if there is none, or several that differ from it alike."""
        if folder not in self._listings:
            listing: dict[str, list[str]] = {}
            for entry in folder.iterdir() if folder.is_dir() else ():
                listing.setdefault(_fold_name(entry.name), []).append(entry.name)
            self._listings[folder] = listing
        names = self._listings[folder].get(_fold_name(name), [])
        if name in names:
            return name
        alike = [entry for entry in names if Path(entry).stem == Path(name).stem] if len(names) > 1 else names
        return alike[0] if len(alike) == 1 else None

    def _describe_missing(self, written: str, named_in: Path) -> MissingFileError:
        path = written.replace("\\", "/")
        if _leads_out(path):
            return MissingFileError(
                f"{named_in} names {written}, which leads out of the scene folder {self.folder}; copy the file into "
                "the folder.",
                "the file is not in the scene's folder",
            )
        missing = self.folder.joinpath(*_split_path(path))
        siblings = [entry.name for entry in missing.parent.iterdir()] if missing.parent.is_dir() else []
        hint = suggest_name(missing.name, siblings)
        return MissingFileError(
            f"{named_in} names the image {written or 'with no name'}, which does not exist{hint}; "
            "restore the file or remove its entry."
        )


def find_file_inside(folder: Path, written: str, named_in: Path) -> Path:
    """As `SceneFiles.find`, for a single path that was written by hand and has to exist as a whole."""
    return SceneFiles(folder).find(written, named_in, as_written=True)


def _split_path(written: str) -> tuple[str, ...]:
    """The parts of a path with /, without a drive, and without `.` and `..`: what a `..` leaves goes with it."""
    parts: list[str] = []
    for part in written.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", ".") and not (not parts and re.fullmatch(r"[A-Za-z]:", part)):
            parts.append(part)
    return tuple(parts)


def _leads_out(path: str) -> bool:
    """Whether a path with / is absolute, on any system, or climbs out of the folder that it is relative to."""
    depth = 0
    for part in path.split("/"):
        depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
        if depth < 0:
            return True
    return path.startswith("/") or re.match(r"[A-Za-z]:/", path) is not None


def _fold_name(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


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


def describe_unread_files(folder: Path) -> str | None:
    """What to do with the videos or pictures of a folder that has nothing else; None if it has none of these."""
    entries = [entry for entry in folder.iterdir() if not entry.name.startswith(".")]
    videos = sorted(entry for entry in entries if is_video(entry))
    if videos:
        what = "a video" if len(videos) == 1 else f"{len(videos)} videos"
        return f"{folder} holds {what} and no photos; give the file itself: {videos[0]}."
    others = sorted(entry for entry in entries if entry.suffix.lower() in OTHER_PICTURES and entry.is_file())
    if others:
        return (
            f"{folder} holds {len(others)} {'picture' if len(others) == 1 else 'pictures'} such as {others[0].name} "
            f"and no photos that are read: {others[0].suffix} is not; convert them to JPEG, PNG or TIFF."
        )
    return None


def name_frames(folder: Path, files: Iterable[Path]) -> tuple[str, ...]:
    """One name per frame: the file's name, or, where two would coincide, its path inside the scene folder."""
    files = list(files)
    names = [file.name for file in files]
    if len(set(names)) < len(names):
        names = [file.relative_to(folder).as_posix() for file in files]
    return tuple(names)


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).rstrip(".")
