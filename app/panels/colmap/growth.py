"""How COLMAP's model grows: registered photos, and the reprojection error before and after each adjustment."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from app.model.state.colmap_progress import ColmapProgress
from app.panels.widgets.parts import ACCENT, AMBER, RED, Colour, paint_series

SERIES: tuple[tuple[str, Colour], ...] = (("photos", ACCENT), ("before", RED), ("after", AMBER))


class ColmapGrowth:
    """A plot over the steps of the mapping."""

    def __init__(self) -> None:
        self._version: tuple[int, int] = (0, -1)

    def build(self) -> None:
        """Adds it to the container that is open, hidden."""
        plain = {"no_menus": True, "no_mouse_pos": True, "no_box_select": True}
        with dpg.group(show=False) as self._group, dpg.plot(width=200, height=120, **plain) as self._plot:
            dpg.add_plot_legend(horizontal=True, location=dpg.mvPlot_Location_South, outside=True)
            self._x = dpg.add_plot_axis(dpg.mvXAxis)
            self._left = dpg.add_plot_axis(dpg.mvYAxis, label="photos")
            self._right = dpg.add_plot_axis(dpg.mvYAxis2, label="px", opposite=True)
            self._lines = []
            for (name, colour), axis in zip(SERIES, (self._left, self._right, self._right), strict=True):
                make = dpg.add_stair_series if axis == self._left else dpg.add_line_series
                self._lines.append(make([], [], label=name, parent=axis))
                paint_series(self._lines[-1], colour, 1.6)

    def show(self, shown: bool) -> None:
        """Shows or hides it."""
        if dpg.is_item_shown(self._group) != shown:
            dpg.configure_item(self._group, show=shown)

    def update(self, progress: ColmapProgress, size: tuple[int, int]) -> str:
        """Brings it up to date, in `size` (width, height) pixels; a line about the last step."""
        dpg.configure_item(self._plot, width=size[0], height=max(size[1], 60))
        steps = progress.growth
        if self._version != (id(progress), len(steps)):
            self._version = (id(progress), len(steps))
            places = [float(index + 1) for index in range(len(steps))]
            columns: list[list[float]] = [
                [s.registered for s in steps],
                [s.before for s in steps],
                [s.after for s in steps],
            ]
            for line, values in zip(self._lines, columns, strict=True):
                dpg.set_value(line, [places, values])
            total = max(len(progress.names), 1)
            errors = [value for step in steps for value in (step.before, step.after) if value == value]
            dpg.set_axis_limits(self._x, 0.5, max(len(steps), 2) + 0.5)
            dpg.set_axis_limits(self._left, 0.0, total * 1.05)
            dpg.set_axis_limits(self._right, 0.0, 1.1 * max(errors, default=1.0))
        if not steps:
            return "Mapping has not begun."
        last = steps[-1]
        return (
            f"{last.what}: {last.registered} photos, {last.points:,} points, {last.before:.2f} → {last.after:.2f} px"
        )
