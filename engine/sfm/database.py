"""COLMAP's database, looked at while COLMAP fills it.

COLMAP ends the process when it finds its database locked, so the file itself is never opened meanwhile: a look copies
it with its write-ahead log and opens the copy. A copy that was torn is passed over; the next look will tell.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

MOST_IMAGES = 2147483647  # COLMAP's pair number is the first image's number times this plus the second's
SHARE = 0.02  # of the time may go into copying


class DatabaseView:
    """Looks at a database that pycolmap fills."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._next = 0.0

    @property
    def worth_a_look(self) -> bool:
        """Whether the last look lies far enough back."""
        return time.monotonic() >= self._next

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "look.db"
            try:
                shutil.copyfile(self._path, copy)
                log = Path(f"{self._path}-wal")
                if log.is_file():
                    shutil.copyfile(log, f"{copy}-wal")
                connection = sqlite3.connect(copy)
                try:
                    return connection.execute(query, values).fetchall()
                finally:
                    connection.close()
            except (sqlite3.Error, OSError):
                return []
            finally:
                self._next = time.monotonic() + (time.monotonic() - start) / SHARE

    def names(self) -> dict[int, str]:
        """The images by COLMAP's number."""
        return dict(self._rows("SELECT image_id, name FROM images"))

    def features(self, but: set[int]) -> dict[int, Float[np.ndarray, "features 4"]]:
        """Position, scale and orientation of the features of the images that have some by now, but for some images."""
        left_out = ", ".join(str(int(image)) for image in but)
        query = f"SELECT image_id, rows, cols, data FROM keypoints WHERE image_id NOT IN ({left_out})"
        return {image: _features(rows, columns, data) for image, rows, columns, data in self._rows(query)}

    def matched(self) -> dict[tuple[int, int], int]:
        """How many raw matches the pairs have that were matched so far."""
        return {_pair(number): count for number, count in self._rows("SELECT pair_id, rows FROM matches")}

    def matches(self, table: str = "matches") -> dict[tuple[int, int], Int[np.ndarray, "matches 2"]]:
        """The raw matches of all pairs; those that agree with the model in the table `two_view_geometries`."""
        found = self._rows(f"SELECT pair_id, rows, cols, data FROM {table}")
        return {_pair(number): _indices(rows, data) for number, rows, _, data in found}

    def models(self) -> dict[tuple[int, int], int]:
        """Which model RANSAC chose for the pairs that were verified so far."""
        return {
            _pair(number): model for number, model in self._rows("SELECT pair_id, config FROM two_view_geometries")
        }


def _features(count: int, columns: int, data: bytes | None) -> Float[np.ndarray, "features 4"]:
    table = np.frombuffer(data or b"", dtype="<f4").reshape(count, columns)
    if columns != 6:
        return table[:, :4]
    a11, a12, a21, a22 = table[:, 2:6].T  # an affine shape: the first column is the direction times the scale
    scale = (np.hypot(a11, a21) + np.hypot(a12, a22)) / 2
    return np.column_stack([table[:, :2], scale, np.arctan2(a21, a11)])


def _pair(number: int) -> tuple[int, int]:
    first, second = divmod(number, MOST_IMAGES)
    return first, second


def _indices(rows: int, data: bytes | None) -> Int[np.ndarray, "matches 2"]:
    return np.frombuffer(data or b"", dtype="<u4").reshape(-1, 2) if rows else np.zeros((0, 2), dtype=np.uint32)
