"""When what Numba keeps of a compiled kernel on disk is out of date."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any


def follow_sources(kernel: Any, folder: Path, *patterns: str) -> None:
    """Has a kernel that was made with `cache=True` compiled anew once one of some files changes.

    By itself Numba looks at the kernel's own file only, and a kernel may be made of functions of other files.

    Args:
        kernel: of the CPU or of CUDA.
        folder: in which the files are.
        patterns: of their paths below the folder.
    Raises:
        AttributeError: this Numba keeps it in another way. It must not be kept then: it could be out of date.
    """
    kernel._cache._cache_file._source_stamp = _stamp_sources(folder, patterns)


@lru_cache
def _stamp_sources(folder: Path, patterns: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Path below the folder, and digest, of each file."""
    files = sorted({file for pattern in patterns for file in folder.glob(pattern)})
    digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    return tuple(zip((file.relative_to(folder).as_posix() for file in files), digests, strict=True))
