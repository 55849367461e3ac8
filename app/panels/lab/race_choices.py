"""Who shall race, and by which rule."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from app.model.lab.race import make_chosen_race, make_first_choice
from app.model.state.scene_kinds import get_posed_scene
from app.model.state.state import State
from app.model.state.viewed_run import ViewedRun
from app.panels.lab.contestant_row import ContestantRow
from app.panels.widgets.parts import AMBER, add_tool_tip, dim_when_disabled, set_text
from engine.errors import UserError
from engine.lab.race.definition import COLOURS, Race
from engine.run.turns import Equal
from engine.scenes.load import has_poses

RULES: dict[str, Equal] = {"equal iterations": "iterations", "equal seconds": "seconds"}
COLUMNS = (("", 16), ("method", 108), ("field", 68), ("assistance", 72), ("λ = 10^", 64), ("start", 96))  # pixels
INTRODUCTION = (
    "Trains two to four runs in turns, from the same start and seed, with equal shares of the processor. The run that "
    "is shown is saved and ends."
)


class RaceChoices:
    """Offers a race of the run that is shown against another method; what is chosen is kept in the state.

    Attributes:
        first: an item that is seen whenever the choices are.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._of: ViewedRun | None = None
        self.first: int | str = 0

    def build(self) -> None:
        """Adds them to the container that is open."""
        with dpg.group(horizontal=True):
            self.first = dpg.add_button(label="Start race", callback=self._start)
            dim_when_disabled(self.first)
            add_tool_tip(self.first, INTRODUCTION)
            self._rule = dpg.add_combo(tuple(RULES), width=130, callback=self._choose_rule)
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
        self._note = dpg.add_text("", color=AMBER, wrap=0, show=False)
        with dpg.table(header_row=True, policy=dpg.mvTable_SizingFixedFit, no_pad_outerX=True):
            for label, width in COLUMNS:
                self._starts = dpg.add_table_column(label=label, width_fixed=True, init_width_or_weight=width)
            self._rows = [ContestantRow(place, self._check) for place in range(len(COLOURS))]

    def update(self, run: ViewedRun) -> None:
        """Offers a race of this run, where none was offered yet."""
        if run is self._of:
            return
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
        obstacle = ""
        try:
            self._make()
        except UserError as error:
            obstacle = str(error)
        set_text(self._note, obstacle)
        dpg.configure_item(self._note, show=bool(obstacle))
        dpg.configure_item(self.first, enabled=not obstacle)

    def _make(self) -> Race:
        run = self._of
        assert run is not None
        assert run.scene is not None
        return make_chosen_race(self._state.race.choice, run.settings, run.options, run.scene.kind)

    def _start(self) -> None:
        start = self._state.hooks.race
        if start is not None and self._of is not None and self._of is self._state.run:
            start(self._make())

    def _choose_rule(self, _: int, words: str) -> None:
        self._state.race.choice.equal = RULES[words]
        dpg.configure_item(self._limit, show=RULES[words] == "seconds")

    def _choose_limit(self, _: int, seconds: int) -> None:
        self._state.race.choice.max_seconds = max(seconds, 0)
