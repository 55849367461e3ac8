"""Curves of errors over noise or λ, as SVG."""

from __future__ import annotations

import io
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from engine.lab.sweep.statistics import Interval
from engine.lab.sweep.summary import Curve
from engine.system.figures import set_log_scale

# Okabe and Ito's colours, which colour-blind people can tell apart; then the same with other lines.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
LINES = ("-", "--", "-.")
BARS_APART = 0.12  # of the distance of two values, from the first line's bars to the last one's: they hide each other


def plot_curves(curves: Sequence[Curve]) -> bytes:
    """An SVG of curves of one scene over one axis: a pair of plots for each quantity, of means and of medians."""
    quantities = list(dict.fromkeys(curve.quantity for curve in curves))
    names = list(dict.fromkeys(curve.name for curve in curves))
    axis = curves[0].axis
    apart = BARS_APART * min(np.diff(axis.numbers)) / len(names)
    figure = Figure(figsize=(10, 3.3 * len(quantities) + 0.4), layout="constrained")
    grid = figure.subplots(len(quantities), 2, squeeze=False, sharex=True, sharey="row")
    for plots, quantity in zip(grid, quantities, strict=True):
        for plot, kind in zip(plots, ("mean", "median"), strict=True):
            for curve in (curve for curve in curves if curve.quantity is quantity):
                place = names.index(curve.name)
                style = {
                    "color": COLOURS[place % len(COLOURS)],
                    "linestyle": LINES[place // len(COLOURS) % len(LINES)],
                }
                aside = apart * (place - (len(names) - 1) / 2)
                places = [number + aside for number in axis.numbers]
                _draw(plot, places, curve.means if kind == "mean" else curve.medians, curve.name, style)
            plot.set_title(f"{kind} {quantity.name}", fontsize=10)
            plot.set_xticks(axis.numbers, axis.labels, fontsize=8)
            plot.grid(alpha=0.25)
        if all(low > 0 for line in plots[0].lines for low in np.ravel(line.get_ydata()) if np.isfinite(low)):
            set_log_scale(plots[0])  # both share it
    for plot in grid[-1]:
        plot.set_xlabel(axis.name)
    if len(names) > 1:
        figure.legend(*grid[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8)
    held = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "l2g-sweep"}):  # the same picture has the same bytes again
        figure.savefig(held, format="svg", metadata={"Date": None})
    return held.getvalue()


def _draw(plot: object, places: Sequence[float], found: Sequence[Interval], name: str, style: dict[str, str]) -> None:
    """A line with its interval as bars; the bars of a few runs would be hidden in a band."""
    values, low, high = np.array(found, dtype=np.float64).reshape(-1, 3).T
    below, above = np.maximum(values - low, 0), np.maximum(high - values, 0)
    plot.errorbar(  # type: ignore[attr-defined]
        places, values, (below, above), marker="o", markersize=4, linewidth=1.6, capsize=3, label=name, **style
    )
