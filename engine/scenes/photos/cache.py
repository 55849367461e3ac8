"""Results computed from photos, kept in folders of the user's cache; a folder is filled completely or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from engine.errors import UserError

VERSION = 4  # of the cached content; part of every key


def compute_fingerprint(files: Sequence[Path], *settings: object) -> str:
    """A hexadecimal key that depends on the files (path, size, modification time), their order, and the settings."""
    digest = hashlib.blake2b(repr((VERSION, settings)).encode(), digest_size=12)
    for file in files:
        facts = file.stat()
        digest.update(repr((str(file.resolve()), facts.st_size, facts.st_mtime_ns)).encode())
    return digest.hexdigest()


@contextmanager
def report_full_disk() -> Iterator[None]:
    """Turns an error of the file system, while temporary files are written, into one sentence.

    Raises:
        UserError: the folder of temporary files cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{tempfile.gettempdir()} cannot be written ({error.strerror or error}); free some space there or set "
            "TMPDIR."
        ) from error


def find_or_fill(kind: str, key: str, fill: Callable[[Path], None]) -> Path:
    """The cache folder of a key; `fill(folder)` fills it if it does not exist yet.

    Args:
        kind: subfolder of the cache, such as `sfm`.
        key: of the content, from `compute_fingerprint`.
        fill: writes the content into an empty temporary folder.
    Raises:
        UserError: the cache cannot be written.
    """
    folder = choose_folder(kind, key)
    if folder.is_dir():
        return folder
    parent = folder.parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{key}.", dir=parent))
        try:
            fill(temporary)
            os.replace(temporary, folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        if folder.is_dir():  # another process filled it first
            return folder
        raise UserError(
            f"{parent} cannot be written ({error.strerror or error}); free some space there or set XDG_CACHE_HOME."
        ) from error
    return folder


def choose_folder(kind: str, key: str) -> Path:
    """The cache folder of a key, whether it exists or not; arguments are those of `find_or_fill`."""
    return Path(platformdirs.user_cache_dir("l2g-viewer")) / kind / key
