"""The memory that this process uses now."""

from __future__ import annotations

import os
from pathlib import Path


def measure_resident_bytes() -> int | None:
    """Resident bytes of this process; None where the system has no `/proc`, as Linux has."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
