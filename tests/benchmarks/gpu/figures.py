"""A JSON file that is complete at any moment: what was measured so far is on disk, whatever happens next."""

from __future__ import annotations

import json
import os
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

SAID = 900  # characters that are kept of a failure, its last


def write_whole(path: Path, content: Any) -> None:
    """Puts a JSON file in place of an earlier one; a reader, or the end of this process, never meets half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(json.dumps(content, indent=1, default=str), encoding="utf-8")
    os.replace(temporary, path)


def read_whole(path: Path) -> dict[str, Any]:
    """What a file of `write_whole` holds; nothing where there is none yet."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


class Figures:
    """What one part has measured, on disk after each figure."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found: dict[str, Any] = {}
        self.failed: list[str] = []  # what of the part was attempted and has failed

    def note(self, **figures: Any) -> None:
        """Adds figures."""
        self.found |= figures
        write_whole(self.path, self.found)

    def attempt(self, name: str, measure: Callable[[], object]) -> None:
        """Measures something; if it fails, why is a figure and in the log, and the part goes on."""
        begun = time.perf_counter()
        try:
            measure()
        except Exception as error:
            self.failed.append(name)
            self.note(**{f"{name} failed": f"{type(error).__name__}: {error}"[-SAID:]})
            traceback.print_exc()
        self.note(**{f"{name} took_seconds": time.perf_counter() - begun})
