"""Unpacking of one scene from a zip file, safely: no path leaves the folder, no links, bounded count and size."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from engine.errors import UserError
from engine.system.files import replace_folder

Progress = Callable[[float, str], None]

MAXIMUM_FILES = 20_000  # of one scene
MAXIMUM_BYTES = 8_000_000_000  # of one scene, unpacked
CHUNK_BYTES = 1 << 20  # read and written at a time
_DAMAGE_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
    ValueError,
)


def unpack(archive: Path, scene: str, marker: str, target: Path, progress: Progress) -> None:
    """Unpacks the folder of a scene to `target`, completely or not at all.

    Args:
        archive: path of a zip file.
        scene: name of the scene's folder inside it.
        marker: name of a file in that folder.
        target: folder to write; an existing one is replaced.
        progress: called with the fraction in [0, 1] and the current file.
    Raises:
        DamagedError: the archive is damaged, unsafe, or has no such scene.
        UserError: the folder cannot be written.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = list_members(opened, scene, marker, archive)
            with replace_folder(target) as folder:
                _write(opened, members, folder, archive, progress)
    except _DAMAGE_ERRORS as error:
        raise DamagedError(f"{archive} is damaged ({error}); download it again.") from error


class DamagedError(UserError):
    """A downloaded archive is damaged, unsafe or incomplete, and has to be downloaded again."""


def list_members(
    opened: zipfile.ZipFile, scene: str, marker: str, archive: Path
) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """The files below the scene's folder, by their paths relative to it.

    Raises:
        DamagedError: there is no such folder, one of its files would leave it or is a link, or they are too many.
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
    if len(found) > MAXIMUM_FILES or sum(info.file_size for info in found.values()) > MAXIMUM_BYTES:
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
            while chunk := source.read(CHUNK_BYTES):
                written += len(chunk)  # counted here because the sizes that the archive states may be wrong
                if written > MAXIMUM_BYTES:
                    raise DamagedError(f"{archive} would unpack to more than a scene can be; do not use it.")
                file.write(chunk)
