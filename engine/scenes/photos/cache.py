"""What was made of photos once need not be made again: a folder of the user's cache, filled whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import platformdirs

from engine.errors import UserError

VERSION = 1  # of what is kept


def compute_fingerprint(files: Sequence[Path], *settings: object) -> str:
    """Tells files, by path, size and time of change, and settings from others."""
    digest = hashlib.blake2b(repr((VERSION, settings)).encode(), digest_size=12)
    for file in files:
        facts = file.stat()
        digest.update(repr((str(file.resolve()), facts.st_size, facts.st_mtime_ns)).encode())
    return digest.hexdigest()


def find_or_fill(kind: str, key: str, fill: Callable[[Path], None]) -> Path:
    """The folder of a key, made by `fill` if it is not there yet.

    Raises:
        UserError: the cache cannot be written.
    """
    parent = Path(platformdirs.user_cache_dir("l2g-viewer")) / kind
    folder = parent / key
    if folder.is_dir():
        return folder
    try:
        parent.mkdir(parents=True, exist_ok=True)
        begun = Path(tempfile.mkdtemp(prefix=f".{key}.", dir=parent))
        try:
            fill(begun)
            os.replace(begun, folder)
        finally:
            shutil.rmtree(begun, ignore_errors=True)
    except OSError as error:
        if folder.is_dir():  # another process was faster
            return folder
        raise UserError(
            f"{parent} cannot be written ({error.strerror or error}); free some space there or set XDG_CACHE_HOME."
        ) from error
    return folder
