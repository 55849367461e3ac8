"""What is kept from one start to the next: recent scenes, the layout, the window's size, the scale."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

import platformdirs

from app.model.common.layout import complete_layout, fits_window, is_complete, make_default_layout

RECENT = 8  # scenes that are kept
SIZE = (1600, 1000)  # of the window at the first start, pixels
SMALLEST = (960, 640)  # of the window, pixels: below it panels have no room


@dataclass
class Preferences:
    """Read at the start and written at the end; where a file cannot be read or written the defaults are used.

    Attributes:
        folder: of the files.
        recent: scene folders, newest first.
        size: of the window, pixels.
        scale: of fonts and spacing.
        wanted: the size that is kept where the screen of this start has no room for it; None where it has.
    """

    folder: Path
    recent: list[str] = field(default_factory=list)
    size: tuple[int, int] = SIZE
    scale: float = 1.0
    wanted: tuple[int, int] | None = None

    @property
    def layout_file(self) -> Path:
        return self.folder / "layout.ini"

    @classmethod
    def load(cls, folder: Path | None = None) -> Preferences:
        """The preferences of this user; defaults where there is no file or it is invalid."""
        folder = folder or Path(platformdirs.user_config_dir("l2g-viewer"))
        found = cls(folder)
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            words = json.loads((folder / "preferences.json").read_text(encoding="utf-8"))
            found.recent = [str(path) for path in words["recent"]][:RECENT]
            found.size = (max(int(words["size"][0]), SMALLEST[0]), max(int(words["size"][1]), SMALLEST[1]))
            found.scale = min(max(float(words["scale"]), 0.5), 3.0)
        return found

    def save(self) -> None:
        """Writes them; failures are ignored."""
        words = {name: value for name, value in asdict(self).items() if name not in ("folder", "wanted")}
        words["size"] = self.wanted or self.size
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            written = self.folder / "preferences.json.new"
            written.write_text(json.dumps(words, indent=1), encoding="utf-8")
            os.replace(written, self.folder / "preferences.json")

    def fit(self, size: tuple[int, int]) -> None:
        """Takes the size for which this screen has room; the one that was chosen on a larger screen is kept for it."""
        if size != self.size:
            self.wanted, self.size = self.size, size

    def take_size(self, size: tuple[int, int]) -> None:
        """Takes the size that the window has at its end; another one than at its start is what the user wants."""
        if size != self.size:
            self.wanted, self.size = None, size

    def remember(self, scene: Path) -> None:
        """Puts a scene first among the recent ones."""
        path = str(scene.resolve())
        self.recent = [path, *(other for other in self.recent if other != path)][:RECENT]

    def prepare_layout(self) -> Path | None:
        """The file of the layout; one of an older version gets the panels that it lacks.

        It is written anew where it is missing, incomplete, or of a window that was higher than wide while this one is
        not, or the other way round.

        Returns:
            its path; None if it cannot be written.
        """
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            kept = self.layout_file.read_text(encoding="utf-8") if self.layout_file.is_file() else ""
            whole = complete_layout(kept)
            if not is_complete(whole) or not fits_window(whole, *self.size):
                self.reset_layout()
            elif whole != kept:
                self.layout_file.write_text(whole, encoding="utf-8")
            return self.layout_file
        return None

    def reset_layout(self) -> None:
        """Writes the default layout."""
        with contextlib.suppress(OSError):
            self.layout_file.write_text(make_default_layout(*self.size, self.scale), encoding="utf-8")
