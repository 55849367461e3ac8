"""Curves and maps of a loss as pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from engine.lab.landscape.curves import Curves
from engine.lab.landscape.map import LossMap
from engine.lab.landscape.minima import find_map_minima
from engine.system.figures import write_figure

POSE, REFERENCE = "#35c4b5", "#e8a33d"


def draw_curves_figure(curves: Curves, name: str) -> Figure:
    """The curves by their units, beside each other."""
    units = list(dict.fromkeys(axis.unit for axis in curves.axes))
    figure = Figure(figsize=(3.6 * len(units), 3.2), layout="constrained")
    for place, unit in enumerate(units):
        axes = figure.add_subplot(1, len(units), place + 1)
        for index, axis in enumerate(curves.axes):
            if axis.unit == unit:
                (line,) = axes.plot(curves.offsets[index], curves.losses[index], label=axis.name)
                if curves.reference is not None and abs(curves.reference[index]) <= curves.offsets[index, -1]:
                    axes.axvline(curves.reference[index], color=line.get_color(), linestyle=":", linewidth=1)
        axes.axvline(0.0, color=POSE, linewidth=1)
        axes.set(xlabel=unit)
        axes.legend(fontsize=7)
    figure.axes[0].set(ylabel="mean squared error of colours")
    figure.suptitle(f"{name}, {curves.stage}; dotted: reference", fontsize=9)
    return figure


def draw_map_figure(loss_map: LossMap, name: str) -> Figure:
    """The logarithm of the loss in colours, with the pose, the reference and the minima."""
    figure = Figure(figsize=(5.2, 4.2), layout="constrained")
    axes = figure.add_subplot()
    shown = np.log10(np.maximum(loss_map.losses, 1e-12))
    image = axes.pcolormesh(loss_map.x, loss_map.y, shown, cmap="viridis", shading="nearest")
    axes.plot(0.0, 0.0, "+", color=POSE, markersize=10, label="pose")
    if loss_map.reference is not None:
        axes.plot(*loss_map.reference, "x", color=REFERENCE, markersize=8, label="reference")
    minima = find_map_minima(loss_map.losses)
    if minima:
        x, y = [loss_map.x[column] for _, column in minima], [loss_map.y[row] for row, _ in minima]
        axes.plot(x, y, "o", color="white", fillstyle="none", label="minima")
    across, down = loss_map.across, loss_map.down
    axes.set(xlabel=f"{across.name} [{across.unit}]", ylabel=f"{down.name} [{down.unit}]")
    axes.set(xlim=(loss_map.x[0], loss_map.x[-1]), ylim=(loss_map.y[-1], loss_map.y[0]))
    axes.legend(fontsize=7)
    figure.colorbar(image, label="log10 of the mean squared error")
    figure.suptitle(f"{name}, {loss_map.stage}", fontsize=9)
    return figure


def save_figure(figure: Figure, path: Path) -> Path:
    """Writes it, and returns the path; raises `UserError` where that fails."""
    write_figure(figure, path, 150)
    return path
