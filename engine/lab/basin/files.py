"""A basin map as files: a table of all kicks, and a picture."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from engine.lab.basin.map import NEVER, Basin
from engine.system.files import replace_file

TABLE, PICTURE = "basin.csv", "basin.png"
COLUMNS = (
    *("frame", "direction", "turn_deg", "shift_units", "shift_percent_of_spread", "rx", "ry", "rz", "tx", "ty", "tz"),
    *("came_back", "steps", "final_angle_deg", "final_distance_units"),
)


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
        writer.writerow(COLUMNS)
        writer.writerows(list_rows(basin, names))
    with replace_file(folder / PICTURE) as path:
        draw_basin(basin, names).savefig(path, dpi=150)


def list_rows(basin: Basin, names: Sequence[str]) -> list[tuple[object, ...]]:
    """The rows of the table, as `COLUMNS` name them; rotation vectors in radians, `steps` empty for none."""
    rows: list[tuple[object, ...]] = []
    for direction, one in enumerate(tried for tried in basin.tried if tried.ended):
        for row, column in np.ndindex(one.steps.shape):
            steps, shift = int(one.steps[row, column]), float(basin.shifts[row])
            size = (f"{basin.turns_deg[column]:.6g}", f"{shift:.6g}", f"{100 * shift / basin.request.spread:.6g}")
            kick = [f"{value:.6g}" for value in one.kicks[row, column]]
            back = steps != NEVER
            end = (f"{one.angle_deg[row, column]:.6g}", f"{one.distance[row, column]:.6g}")
            rows.append((names[one.frame], direction, *size, *kick, int(back), steps if back else "", *end))
    return rows


def draw_basin(basin: Basin, names: Sequence[str]) -> Figure:
    """The share of kicks that came back, with the median of their steps in each cell."""
    figure = Figure(figsize=(6.4, 5.2), layout="constrained")
    axes = figure.add_subplot()
    spread = basin.request.spread
    half = [(values[-1] - values[0]) / max(len(values) - 1, 1) / 2 for values in (basin.turns_deg, basin.shifts)]
    shifts = 100 * basin.shifts / spread
    extent = (
        *(float(basin.turns_deg[0] - half[0]), float(basin.turns_deg[-1] + half[0])),
        *(float(shifts[0] - 100 * half[1] / spread), float(shifts[-1] + 100 * half[1] / spread)),
    )
    image = axes.imshow(basin.returned, vmin=0, vmax=1, cmap="viridis", origin="lower", extent=extent, aspect="auto")
    for row, column in np.ndindex(basin.median_steps.shape):
        steps = float(basin.median_steps[row, column])
        if math.isfinite(steps):
            dark = basin.returned[row, column] > 0.6
            place = (float(basin.turns_deg[column]), float(shifts[row]))
            axes.text(*place, f"{steps:.0f}", ha="center", va="center", fontsize=7, color="black" if dark else "white")
    frame = basin.request.frame
    whose = "all frames" if frame is None else names[frame]
    axes.set(xlabel="turned by [°]", ylabel="moved by [% of the cameras' spread]")
    axes.set_title(f"{whose}, {', '.join(basin.stages)}: share that came back, median steps", fontsize=9)
    figure.colorbar(image)
    return figure
