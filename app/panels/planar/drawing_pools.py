"""Lines and words of a drawing that change from frame to frame: Dear PyGui's items are made once and then moved."""

from __future__ import annotations

from collections.abc import Sequence

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.planar.planar_shapes import SHADE, Colour

FONT = 13  # pixels


class LinePool:
    """Polylines on a layer of a drawlist."""

    def __init__(self, layer: int | str) -> None:
        self._layer = layer
        self._items: list[int | str] = []

    def show(self, lines: Sequence[tuple[np.ndarray, Colour, float, bool]]) -> None:
        """Draws lines in this order: points in pixels of the drawlist, colour, thickness, closed or not."""
        while len(self._items) < len(lines):
            self._items.append(dpg.draw_polyline([(0, 0), (0, 0)], parent=self._layer))
        for item, (points, colour, thickness, closed) in zip(self._items, lines, strict=False):
            dpg.configure_item(
                item, points=points.tolist(), color=colour, thickness=thickness, closed=closed, show=True
            )
        for item in self._items[len(lines) :]:
            dpg.configure_item(item, show=False)


class LabelPool:
    """Words on a layer of a drawlist, on a dark ground."""

    def __init__(self, layer: int | str) -> None:
        self._layer = layer
        self._items: list[tuple[int | str, int | str]] = []

    def show(self, labels: Sequence[tuple[tuple[float, float], str, Colour]]) -> None:
        """Writes words whose upper left corners are given, in pixels of the drawlist."""
        while len(self._items) < len(labels):
            ground = dpg.draw_rectangle((0, 0), (0, 0), color=(0, 0, 0, 0), fill=SHADE, rounding=3, parent=self._layer)
            self._items.append((ground, dpg.draw_text((0, 0), "", size=FONT, parent=self._layer)))
        for (ground, word), ((x, y), text, colour) in zip(self._items, labels, strict=False):
            dpg.configure_item(word, pos=(x + 4, y + 1), text=text, color=colour, show=True)
            width, height = label_size(text)
            dpg.configure_item(ground, pmin=(x, y), pmax=(x + width, y + height), show=True)
        for pair in self._items[len(labels) :]:
            for item in pair:
                dpg.configure_item(item, show=False)


def label_size(text: str) -> tuple[float, float]:
    """About how many pixels a word takes with its ground, across and down."""
    return 8 + 0.56 * FONT * len(text), FONT + 4
