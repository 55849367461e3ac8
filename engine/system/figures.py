"""Figures of matplotlib on disk, drawn by one thread at a time: its parser of labels is not safe for several.

The runs of a race that end together write their plots at the same moment, each in a thread of its own.
"""

from __future__ import annotations

import threading
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator

from engine.system.files import replace_file

_DRAWING = threading.Lock()


def set_log_scale(axes: Axes) -> None:
    """Makes the y axis logarithmic, with values as they are said: 0.2, and not 2 x 10^-1."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))


def write_figure(figure: Figure, path: Path, dpi: int) -> None:
    """Draws a figure into a PNG file, which appears once it is whole; may be called from any thread.

    Args:
        figure: of matplotlib.
        path: of the file.
        dpi: pixels per inch of the figure.
    Raises:
        UserError: it could not be written.
    """
    with replace_file(path) as temporary, _DRAWING:
        figure.savefig(temporary, dpi=dpi, format="png")
