"""A plot of the loss along some directions of a frame."""

from __future__ import annotations

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.lab.lab_frame import LabFrame
from app.model.plots.curves import choose_ticks_about_zero
from app.panels.lab.dots import add_dots
from app.panels.widgets.parts import ACCENT, AMBER, GREEN, RED, TEXT, Colour, add_tool_tip, paint_series
from engine.lab.landscape.curves import Curves
from engine.lab.landscape.minima import find_minima

SKY: Colour = (110, 170, 250, 255)
COLOURS = (RED, GREEN, SKY)  # of x, y and z, as the gizmo has them
MARK = 0.06  # half height of the mark of the reference, of the range of the loss
TANGENT = 0.12  # of the range, to either side of the pose


class CurvePlot:
    """Curves of some axes with the pose, the reference, the local minima, and the slopes that training follows."""

    def __init__(self, title: str, axes: tuple[int, ...], legend: bool) -> None:
        """Adds it to the container that is open; `axes` by their place among those of the frame.

        `legend` says whether the mark of the reference is named.
        """
        self._axes, self._legend = axes, legend
        self._shown: Curves | None = None
        flags = {"no_menus": True, "no_mouse_pos": True, "no_box_select": True, "no_title": True}
        with dpg.group(show=False) as self._group:
            with dpg.group(horizontal=True):
                dpg.add_text(title)
                self._names = [dpg.add_text("", color=colour) for colour in COLOURS[: len(axes)]]
                self._reference_name = dpg.add_text("| reference", color=AMBER, show=legend)
            with dpg.plot(width=200, height=120, **flags) as self.plot:
                self._x = dpg.add_plot_axis(dpg.mvXAxis, auto_fit=True)
                with dpg.plot_axis(dpg.mvYAxis, auto_fit=True) as self._y:
                    self._present = dpg.add_inf_line_series([0.0])
                    paint_series(self._present, ACCENT, 1.0)
                    self._lines, self._slopes, self._references, self._minima = [], [], [], []
                    for colour in COLOURS[: len(axes)]:
                        self._lines.append(_add_line(colour, 1.8))
                        self._slopes.append(_add_line(TEXT, 1.0))
                        self._references.append(_add_line(AMBER, 1.0))
                        self._minima.append(add_dots(colour, dpg.mvPlotMarker_Circle, 3.5))
        with dpg.theme() as theme, dpg.theme_component(dpg.mvPlot):  # marks at the lowest places are seen as a whole
            for style, pixels in (("PlotPadding", 4), ("LabelPadding", 2), ("FitPadding", 0.08)):
                name = getattr(dpg, f"mvPlotStyleVar_{style}")
                dpg.add_theme_style(
                    name, 0 if style == "FitPadding" else pixels, pixels, category=dpg.mvThemeCat_Plots
                )
        dpg.bind_item_theme(self.plot, theme)
        add_tool_tip(
            self._group,
            "Mean squared error of colours. Teal: where the frame stands. Amber: the reference, along each curve. "
            "Dots: local minima. White: the slope there that training follows.",
        )

    def place(self, shown: bool, width: int, height: int) -> None:
        """Shows or hides it, and sets its size in pixels."""
        dpg.configure_item(self._group, show=shown)
        if shown:
            dpg.configure_item(self.plot, width=width, height=height)

    def show(self, curves: Curves, frame: LabFrame) -> None:
        """Shows curves of a frame."""
        if curves is self._shown:
            return
        self._shown = curves
        dpg.configure_item(self._x, label=self._unit(frame))
        farthest = max(float(curves.offsets[axis][-1]) / frame.shows(axis) for axis in self._axes)
        dpg.set_axis_ticks(self._x, tuple((f"{value:g}", value) for value in choose_ticks_about_zero(farthest)))
        dpg.configure_item(self._reference_name, show=self._legend and curves.reference is not None)
        for place, axis in enumerate(self._axes):
            scale = frame.shows(axis)
            x, y = curves.offsets[axis] / scale, curves.losses[axis]
            known = np.isfinite(y)
            dpg.set_value(self._names[place], frame.axes[axis])
            dpg.set_value(self._lines[place], [x[known].tolist(), y[known].tolist()])
            minima = find_minima(y)
            dpg.set_value(self._minima[place], [x[minima].tolist(), y[minima].tolist()])
            middle = len(x) // 2
            if known[middle]:
                reach = TANGENT * float(x[-1])
                rise = float(curves.slopes[axis]) * scale * reach
                ends = [float(y[middle]) - rise, float(y[middle]) + rise]
                dpg.set_value(self._slopes[place], [[-reach, reach], ends])
            self._show_reference(place, curves, axis, scale, x[known], y[known])

    def _show_reference(
        self, place: int, curves: Curves, axis: int, scale: float, x: np.ndarray, y: np.ndarray
    ) -> None:
        """A short mark across the curve where the reference is, if it is within the range."""
        at = None if curves.reference is None else curves.reference[axis] / scale
        if at is None or not len(x) or abs(at) > x.max():
            dpg.set_value(self._references[place], [[], []])
            return
        shown = curves.losses[list(self._axes)]
        middle, half = float(np.interp(at, x, y)), MARK * float(np.ptp(shown[np.isfinite(shown)]))
        dpg.set_value(self._references[place], [[at, at], [max(middle - half, 0.0), middle + half]])

    def _unit(self, frame: LabFrame) -> str:
        units = list(dict.fromkeys(frame.unit_of(axis) for axis in self._axes))
        return {"%": "% of the cameras' spread", "°": "degrees"}.get(", ".join(units), ", ".join(units))


def _add_line(colour: Colour, weight: float) -> int | str:
    line = dpg.add_line_series([], [])
    paint_series(line, colour, weight)
    return line
