"""How much memory this process holds now."""

from __future__ import annotations

import os
from pathlib import Path


def measure_resident_bytes() -> int | None:
    """Bytes in memory, or None where the system does not tell in the way of Linux."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
