"""The plot of a race: errors and PSNR of all contestants, over iterations and over seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from engine.lab.race.runner import Entrant
from engine.run.history import Row, mean_of
from engine.system.figures import set_log_scale, write_figure

PLOT_FILE = "race.png"


class Quantity(NamedTuple):
    """What is drawn: its label, its value at a moment (NaN where it is not known), and the scale of its axis."""

    label: str
    value: Callable[[Row], float]
    scale: str


QUANTITIES = (
    Quantity("corner error, mean [px]", lambda row: mean_of(_but_first(row.corner_error_px)), "log"),
    Quantity("rotation error, mean [°]", lambda row: mean_of(row.rotation_error_deg), "log"),
    Quantity("translation error, mean [scene units]", lambda row: mean_of(row.translation_error), "log"),
    Quantity("reprojection error, median [px]", lambda row: _median_of(row.reprojection_px), "log"),
    Quantity("training PSNR [dB]", lambda row: row.psnr, "linear"),
)


def plot_race(entrants: Sequence[Entrant], title: str, folder: Path) -> Path:
    """Writes `race.png`: a line for each contestant and each quantity that any of them has; returns its path.

    Raises:
        UserError: it could not be written.
    """
    histories = [entrant.session.history.rows for entrant in entrants]
    shown = [one for one in QUANTITIES if any(np.isfinite(one.value(row)) for rows in histories for row in rows)]
    figure = Figure(figsize=(11, 2.6 * max(len(shown), 1) + 0.8), layout="constrained")
    grid = figure.subplots(max(len(shown), 1), 2, squeeze=False, sharex="col", sharey="row")
    for axes, quantity in zip(grid, shown, strict=False):
        positive = True
        for entrant, rows in zip(entrants, histories, strict=True):
            values = np.array([quantity.value(row) for row in rows])
            positive &= not (values <= 0).any()
            style = {
                "color": entrant.contestant.colour,
                "linewidth": 1.8,
                "label": entrant.contestant.name,
                "marker": "o" if len(rows) == 1 else None,
            }
            axes[0].plot([row.iteration for row in rows], values, **style)
            axes[1].plot([row.seconds for row in rows], values, **style)
        axes[0].set_ylabel(quantity.label, fontsize=9)
        if quantity.scale == "log" and positive:
            set_log_scale(axes[0])  # both share it
        for plot in axes:
            plot.grid(alpha=0.25)
    grid[-1][0].set_xlabel("iterations")
    grid[-1][1].set_xlabel("seconds of each contestant")
    figure.suptitle(title, fontsize=11)
    figure.legend(*grid[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=9)
    path = folder / PLOT_FILE
    write_figure(figure, path, 110)
    return path


def _but_first(errors: np.ndarray | None) -> np.ndarray | None:
    """Of patches: the first is fixed."""
    return None if errors is None else errors[1:]


def _median_of(errors: np.ndarray | None) -> float:
    known = np.empty(0) if errors is None else errors[np.isfinite(errors)]
    return float(np.median(known)) if len(known) else float("nan")
