"""One plot: curves, vertical marks of events, and a tool tip with what is under the mouse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.plots.curves import NOTHING, Curve, Over, choose_log_ticks, find_limits
from app.model.plots.event_marks import COLOURS, KINDS, Mark, MarkKind, find_nearest
from app.panels.widgets.parts import ACCENT, Colour, paint_series, read_colour, set_text
from engine.lab.race.definition import COLOURS as CONTESTANTS

LOW = 150  # height in pixels up to which the name of the x axis is left out
NOT_MEASURED = (
    "Rotation and translation errors are measured where there are reference poses; COLMAP's panel can make some. "
    "What the tracks say is known where the photos were matched."
)
LEAST = 1.0  # second, or iteration, that the x axis spans: ticks of less overlap
REACH = 6  # pixels from a mark at which the mouse points to it


@dataclass(frozen=True)
class Series:
    """How a curve of `app.model.plots.curves.curves` is drawn.

    Attributes:
        name: of the curve.
        label: in the tool tip.
        colour: of its line.
        digits: format of its values.
    """

    name: str
    label: str
    colour: Colour
    digits: str


class PlotView:
    """A plot whose axes fit its curves until the user zooms or pans.

    Attributes:
        plot: Dear PyGui's item.
    """

    def __init__(
        self, title: str, unit: str, can_be_logarithmic: bool, series: Sequence[Series], parent: int | str
    ) -> None:
        self._series, self._unit, self._can_be_logarithmic = series, unit, can_be_logarithmic
        self._fitting, self._high, self._over, self._log = True, True, "", False
        self._empty = False
        self._shown: list[tuple[Series, Curve]] = []
        # of a race: the curve that is drawn in the accent's colour (a mean), of each contestant
        self._main = next(one for one in series if one.colour == ACCENT)
        self._contestants: list[int | str] = []
        self._lines: dict[str, int | str] = {}
        self._marks: dict[MarkKind, int | str] = {}
        self._title, self._label = title, f"{title} [{unit}]" if unit else title
        flags = {"no_menus": True, "no_mouse_pos": True, "no_box_select": True}
        self._group = dpg.add_group(parent=parent)  # plots cannot have tool tips
        with dpg.plot(label=self._label, parent=self._group, width=200, height=120, **flags) as self.plot:
            self._x = dpg.add_plot_axis(dpg.mvXAxis)
            with dpg.plot_axis(dpg.mvYAxis) as self._y:
                for kind in KINDS:
                    self._marks[kind] = dpg.add_inf_line_series([])
                    paint_series(self._marks[kind], (*COLOURS[kind], 150), 1.0)
                for one in series:
                    self._lines[one.name] = dpg.add_line_series([], [])
                    paint_series(self._lines[one.name], one.colour, 1.6)
                for colour in CONTESTANTS:
                    self._contestants.append(dpg.add_line_series([], []))
                    paint_series(self._contestants[-1], read_colour(colour), 1.8)
        with (
            dpg.theme() as theme,
            dpg.theme_component(dpg.mvPlot),
        ):  # little space around the curves: the plots are small
            for style, pixels in (("PlotPadding", 3), ("LabelPadding", 2), ("FitPadding", 0.04)):
                name = getattr(dpg, f"mvPlotStyleVar_{style}")
                dpg.add_theme_style(name, pixels, pixels, category=dpg.mvThemeCat_Plots)
        dpg.bind_item_theme(self.plot, theme)
        with dpg.tooltip(self._group, show=False) as self._tip:
            self._text = dpg.add_text("")

    @property
    def hovered(self) -> bool:
        """Whether the mouse is over it."""
        return dpg.is_item_hovered(self.plot)

    def place(self, shown: bool, width: int, height: int) -> None:
        """Shows or hides it, and sets its size in pixels."""
        self._high = height > LOW
        self._name_x()
        dpg.configure_item(self._group, show=shown)
        dpg.configure_item(self.plot, width=width, height=height)

    def scale(self, over: Over, logarithmic: bool) -> None:
        """Sets what the x axis runs over, and whether the y axis is logarithmic."""
        self._over = "seconds" if over == "seconds" else "iterations"
        self._name_x()
        self._log = logarithmic and self._can_be_logarithmic
        dpg.configure_item(self._y, scale=dpg.mvPlotScale_Log10 if self._log else dpg.mvPlotScale_Linear)

    def _name_x(self) -> None:
        dpg.configure_item(self._x, label=self._over if self._high else "")

    def fit(self) -> None:
        """Fits the axes to the curves, now and whenever they change."""
        self._fitting = True
        shown = [curve for _, curve in self._shown]
        ends = find_limits(shown, self._log)
        if ends is None:
            return
        places = np.concatenate([curve.x for curve in shown])
        dpg.set_axis_limits(self._x, float(places.min()), max(float(places.max()), float(places.min()) + LEAST))
        dpg.set_axis_limits(self._y, *ends)
        if self._log:
            ticks = choose_log_ticks(*ends)
            dpg.set_axis_ticks(self._y, tuple((format_tick(value), value) for value in ticks))
        else:
            dpg.reset_axis_ticks(self._y)

    def _show_empty(self, empty: bool) -> None:
        """Hides the scales while there is no curve: Dear PyGui would show arbitrary ones."""
        if empty != self._empty:
            self._empty = empty
            dpg.configure_item(self.plot, label=f"{self._title}: not measured" if empty else self._label)
            for axis in (self._x, self._y):
                dpg.configure_item(axis, no_tick_labels=empty, no_tick_marks=empty, no_gridlines=empty)

    def release(self) -> None:
        """Stops fitting: the user moves the axes."""
        if self._fitting:
            self._fitting = False
            dpg.set_axis_limits_auto(self._x)
            dpg.set_axis_limits_auto(self._y)
            dpg.reset_axis_ticks(self._y)

    def show(
        self,
        curves: Mapping[str, Curve],
        marks: Mapping[MarkKind, Sequence[float]],
        race: Sequence[tuple[str, Mapping[str, Curve]]] = (),
    ) -> None:
        """Shows new curves by name, and marks at these x values.

        Args:
            curves: of the run that is shown.
            marks: of its events.
            race: names and curves of all contestants of a race, in whose place one curve of each is shown.
        """
        main, names = self._main, {one.name: one for one in self._series}
        if race:
            self._shown = [(replace(main, label=name), one.get(main.name, NOTHING)) for name, one in race]
        else:
            self._shown = [(one, curves[name]) for name, one in names.items() if name in curves]
        for name, line in self._lines.items():
            curve = NOTHING if race else curves.get(name, NOTHING)
            dpg.set_value(line, [curve.x, curve.y])
        for place, line in enumerate(self._contestants):
            curve = self._shown[place][1] if place < len(race) else NOTHING
            dpg.set_value(line, [curve.x, curve.y])
        self._show_empty(not any(len(curve.x) for _, curve in self._shown))
        for kind, places in marks.items():
            dpg.set_value(self._marks[kind], [[] if self._empty else list(places)])
        if self._fitting:
            self.fit()

    def point(self, marks: Sequence[Mark], over: Over) -> None:
        """Shows the mark under the mouse in the tool tip, or the values of the curves there."""
        if not self.hovered:
            dpg.configure_item(self._tip, show=False)
            return
        x = dpg.get_plot_mouse_pos()[0]
        low, high = dpg.get_axis_limits(self._x)
        mark = find_nearest(marks, x, REACH * (high - low) / max(dpg.get_item_width(self.plot) or 1, 1))
        text = mark.text if mark is not None else self._values(x, over)
        dpg.configure_item(self._tip, show=bool(text))
        set_text(self._text, text)

    def _values(self, x: float, over: Over) -> str:
        lines = []
        for one, curve in self._shown:
            if len(curve.x):
                index = int(np.abs(curve.x - x).argmin())
                lines.append(f"{one.label} {curve.y[index]:{one.digits}} {self._unit}".rstrip())
                where = f"{curve.x[index]:,.0f} iterations" if over == "iterations" else f"{curve.x[index]:.1f} s"
        return "\n".join([f"at {where}", *lines]) if lines else NOT_MEASURED


def format_tick(value: float) -> str:
    """A round value as a short text."""
    return f"{value:g}" if 1e-3 <= value < 1e4 else f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e")
