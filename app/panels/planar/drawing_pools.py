"""Lines and labels of a drawing that change in every frame: items are made once and then moved."""

from __future__ import annotations

from collections.abc import Sequence

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.planar.planar_shapes import SHADE, Colour

FONT = 13  # height of labels, pixels
LETTER_WIDTH = 0.48  # mean width of a letter, as a share of the height; measured 0.44 for names and numbers


class LinePool:
    """Polylines on a layer of a drawlist."""

    def __init__(self, layer: int | str) -> None:
        self._layer = layer
        self._items: list[int | str] = []

    def show(self, lines: Sequence[tuple[np.ndarray, Colour, float, bool]]) -> None:
        """Draws lines in this order.

        Args:
            lines: (points, 2) in pixels of the drawlist, colour, thickness in pixels, whether it is closed.
        """
        while len(self._items) < len(lines):
            self._items.append(dpg.draw_polyline([(0, 0), (0, 0)], parent=self._layer))
        for item, (points, colour, thickness, closed) in zip(self._items, lines, strict=False):
            dpg.configure_item(
                item, points=points.tolist(), color=colour, thickness=thickness, closed=closed, show=True
            )
        for item in self._items[len(lines) :]:
            dpg.configure_item(item, show=False)


class LabelPool:
    """Short texts with a dark background on a layer of a drawlist."""

    def __init__(self, layer: int | str) -> None:
        self._layer = layer
        self._items: list[tuple[int | str, int | str]] = []

    def show(self, labels: Sequence[tuple[tuple[float, float], str, Colour]]) -> None:
        """Draws labels: upper left corner in pixels of the drawlist, text, colour."""
        while len(self._items) < len(labels):
            ground = dpg.draw_rectangle((0, 0), (0, 0), color=(0, 0, 0, 0), fill=SHADE, rounding=3, parent=self._layer)
            self._items.append((ground, dpg.draw_text((0, 0), "", size=FONT, parent=self._layer)))
        for (ground, word), ((x, y), text, colour) in zip(self._items, labels, strict=False):
            dpg.configure_item(word, pos=(x + 4, y + 1), text=text, color=colour, show=True)
            width, height = measure_label(text)
            dpg.configure_item(ground, pmin=(x, y), pmax=(x + width, y + height), show=True)
        for pair in self._items[len(labels) :]:
            for item in pair:
                dpg.configure_item(item, show=False)


def measure_label(text: str) -> tuple[float, float]:
    """About (width, height) in pixels of a label with its background."""
    return 8 + LETTER_WIDTH * FONT * len(text), FONT + 4
