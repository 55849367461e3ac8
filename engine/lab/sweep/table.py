"""The table of a sweep: a row per run, as Parquet and as CSV."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path

import pyarrow
import pyarrow.parquet

from engine.errors import UserError
from engine.lab.sweep.rows import Row, row_from_json
from engine.system.files import replace_file

PARQUET_FILE, CSV_FILE = "table.parquet", "table.csv"
_TYPES = {"str": pyarrow.string(), "State": pyarrow.string(), "int": pyarrow.int64(), "float": pyarrow.float64()}
SCHEMA = pyarrow.schema([(f.name, _TYPES[str(f.type).removesuffix(" | None")]) for f in fields(Row)])


class TableWriter:
    """Writes the table of a sweep whenever rows have come, but not more often than every `period` seconds."""

    def __init__(self, folder: Path, period: float = 2.0) -> None:
        self._folder, self._period, self._written_at = folder, period, -float("inf")

    def offer(self, rows: Iterable[Row]) -> None:
        """Writes if it is due; raises `UserError` where that fails."""
        if time.monotonic() - self._written_at >= self._period:
            write_table(rows, self._folder)
            self._written_at = time.monotonic()


def write_table(rows: Iterable[Row], folder: Path) -> None:
    """Replaces both files by the given rows, in the order of their names.

    Raises:
        UserError: they could not be written.
    """
    content = [asdict(row) for row in sorted(rows, key=lambda row: row.run)]
    with replace_file(folder / PARQUET_FILE) as temporary:
        pyarrow.parquet.write_table(pyarrow.Table.from_pylist(content, SCHEMA), temporary)
    with replace_file(folder / CSV_FILE) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, SCHEMA.names, lineterminator="\n")
        writer.writeheader()
        writer.writerows(content)


def read_table(folder: Path) -> list[Row]:
    """The rows of a sweep's folder.

    Raises:
        UserError: there is no table, or it cannot be read.
    """
    path = folder / PARQUET_FILE
    try:
        return [row_from_json(row) for row in pyarrow.parquet.read_table(path).to_pylist()]
    except FileNotFoundError as error:
        raise UserError(f"{folder} holds no sweep (no {PARQUET_FILE}).") from error
    except (OSError, TypeError, pyarrow.ArrowException) as error:
        raise UserError(f"{path} cannot be read ({error}).") from error
