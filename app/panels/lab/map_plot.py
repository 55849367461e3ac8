"""A map of the loss over two directions of a frame."""

from __future__ import annotations

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.lab.lab_frame import LabFrame
from app.model.lab.loss_colours import colour_losses
from app.panels.lab.dots import add_dots
from app.panels.widgets.live_texture import LiveTexture
from app.panels.widgets.parts import ACCENT, AMBER, TEXT, add_tool_tip
from engine.lab.landscape.map import LossMap
from engine.lab.landscape.minima import find_descent, find_map_minima
from engine.lab.landscape.options import DEFAULT

EVERY = 4  # places between two arrows
LENGTH = 0.9  # of the longest arrow, in distances between two
HEAD = 0.35  # of an arrow's length
ARROW = (255, 255, 255, 150)


class MapPlot:
    """Colours, arrows downhill, and marks of the pose, the reference and the minima."""

    def __init__(self) -> None:
        """Adds it to the container that is open."""
        self._shown: LossMap | None = None
        self._size = (200, 120)
        self._marked: tuple[object, ...] = ()
        self._kept: LossMap | None = None  # whose address is in the key
        self._texture = LiveTexture(DEFAULT.side, DEFAULT.side)
        flags = {"no_menus": True, "no_mouse_pos": True, "no_box_select": True, "no_title": True}
        with dpg.group(show=False) as self._group:
            with dpg.group(horizontal=True):
                self._title = dpg.add_text("")
                dpg.add_text("+ pose", color=ACCENT)
                self._reference_name = dpg.add_text("+ reference", color=AMBER)
                dpg.add_text("o minima")
            with dpg.plot(width=200, height=120, **flags) as self.plot:
                self._x = dpg.add_plot_axis(dpg.mvXAxis, no_gridlines=True)
                with dpg.plot_axis(dpg.mvYAxis, invert=True, no_gridlines=True) as self._y:
                    self._picture = dpg.add_image_series(self._texture.item, (-1, -1), (1, 1))
                    self._pose = add_dots(ACCENT, dpg.mvPlotMarker_Cross, 6)
                    self._reference = add_dots(AMBER, dpg.mvPlotMarker_Plus, 6)
                    self._minima = add_dots(TEXT, dpg.mvPlotMarker_Circle, 4, filled=False)
                self._arrows = dpg.add_draw_layer()
        add_tool_tip(
            self._group,
            "Mean squared error of colours: dark is low, on a logarithmic scale. Arrows point downhill, as the map is "
            "drawn; they are longer where it is steeper.",
        )

    def place(self, shown: bool, width: int, height: int) -> None:
        """Shows or hides it, and sets its size in pixels."""
        dpg.configure_item(self._group, show=shown)
        if shown and (width, height) != self._size:
            self._size, self._shown = (width, height), None
            dpg.configure_item(self.plot, width=width, height=height)

    def show(self, found: LossMap, frame: LabFrame) -> None:
        """Shows a map of a frame."""
        if found is self._shown:
            return
        self._shown = found
        across, down = (frame.axes.index(axis.name) for axis in (found.across, found.down))
        x, y = found.x / frame.shows(across), found.y / frame.shows(down)
        dpg.set_value(self._title, f"{found.across.name}, {found.down.name}")
        dpg.configure_item(self._x, label=f"{found.across.name} [{frame.unit_of(across)}]")
        dpg.configure_item(self._y, label=f"{found.down.name} [{frame.unit_of(down)}]")
        self._texture.pixels[:] = colour_losses(found.losses)
        self._texture.upload()
        half = ((x[1] - x[0]) / 2, (y[1] - y[0]) / 2)
        low, high = (float(x[0] - half[0]), float(y[0] - half[1])), (float(x[-1] + half[0]), float(y[-1] + half[1]))
        # The texture's first row is at bounds_max in y, and the axis points down.
        dpg.configure_item(self._picture, bounds_min=(low[0], high[1]), bounds_max=(high[0], low[1]))
        dpg.set_axis_limits(self._x, low[0], high[0])
        dpg.set_axis_limits(self._y, low[1], high[1])
        dpg.set_value(self._pose, [[0.0], [0.0]])
        there = found.reference
        seen = there is not None and bool(abs(there[0]) <= found.x[-1] and abs(there[1]) <= found.y[-1])
        dpg.configure_item(self._reference_name, show=seen)
        place = [[there[0] / frame.shows(across)], [there[1] / frame.shows(down)]] if there and seen else [[], []]
        dpg.set_value(self._reference, place)
        key = (found.x.ctypes.data, found.pixels, self._size)  # the offsets stay the same while one map is measured
        if key != self._marked:  # finding minima takes a while: once for each part of the pixels is enough
            self._marked, self._kept = key, found
            minima = find_map_minima(found.losses)
            dpg.set_value(self._minima, [[float(x[at[1]]) for at in minima], [float(y[at[0]]) for at in minima]])
            self._draw_arrows(found.losses, x, y)

    def _draw_arrows(self, losses: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
        dpg.delete_item(self._arrows, children_only=True)
        if not np.isfinite(losses).all():
            return
        places, fall = find_descent(losses, EVERY)
        line_width = float(x[-1] - x[0]) / self._size[0]  # in a plot it counts in units of the x axis
        for (row, column), direction in zip(places.astype(float), fall * EVERY * LENGTH, strict=True):
            tip = np.array((row, column)) + direction / 2
            tail, side = tip - direction, HEAD * np.array((-direction[1], direction[0])) / 2
            barbs = tip - HEAD * direction
            line = [tail, tip, barbs + side, tip, barbs - side]
            points = [
                (float(np.interp(at[1], np.arange(len(x)), x)), float(np.interp(at[0], np.arange(len(y)), y)))
                for at in line
            ]
            dpg.draw_polyline(points, color=ARROW, thickness=line_width, parent=self._arrows)
