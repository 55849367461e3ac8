"""Figures of matplotlib on disk, drawn by one thread at a time: its parser of labels is not safe for several.

The runs of a race that end together write their plots at the same moment, each in a thread of its own.
"""

from __future__ import annotations

import threading
from pathlib import Path

from matplotlib.figure import Figure

from engine.system.files import replace_file

_DRAWING = threading.Lock()


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
