"""The plots panel: losses, PSNR and errors over the run, with its events as vertical marks."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dearpygui.dearpygui as dpg

from app.model.plots.curves import NOTHING, Curve, make_curves
from app.model.plots.event_marks import COLOURS, KINDS, LABELS, Mark, MarkKind, make_marks
from app.model.state.state import State
from app.model.state.viewed_run import ViewedRun
from app.panels.plots.plot import PlotView, Series
from app.panels.widgets.parts import (
    ACCENT,
    AMBER,
    MUTED,
    TEXT,
    VIOLET,
    Colour,
    add_tool_tip,
    measure_inner_width,
    measure_size,
    read_colour,
    set_text,
)
from engine.lab.race.definition import COLOURS as CONTESTANTS
from engine.run.history import Row

PERIOD = 0.2  # seconds between updates
ALL = "all"
GAP = 4  # pixels between two plots of a row

SKY: Colour = (110, 170, 250, 255)

# by title: unit, whether a logarithmic scale is possible, curves
Plots = dict[str, tuple[str, bool, tuple[Series, ...]]]


def _list_error_series(name: str, this: str, digits: str) -> tuple[Series, ...]:
    """The largest and the mean error, and that of the selected frame or patch (`this`)."""
    return (
        Series(f"{name} max", "max", AMBER, digits),
        Series(f"{name} mean", "mean", ACCENT, digits),
        Series(f"{name} frame", this, TEXT, digits),
    )


_SHARED: Plots = {
    "Loss": (
        "",
        True,
        (
            Series("photometric", "photometric", ACCENT, ".2e"),
            Series("alignment", "λ·alignment", VIOLET, ".2e"),
            Series("matches", "μ·matches", SKY, ".2e"),
        ),
    ),
    "PSNR": ("dB", False, (Series("psnr", "PSNR", ACCENT, ".2f"),)),
}
POSED_PLOTS: Plots = _SHARED | {
    "Rotation error": ("°", True, _list_error_series("rotation", "this frame", ".3f")),
    "Reprojection error": ("px", True, _list_error_series("reprojection", "this frame", ".3f")),
    "Translation error": ("units", True, _list_error_series("translation", "this frame", ".4f")),
    "Tracks that fit": (
        "%",
        False,
        (
            Series("fit min", "least", AMBER, ".0f"),
            Series("fit mean", "mean", ACCENT, ".0f"),
            Series("fit frame", "this frame", TEXT, ".0f"),
        ),
    ),
}
WHICH_TIP = (
    "All plots of what is measured, or one of them large. Errors are measured against reference poses, which the "
    "COLMAP panel can make where there are none; until then the tracks of the matches say how well the cameras fit."
)
STAND_INS = {"Rotation error": "Reprojection error", "Translation error": "Tracks that fit"}
"""What is shown among all plots in the place of errors that are not measured, where there are tracks."""
PLANAR_PLOTS: Plots = _SHARED | {"Corner error": ("px", True, _list_error_series("corners", "this patch", ".3f"))}


class PlotsPanel:
    """All plots of a kind of scene, or one of them large; updated while they are visible."""

    title = "Plots"

    def __init__(self, state: State, plots: Plots) -> None:
        self._state, self._of = state, plots
        self._updated_at = -PERIOD
        self._parent: int | str = 0
        self._size = (0, 0)
        self._marks: list[Mark] = []
        self._curves: dict[str, Curve] = {}
        self._chosen: tuple[str, ...] = ()
        self._key: tuple[object, ...] = ()
        self._run: ViewedRun | None = None
        self._legend: dict[MarkKind, int | str] = {}

    def build(self, parent: int | str) -> None:
        self._parent = parent
        chosen = self._state.plots
        with dpg.group(parent=parent):
            with dpg.group(horizontal=True):
                self._which = dpg.add_combo([ALL, *self._of], default_value=ALL, width=84, callback=self._arrange)
                add_tool_tip(self._which, WHICH_TIP)
                self._over = dpg.add_combo(
                    ["seconds", "iterations"], default_value=chosen.over, width=80, callback=self._choose
                )
                add_tool_tip(self._over, "The x axis; seconds of training, pauses do not count.")
                self._log = dpg.add_checkbox(label="log", default_value=chosen.logarithmic, callback=self._choose)
                add_tool_tip(self._log, "Losses and errors on a logarithmic scale.")
                fit = dpg.add_button(label="Fit", callback=self._fit)
                add_tool_tip(
                    fit, "Plots fit their curves until you zoom (wheel) or pan (drag); a double click fits again."
                )
                this = next(one.label for _, _, series in self._of.values() for one in series if one.colour == TEXT)
                with dpg.group(horizontal=True) as self._kinds:
                    for text, color in (("mean", ACCENT), ("max", AMBER), (this, TEXT)):
                        dpg.add_text(text, color=color)
            with dpg.group(horizontal=True):
                self._contestants = [dpg.add_text("", color=read_colour(colour), show=False) for colour in CONTESTANTS]
                self._alignment = dpg.add_text("λ·alignment", color=VIOLET)
                self._matches = dpg.add_text("μ·matches", color=SKY, show=False)
                for kind in KINDS:
                    self._legend[kind] = dpg.add_text(f"| {LABELS[kind]}", color=(*COLOURS[kind], 255), show=False)
            self._none = dpg.add_text("Nothing yet: curves begin with the first steps.", color=MUTED)
            with dpg.group(show=False) as self._body:
                rows = [dpg.add_group(horizontal=True, horizontal_spacing=GAP) for _ in range(2)]
                self._plots = {
                    title: PlotView(title, unit, logarithmic, series, rows[min(index // 2, 1)])
                    for index, (title, (unit, logarithmic, series)) in enumerate(self._of.items())
                }
            with dpg.handler_registry():
                dpg.add_mouse_wheel_handler(callback=self._each(PlotView.release))
                dpg.add_mouse_drag_handler(button=0, threshold=4, callback=self._each(PlotView.release))
                dpg.add_mouse_drag_handler(button=1, threshold=4, callback=self._each(PlotView.release))
                dpg.add_mouse_double_click_handler(button=0, callback=self._each(PlotView.fit))
        self._choose()

    def update(self, state: State) -> None:
        size = measure_size(self._parent)
        if (int(size[0]), int(size[1])) != self._size:
            self._size = (int(size[0]), int(size[1]))
            self._arrange()
        for view in self._plots.values():
            view.point(self._marks, state.plots.over)
        now = time.monotonic()
        run = state.run
        if now - self._updated_at < PERIOD:
            return
        if run is None or run.history is None:  # nothing of the scene that was open before
            dpg.configure_item(self._none, show=True)
            dpg.configure_item(self._body, show=False)
            self._name_contestants([])
            self._key = ()
            return
        rows, events = run.history.rows, run.history.events
        dpg.configure_item(self._none, show=len(rows) < 2)
        dpg.configure_item(self._body, show=len(rows) >= 2)  # an empty plot would show arbitrary ticks
        if not dpg.is_item_visible(self._which):
            return
        self._updated_at = now
        last = (rows[-1].iteration, rows[-1].seconds) if rows else None
        end = events[-1] if events else None
        choices = (state.selected, state.plots.over, state.plots.logarithmic)
        race = list_contestants(state)
        lengths = tuple((name, len(own), own[-1].iteration) for name, own in race)
        key = (id(run), len(rows), last, len(events), end, lengths, *choices)
        if key == self._key:
            return
        self._key, self._run = key, run  # kept, so that no other run gets the same id
        self._curves = make_curves(rows, state.plots.over, state.plots.logarithmic, state.selected)
        self._marks = make_marks(events, state.plots.over)
        places = {kind: [mark.x for mark in self._marks if mark.kind == kind] for kind in KINDS}
        for kind, xs in places.items():
            dpg.configure_item(self._legend[kind], show=bool(xs))
        curves = [
            (name, make_curves(own, state.plots.over, state.plots.logarithmic, state.selected)) for name, own in race
        ]
        dpg.configure_item(self._matches, show=not race and bool(len(self._curves.get("matches", NOTHING).x)))
        self._name_contestants([name for name, _ in race])
        for view in self._plots.values():
            view.show(self._curves, places, curves)
        if choose_plots(self._of, self._curves) != self._chosen:
            self._arrange()

    def _name_contestants(self, names: Sequence[str]) -> None:
        """Puts the names of a race's contestants in the place of the words on one run's curves."""
        for item in (self._kinds, self._alignment):
            dpg.configure_item(item, show=not names)
        for place, item in enumerate(self._contestants):
            dpg.configure_item(item, show=place < len(names))
            set_text(item, names[place] if place < len(names) else "")

    def _each(self, act: Callable[[PlotView], None]) -> Callable[[], None]:
        """A callback for the mouse that calls `act` with the plot under it."""

        def callback() -> None:
            for view in self._plots.values():
                if view.hovered:
                    act(view)

        return callback

    def _choose(self) -> None:
        chosen = self._state.plots
        chosen.over, chosen.logarithmic = dpg.get_value(self._over), dpg.get_value(self._log)
        for view in self._plots.values():
            view.scale(chosen.over, chosen.logarithmic)
            view.fit()

    def _fit(self) -> None:
        for view in self._plots.values():
            view.fit()

    def _arrange(self, *_: Any) -> None:
        which = dpg.get_value(self._which)
        width, height = measure_inner_width(self._parent), max(self._size[1] - 94, 140)
        self._chosen = choose_plots(self._of, self._curves)
        rows = [[title for title in row if title in self._chosen] for row in split_rows(self._of)]
        high = height // max(sum(map(bool, rows)), 1)
        for row, titles in zip(split_rows(self._of), rows, strict=True):
            for title in row:
                if which == ALL:
                    wide = (width - GAP * (len(titles) - 1)) // max(len(titles), 1)
                    self._plots[title].place(title in titles, wide, high)
                else:
                    self._plots[title].place(title == which, width, height)


def list_contestants(state: State) -> list[tuple[str, Sequence[Row]]]:
    """Name and history of each contestant of the race in the window, in their order, once all have begun."""
    found: list[tuple[str, Sequence[Row]]] = [
        (run.contestant.name, run.history.rows)
        for run in state.runs
        if run.contestant is not None and run.history is not None and run.history.rows
    ]
    return found if state.race.race is not None and len(found) == len(state.runs) else []


def choose_plots(plots: Plots, curves: Mapping[str, Curve]) -> tuple[str, ...]:
    """The titles of the plots that are shown together: those of what is measured, once anything is.

    What the tracks say stands in for errors that are not measured.
    """

    def is_known(title: str) -> bool:
        return any(len(curves.get(series.name, NOTHING).x) for series in plots[title][2])

    chosen = []
    for title in plots:
        if title in STAND_INS.values():
            continue
        other = STAND_INS.get(title)
        chosen.append(other if other in plots and not is_known(title) and is_known(other) else title)
    return tuple(filter(is_known, chosen)) or tuple(chosen)


def split_rows(plots: Plots) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The titles in two rows, as many as are chosen of each: two of losses and pictures, then those of the errors."""
    titles = tuple(plots)
    return titles[:2], titles[2:]
