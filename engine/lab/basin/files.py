"""A basin map as files: a table of all kicks, and a picture."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from engine.lab.basin.kicks import Sizes
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
    with replace_file(folder / TABLE) as path, path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(list_columns(basin))
        writer.writerows(list_rows(basin, names))
    with replace_file(folder / PICTURE) as path:
        draw_basin(basin, names).savefig(path, dpi=150)


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


def draw_basin(basin: Basin, names: Sequence[str]) -> Figure:
    """The share of kicks that came back, with the median of their steps in each cell."""
    figure = Figure(figsize=(6.4, 5.2), layout="constrained")
    axes = figure.add_subplot()
    across, up = basin.columns, basin.rows
    extent = (*_find_edges(across), *_find_edges(up))
    image = axes.imshow(basin.returned, vmin=0, vmax=1, cmap="viridis", origin="lower", extent=extent, aspect="auto")
    for row, column in np.ndindex(basin.shape):
        steps = float(basin.median_steps[row, column])
        if math.isfinite(steps):
            dark = basin.returned[row, column] > 0.6
            place = (float(across.values[column]), float(up.values[row]))
            axes.text(*place, f"{steps:.0f}", ha="center", va="center", fontsize=7, color="black" if dark else "white")
    axes.set(xlabel=f"{across.label} [{across.whole_unit}]", ylabel=f"{up.label} [{up.whole_unit}]")
    whose = "all frames" if basin.frame is None else names[basin.frame]
    axes.set_title(f"{whose}, {', '.join(basin.stages)}: share that came back, median steps", fontsize=9)
    figure.supxlabel(basin.definition, fontsize=7, wrap=True)
    figure.colorbar(image)
    return figure


def _find_edges(sizes: Sizes) -> tuple[float, float]:
    """Of the outermost cells."""
    first, last = float(sizes.values[0]), float(sizes.values[-1])
    half = (last - first) / max(len(sizes.values) - 1, 1) / 2 or 0.5
    return first - half, last + half
