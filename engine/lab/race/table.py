"""The table of a race: every column as CSV, what people compare as Markdown."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import NamedTuple

from engine.lab.race.rows import RaceRow
from engine.system.files import replace_file

CSV_FILE, MARKDOWN_FILE = "race.csv", "race.md"


class Column(NamedTuple):
    """A column for people: its heading, and the words of a row; empty where that is not known."""

    heading: str
    words: Callable[[RaceRow], str]


def _number(name: str, digits: int) -> Callable[[RaceRow], str]:
    def words(row: RaceRow) -> str:
        value = getattr(row, name)
        return "" if value is None else f"{value:,.{digits}f}"

    return words


ENDED = Column("ended", lambda row: f"failed: {row.reason}" if row.reason else row.state)
COLUMNS = (
    Column("contestant", lambda row: row.contestant),
    Column("rotation error, mean [°]", _number("rotation_mean_deg", 3)),
    Column("rotation error, max [°]", _number("rotation_max_deg", 3)),
    Column("rotations alone aligned, mean [°]", _number("relative_rotation_mean_deg", 3)),
    Column("translation error, mean [scene units]", _number("translation_mean", 4)),
    Column("corner error, mean [px]", _number("corner_mean_px", 2)),
    Column("training PSNR [dB]", _number("train_psnr", 2)),
    Column("reprojection error [px]", _number("reprojection_px", 2)),
    Column("verdict", lambda row: row.verdict or ""),
    Column("iterations", _number("iterations", 0)),
    Column("seconds", _number("seconds", 1)),
    Column("share of the time", lambda row: f"{100 * row.share:.0f} %"),
    ENDED,
)


def select_columns(rows: Sequence[RaceRow]) -> list[Column]:
    """Those in which any row has something to say."""
    return [column for column in COLUMNS if any(column.words(row) for row in rows)]


def write_csv(rows: Sequence[RaceRow], folder: Path) -> Path:
    """Writes `race.csv`, whose columns are the fields of `RaceRow`; returns its path.

    Raises:
        UserError: it could not be written.
    """
    path = folder / CSV_FILE
    with replace_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(RaceRow)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(asdict, rows))
    return path


def write_markdown(rows: Sequence[RaceRow], title: str, folder: Path) -> Path:
    """Writes `race.md`: a sentence on the race and a table; returns its path.

    Raises:
        UserError: it could not be written.
    """
    columns = select_columns(rows)
    lines = [
        f"{title}\n",
        "| " + " | ".join(column.heading for column in columns) + " |",
        "|" + "---|" * len(columns),
        *("| " + " | ".join(column.words(row).replace("|", "\\|") for column in columns) + " |" for row in rows),
    ]
    path = folder / MARKDOWN_FILE
    with replace_file(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
