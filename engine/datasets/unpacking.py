"""A scene out of a zip file of others: no path leaves the folder, no links, no more than can be."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from engine.errors import UserError
from engine.system.files import replace_folder

Progress = Callable[[float, str], None]

MOST_FILES = 20_000
MOST_BYTES = 8_000_000_000  # unpacked
PIECE = 1 << 20  # bytes
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OverflowError, ValueError)


def unpack(archive: Path, scene: str, marker: str, target: Path, progress: Progress) -> None:
    """Unpacks the folder of a scene to `target`, whole or not at all.

    Args:
        archive: a zip file.
        scene: name of the folder.
        marker: a file that is in it.
        target: replaced if it is there.
        progress: told the fraction and the file.
    Raises:
        UserError: the archive is damaged or unsafe, has no such scene, or cannot be written out.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = list_members(opened, scene, marker, archive)
            with replace_folder(target) as folder:
                _write(opened, members, folder, archive, progress)
    except _DAMAGE as error:
        raise DamagedError(f"{archive} is damaged ({error}); download it again.") from error


class DamagedError(UserError):
    """What was downloaded is no use."""


def list_members(
    opened: zipfile.ZipFile, scene: str, marker: str, archive: Path
) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """The files below the scene's folder by their paths in it.

    Raises:
        UserError: there is no such folder, or one of its files would leave it, is a link, or they are too many.
    """
    suffix = f"{scene}/{marker}"
    markers = [name for name in opened.namelist() if name == suffix or name.endswith(f"/{suffix}")]
    markers = [name for name in markers if "__MACOSX" not in name]
    if not markers:
        raise DamagedError(f"{archive} holds no scene {scene} (no {suffix}); download it again.")
    prefix = min(markers, key=len).removesuffix(marker)
    found: dict[PurePosixPath, zipfile.ZipInfo] = {}
    for info in opened.infolist():
        if not info.filename.startswith(prefix) or info.is_dir():
            continue
        relative = info.filename.removeprefix(prefix)
        path = PurePosixPath(relative)
        unsafe = path.is_absolute() or ".." in path.parts or "\\" in relative or ":" in relative or not path.parts
        if unsafe or "\0" in relative:
            raise DamagedError(f"{archive} holds {info.filename!r}, a path that leaves its folder; do not use it.")
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise DamagedError(f"{archive} holds {info.filename!r}, which is a link or device; do not use it.")
        if path in found:
            raise DamagedError(f"{archive} holds {info.filename!r} twice; do not use it.")
        found[path] = info
    if len(found) > MOST_FILES or sum(info.file_size for info in found.values()) > MOST_BYTES:
        raise DamagedError(f"{archive} would unpack to more than a scene can be; do not use it.")
    return found


def _write(
    opened: zipfile.ZipFile,
    members: dict[PurePosixPath, zipfile.ZipInfo],
    folder: Path,
    archive: Path,
    progress: Progress,
) -> None:
    written = 0
    for done, (path, info) in enumerate(members.items()):
        progress(done / len(members), f"unpacking {path}")
        place = folder.joinpath(*path.parts)
        place.parent.mkdir(parents=True, exist_ok=True)
        with opened.open(info) as source, place.open("xb") as file:
            while piece := source.read(PIECE):
                written += len(piece)  # what the archive says of its sizes need not be so
                if written > MOST_BYTES:
                    raise DamagedError(f"{archive} would unpack to more than a scene can be; do not use it.")
                file.write(piece)
