"""A JSON file that is complete at any moment: what was measured so far is on disk, whatever happens next."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


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

    def note(self, **figures: Any) -> None:
        """Adds figures."""
        self.found |= figures
        write_whole(self.path, self.found)
