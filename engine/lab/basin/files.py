"""A basin map as files: a table of all kicks, and a picture."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.lab.basin.map import NEVER, Basin
from engine.system.files import replace_file

TABLE, PICTURE = "basin.csv", "basin.png"


def write_basin(basin: Basin, names: Sequence[str], folder: Path) -> None:
    """Writes `basin.csv`, a row for each kick that was tried, and `basin.png` into a folder.

    Args:
        basin: of which at least one direction is known.
        names: of all training frames.
        folder: made if it is missing.
    Raises:
        UserError: they could not be written; older files stay as they were.
    """
    # Here, because their library takes half a second, which only those wait for who write a picture.
    from engine.lab.basin.picture import draw_basin
    from engine.system.figures import write_figure

    with replace_file(folder / TABLE) as path, path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(list_columns(basin))
        writer.writerows(list_rows(basin, names))
    write_figure(draw_basin(basin, names), folder / PICTURE, 150)


def list_columns(basin: Basin) -> tuple[str, ...]:
    """Names of the columns of the table."""
    sizes = (*basin.columns.table, *basin.rows.table)
    return ("frame", "direction", *sizes, *basin.numbers, "came_back", "steps", *basin.measures)


def list_rows(basin: Basin, names: Sequence[str]) -> list[tuple[object, ...]]:
    """The rows of the table, as `list_columns` names them; `steps` empty for none."""
    rows: list[tuple[object, ...]] = []
    for direction, one in enumerate(tried for tried in basin.tried if tried.ended):
        for cell in np.ndindex(basin.shape):
            steps = int(one.steps[cell])
            sizes = [
                f"{sides.values[place] * factor:.6g}"
                for sides, place in ((basin.columns, cell[1]), (basin.rows, cell[0]))
                for factor in sides.table.values()
            ]
            kick, end = ([f"{value:.6g}" for value in values[cell]] for values in (one.kicks, one.measured))
            back = steps != NEVER
            rows.append((names[one.frame], direction, *sizes, *kick, int(back), steps if back else "", *end))
    return rows
