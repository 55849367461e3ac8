"""A basin map as a picture."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from engine.lab.basin.kicks import Sizes
from engine.lab.basin.map import Basin


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
