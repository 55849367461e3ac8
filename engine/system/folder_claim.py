"""One process at a time writes into a folder: a claim ends with the process, however that ends, and leaves no file."""

from __future__ import annotations

import os
import weakref
from pathlib import Path


class FolderClaim:
    """Keeps other processes from claiming a folder for as long as this object lives."""

    def __init__(self, descriptor: int) -> None:
        """Args:
        descriptor: of the folder, opened and locked; it is closed with this object.
        """
        weakref.finalize(self, os.close, descriptor)


_claims: weakref.WeakValueDictionary[tuple[int, int], FolderClaim] = weakref.WeakValueDictionary()


def claim_folder(folder: Path) -> FolderClaim | None:
    """Claims a folder; None if another process has it.

    Within one process all claims of a folder are the same one. Where the system or the disk has no such locks
    (Windows, some network disks), every claim is granted.

    Args:
        folder: an existing folder.
    Raises:
        OSError: it cannot be opened.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return FolderClaim(os.open(os.devnull, os.O_RDONLY))
    descriptor = os.open(folder, os.O_RDONLY)
    status = os.fstat(descriptor)
    key = status.st_dev, status.st_ino
    own = _claims.get(key)
    if own is not None:
        os.close(descriptor)
        return own
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:  # this disk has no locks
        pass
    claim = _claims[key] = FolderClaim(descriptor)
    return claim


def is_claimed_elsewhere(folder: Path) -> bool:
    """Whether another process has claimed a folder; False also where it does not exist or cannot be opened."""
    try:
        return claim_folder(folder) is None
    except OSError:
        return False
