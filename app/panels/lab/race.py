"""The race panel: who shall race, and how far they are."""

from __future__ import annotations

from typing import Any

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.common.photo_sizes import fit_size
from app.model.lab.race import (
    describe_contestant,
    make_chosen_race,
    make_first_choice,
)
from app.model.lab.race_views import RaceViews
from app.model.state.scene_kinds import get_planar_scene, get_posed_scene
from app.model.state.state import State
from app.model.state.viewed_run import ViewedRun
from app.panels.lab.contestant_row import ContestantRow, add_swatch
from app.panels.widgets.parts import (
    AMBER,
    PADDING,
    add_muted_text,
    add_tool_tip,
    dim_when_disabled,
    measure_size,
    read_colour,
    set_text,
)
from app.panels.widgets.picture_item import PictureItem
from engine.errors import UserError
from engine.lab.race.definition import COLOURS
from engine.messages import Pause, Resume
from engine.run.feeds.view import LONGEST
from engine.scenes.load import has_poses

GAP = 6  # between two pictures, pixels
LOWEST = 48  # height of a picture in a panel that is too low for it, pixels
HEADINGS = ("", "shown", "iterations", "seconds", "share", "error", "centres", "PSNR", "")
WIDTHS = (16, 122, 66, 60, 46, 62, 62, 50, 96)  # of these columns, pixels
LESS_IMPORTANT = (  # columns that a panel narrower than so many pixels leaves out
    (680, ("seconds", "PSNR")),
    (570, ("centres",)),
    (490, ("share",)),
)
RULES = {"equal iterations": "iterations", "equal seconds": "seconds"}
COLUMNS = (
    "Share: of the seconds that all contestants have had. Error: mean rotation error, or of patches corner error, or "
    "without a reference reprojection error. Centres: mean error of the camera centres, scene units. PSNR: on the "
    "training photos, dB. Last: what it does; a click pauses this one, or has it go on. A click on a name shows that "
    "one in all other panels."
)
INTRODUCTION = (
    "Trains two to four runs in turns, from the same start and seed, with equal shares of the processor. The run that "
    "is shown is saved and ends."
)


class RacePanel:
    """Before a race the choices, during it the table of contestants."""

    title = "Race"

    def __init__(self, state: State) -> None:
        self._state = state
        self._of: ViewedRun | None = None
        self._obstacle: str | None = ""
        self._renderings, self._shown = RaceViews(), dict[int, np.ndarray]()

    def build(self, parent: int | str) -> None:
        self._parent = parent
        with dpg.group(parent=parent):
            self._absent = add_muted_text("Open a scene first.")
            with dpg.group(show=False) as self._before:
                self._build_choices()
            with dpg.group(show=False) as self._during:
                self._build_table()

    def _build_choices(self) -> None:
        with dpg.group(horizontal=True):
            self._start = dpg.add_button(label="Start race", callback=self._start_race)
            dim_when_disabled(self._start)
            add_tool_tip(self._start, INTRODUCTION)
            self._rule = dpg.add_combo(
                tuple(RULES), default_value="equal iterations", width=130, callback=self._choose_rule
            )
            add_tool_tip(
                self._rule,
                "What all have had equally much of at any time: optimisation steps, or seconds of their own. One "
                "trains at a time, a step each, on all cores.",
            )
            with dpg.group(show=False) as self._limit:
                limit = dpg.add_input_int(
                    label="s each", width=64, step=0, min_value=0, min_clamped=True, callback=self._choose_limit
                )
                add_tool_tip(limit, "Each one's schedule is fitted to so many seconds; 0 for the whole schedule.")
            self._note = dpg.add_text("", color=AMBER)
        with dpg.table(header_row=True, policy=dpg.mvTable_SizingFixedFit, no_pad_outerX=True):
            for label, width in (("", 16), ("method", 108), ("field", 68), ("assistance", 72), ("λ = 10^", 64)):
                dpg.add_table_column(label=label, width_fixed=True, init_width_or_weight=width)
            self._starts = dpg.add_table_column(label="start", width_fixed=True, init_width_or_weight=96)
            self._rows = [ContestantRow(place, self._check) for place in range(len(COLOURS))]

    def _build_table(self) -> None:
        with dpg.group(horizontal=True):
            end = dpg.add_button(label="End race", callback=self._end_race)
            add_tool_tip(end, "Saves and ends all contestants but the one that is shown, which goes on alone.")
            self._all = dpg.add_checkbox(label="steer all", callback=self._choose_all)
            add_tool_tip(
                self._all,
                "Pause, Play, λ, μ, rates, kicks and undo reach all contestants; else only the one that is shown.",
            )
            self._colours = dpg.add_checkbox(label="own colours", callback=self._choose_colours)
            add_tool_tip(
                self._colours,
                "The cameras of all contestants in the 3D view, a colour each; else those of the one that is shown, "
                "coloured by their error.",
            )
            self._words = add_muted_text("")
            add_tool_tip(self._words, COLUMNS)
        self._lines: list[list[int | str]] = []
        with dpg.table(header_row=True, policy=dpg.mvTable_SizingFixedFit, no_pad_outerX=True):
            self._columns = [
                dpg.add_table_column(label=label, width_fixed=True, init_width_or_weight=width)
                for label, width in zip(HEADINGS, WIDTHS, strict=True)
            ]
            for place, colour in enumerate(COLOURS):
                with dpg.table_row() as row:
                    add_swatch(colour)
                    name = dpg.add_selectable(callback=self._choose_shown, user_data=place)
                    texts = [dpg.add_text("") for _ in HEADINGS[2:-1]]
                    doing = dpg.add_button(small=True, callback=self._play_or_pause, user_data=place)
                    self._lines.append([row, name, *texts, doing])

        with dpg.group(horizontal=True, horizontal_spacing=GAP) as self._pictures:
            self._views = [PictureItem((LONGEST, LONGEST)) for _ in COLOURS]
        self._borders = [
            dpg.draw_rectangle((0, 0), (8, 8), color=read_colour(colour), thickness=2, parent=view.drawlist)
            for colour, view in zip(COLOURS, self._views, strict=True)
        ]
        for view in self._views:
            add_tool_tip(view.group, "The selected frame as this contestant's field shows it from its fitted pose.")

    # ------------------------------------------------------------------ every frame

    def update(self, state: State) -> None:
        if not dpg.is_item_visible(self._absent) and not any(map(dpg.is_item_visible, (self._start, self._all))):
            return  # another tab is in front
        run, race = state.run, state.race
        racing = race.race is not None
        ready = run is not None and (racing or run.opened is not None)
        dpg.configure_item(self._absent, show=not ready)
        dpg.configure_item(self._before, show=ready and not racing)
        dpg.configure_item(self._during, show=ready and racing)
        if run is None or not ready:
            return
        if racing:
            self._show_race(state)
        elif run is not self._of:
            self._offer(run)

    def _offer(self, run: ViewedRun) -> None:
        """Offers a race of what a run is against another method."""
        self._of = run
        before = self._state.race.choice
        choice = self._state.race.choice = make_first_choice(run.settings, run.options)
        choice.equal, choice.max_seconds = before.equal, before.max_seconds
        scene = get_posed_scene(run)
        starts: tuple[str, ...] = ("auto",)
        if scene is not None:
            starts = ("auto", "identity", "reference", "noise") if has_poses(scene.path) else ("auto", "identity")
        dpg.configure_item(self._starts, enabled=len(starts) > 1)
        for row, contestant in zip(self._rows, choice.contestants, strict=True):
            row.show(contestant, starts)
        dpg.set_value(self._rule, next(words for words, rule in RULES.items() if rule == choice.equal))
        self._check()

    def _check(self) -> None:
        """Says why the race cannot be started, where that is so."""
        self._obstacle = None
        try:
            self._make()
        except UserError as error:
            self._obstacle = str(error)
        set_text(self._note, self._obstacle or "")
        dpg.configure_item(self._start, enabled=self._obstacle is None)

    def _show_race(self, state: State) -> None:
        self._fit(measure_size(self._parent)[0])
        total = sum(run.snapshot.seconds for run in state.runs if run.snapshot is not None)
        race = state.race
        assert race.race is not None
        dpg.set_value(self._all, race.all)
        held = race.turns is not None and race.turns.held
        posed = get_planar_scene(state.run) is None
        dpg.set_value(self._colours, state.cameras.layers.contestants)
        dpg.configure_item(self._colours, show=posed)
        set_text(self._words, "saving the run before" if held else f"equal {race.race.equal}")
        self._show_views(state)
        for place, (row, name, *texts, doing) in enumerate(self._lines):
            there = place < len(state.runs)
            dpg.configure_item(row, show=there)
            if not there:
                continue
            run = state.runs[place]
            assert run.contestant is not None
            words = describe_contestant(run.contestant, run.snapshot, total)
            if run.error is not None:
                words = (*words[:-1], "failed")
            dpg.set_item_label(name, f"{run.contestant.name}###contestant {place}")
            dpg.set_value(name, place == state.active)
            for item, text in zip(texts, words[:-1], strict=True):
                set_text(item, text)
            dpg.set_item_label(doing, f"{words[-1]}###pause {place}")

    def _show_views(self, state: State) -> None:
        """The selected frame as each contestant renders it, as large as there is room for."""
        posed = get_posed_scene(state.run) is not None
        dpg.configure_item(self._pictures, show=posed)
        if not posed:
            return
        width, height = measure_size(self._parent)
        top = dpg.get_item_pos(self._pictures)[1]
        box = ((width - 3 * PADDING) / max(len(state.runs), 1) - GAP, max(height - top - 2 * PADDING, LOWEST))
        for place, view in enumerate(self._views):
            dpg.configure_item(view.group, show=place < len(state.runs))
        for place, pixels in enumerate(self._renderings.latest(state)):
            if pixels is None:
                continue
            view, size = self._views[place], fit_size((pixels.shape[1], pixels.shape[0]), box)
            if pixels is not self._shown.get(place):
                view.show(pixels)
                self._shown[place] = pixels
            view.place(size)
            dpg.configure_item(self._borders[place], pmax=size)

    def _fit(self, width: float) -> None:
        """Leaves out columns for which there is no room."""
        left_out = {name for least, names in LESS_IMPORTANT if width < least for name in names}
        for column, name in zip(self._columns, HEADINGS, strict=True):
            if dpg.get_item_configuration(column)["enabled"] == (name in left_out):
                dpg.configure_item(column, enabled=name not in left_out)

    # ------------------------------------------------------------------ what the user does

    def _make(self) -> Any:
        run = self._of
        assert run is not None
        assert run.scene is not None
        return make_chosen_race(self._state.race.choice, run.settings, run.options, run.scene.kind)

    def _start_race(self) -> None:
        start = self._state.hooks.race
        if start is not None and self._of is not None and self._of is self._state.run:
            start(self._make())

    def _end_race(self) -> None:
        if self._state.hooks.race is not None:
            self._state.hooks.race(None)

    def _choose_rule(self, _sender: int, words: str) -> None:
        self._state.race.choice.equal = "seconds" if RULES[words] == "seconds" else "iterations"
        dpg.configure_item(self._limit, show=RULES[words] == "seconds")

    def _choose_limit(self, _sender: int, seconds: int) -> None:
        self._state.race.choice.max_seconds = max(seconds, 0)

    def _choose_all(self, _sender: int, value: bool) -> None:
        self._state.race.all = value

    def _choose_colours(self, _sender: int, value: bool) -> None:
        self._state.cameras.layers.contestants = value

    def _choose_shown(self, _sender: int, _value: bool, place: int) -> None:
        self._state.show(place)

    def _play_or_pause(self, _sender: int, _value: Any, place: int) -> None:
        """Of one contestant, whatever is steered otherwise."""
        if place < len(self._state.runs):
            run = self._state.runs[place]
            if run.snapshot is not None:
                run.send(Pause() if run.snapshot.status == "running" else Resume())
