"""Reading COLMAP's database while COLMAP writes it.

COLMAP ends the process when it finds its database locked, so the file itself is never opened meanwhile: every read
copies it with its write-ahead log and opens the copy. If the copy is inconsistent the read returns nothing; a later
one will succeed.
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

MAXIMUM_IMAGES = 2147483647  # COLMAP's pair id is the first image's id times this, plus the second's
READING_SHARE = 0.02  # of the time that may be spent on copying and reading


class DatabaseView:
    """Read access to a database that pycolmap is writing. Images are identified by COLMAP's own ids."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._next = 0.0

    @property
    def is_due(self) -> bool:
        """Whether enough time has passed since the last read to keep within `READING_SHARE`."""
        return time.monotonic() >= self._next

    def _query(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "copy.db"
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
                self._next = time.monotonic() + (time.monotonic() - start) / READING_SHARE

    def read_names(self) -> dict[int, str]:
        """Names of the images by their ids."""
        return dict(self._query("SELECT image_id, name FROM images"))

    def read_sizes(self) -> dict[int, tuple[int, int]]:
        """(width, height) of the images by their ids, pixels."""
        query = "SELECT image_id, width, height FROM images JOIN cameras ON images.camera_id = cameras.camera_id"
        return {image: (width, height) for image, width, height in self._query(query)}

    def read_features(self, known: set[int]) -> dict[int, Float[np.ndarray, "features 4"]]:
        """Features (x, y, scale in pixels, orientation in radians) of the images that have them, without `known`."""
        left_out = ", ".join(str(int(image)) for image in known)
        query = f"SELECT image_id, rows, cols, data FROM keypoints WHERE image_id NOT IN ({left_out})"
        return {image: _features(rows, columns, data) for image, rows, columns, data in self._query(query)}

    def read_match_counts(self) -> dict[tuple[int, int], int]:
        """Number of raw matches of each pair that has been matched so far."""
        return {_pair(number): count for number, count in self._query("SELECT pair_id, rows FROM matches")}

    def read_matches(self, table: str = "matches") -> dict[tuple[int, int], Int[np.ndarray, "matches 2"]]:
        """Matches of all pairs as feature indices: the raw ones, or the inliers in table `two_view_geometries`."""
        found = self._query(f"SELECT pair_id, rows, cols, data FROM {table}")
        return {_pair(number): _indices(rows, data) for number, rows, _, data in found}

    def read_models(self) -> dict[tuple[int, int], int]:
        """The model that RANSAC chose for each verified pair: a value of `pycolmap.TwoViewGeometryConfiguration`."""
        return {
            _pair(number): model for number, model in self._query("SELECT pair_id, config FROM two_view_geometries")
        }


def _features(count: int, columns: int, data: bytes | None) -> Float[np.ndarray, "features 4"]:
    table = np.frombuffer(data or b"", dtype="<f4").reshape(count, columns)
    if columns != 6:
        return table[:, :4]
    a11, a12, a21, a22 = table[:, 2:6].T  # an affine shape matrix: its first column is the direction times the scale
    scale = (np.hypot(a11, a21) + np.hypot(a12, a22)) / 2
    return np.column_stack([table[:, :2], scale, np.arctan2(a21, a11)])


def _pair(number: int) -> tuple[int, int]:
    first, second = divmod(number, MAXIMUM_IMAGES)
    return first, second


def _indices(rows: int, data: bytes | None) -> Int[np.ndarray, "matches 2"]:
    return np.frombuffer(data or b"", dtype="<u4").reshape(-1, 2) if rows else np.zeros((0, 2), dtype=np.uint32)
