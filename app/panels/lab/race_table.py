"""How far the contestants of a race are, and what is done with all of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import dearpygui.dearpygui as dpg

from app.model.lab.race import describe_contestant
from app.model.state.scene_kinds import get_posed_scene
from app.model.state.state import State
from app.panels.lab.contestant_row import add_swatch
from app.panels.widgets.parts import add_muted_text, add_tool_tip, centre_text, measure_size, set_text
from engine.lab.race.definition import COLOURS
from engine.messages import Pause, Resume


class Column(NamedTuple):
    """A column of figures: its heading and width in pixels; a panel narrower than `needs` pixels leaves it out."""

    heading: str
    width: int
    needs: int = 0


FIGURES = (
    Column("iterations", 66),
    Column("seconds", 60, needs=684),
    Column("share", 46, needs=490),
    Column("error", 62),
    Column("centres", 62, needs=538),
    Column("PSNR [dB]", 66, needs=616),
)
COLUMNS = (Column("", 16), Column("shown", 122), *FIGURES, Column("", 122))
NAME_HEIGHT = 20  # of a line that can be clicked, pixels: as high as the button at its end
EXPLANATION = (
    "Share: of the seconds that all contestants have had. Error: mean rotation error, or of patches corner error, or "
    "without a reference reprojection error. Centres: mean error of the camera centres, scene units. PSNR: on the "
    "training photos, dB. Last: what it does; a click pauses this one, or has it go on. A click on a name shows that "
    "one in all other panels."
)


class Line(NamedTuple):
    """The items of a contestant: its row, its name, its figures, and what it does."""

    row: int | str
    name: int | str
    figures: list[int | str]
    doing: int | str


class RaceTable:
    """A line for each contestant, and above them what holds for all.

    Attributes:
        first: an item that is seen whenever the table is.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self.first: int | str = 0

    def build(self) -> None:
        """Adds it to the container that is open."""
        race, layers = self._state.race, self._state.cameras.layers
        with dpg.group(horizontal=True):
            self.first = dpg.add_button(label="End race", callback=self._end)
            add_tool_tip(self.first, "Saves and ends all contestants but the one that is shown, which goes on alone.")
            self._all = dpg.add_checkbox(label="steer all", callback=lambda _, on: setattr(race, "all", on))
            add_tool_tip(
                self._all,
                "Pause, Play, λ, μ, rates, kicks and undo reach all contestants; else only the one that is shown.",
            )
            self._colours = dpg.add_checkbox(
                label="own colours", callback=lambda _, on: setattr(layers, "contestants", on)
            )
            add_tool_tip(
                self._colours,
                "The cameras of all contestants in the 3D view, a colour each; else those of the one that is shown, "
                "coloured by their error.",
            )
            self._words = add_muted_text("")
            add_tool_tip(self._words, EXPLANATION)
        with dpg.table(header_row=True, policy=dpg.mvTable_SizingFixedFit, no_pad_outerX=True):
            self._columns = [
                dpg.add_table_column(label=column.heading, width_fixed=True, init_width_or_weight=column.width)
                for column in COLUMNS
            ]
            self._lines = [self._build_line(place) for place in range(len(COLOURS))]

    def update(self, state: State, parent: int | str) -> None:
        """Shows how far they are.

        Args:
            state: of a window in which there is a race.
            parent: window of the panel.
        """
        race = state.race
        assert race.race is not None
        self._leave_out_columns(measure_size(parent)[0])
        dpg.set_value(self._all, race.all)
        dpg.set_value(self._colours, state.cameras.layers.contestants)
        dpg.configure_item(self._colours, show=get_posed_scene(state.run) is not None)
        held = race.turns is not None and race.turns.held
        set_text(self._words, "saving the run before" if held else f"equal {race.race.equal}")
        total = sum(run.snapshot.seconds for run in state.runs if run.snapshot is not None)
        for place, line in enumerate(self._lines):
            dpg.configure_item(line.row, show=place < len(state.runs))
            if place < len(state.runs):
                self._show_line(state, place, line, total)

    def _show_line(self, state: State, place: int, line: Line, total: float) -> None:
        run = state.runs[place]
        assert run.contestant is not None
        *figures, doing = describe_contestant(run.contestant, run.snapshot, total)
        dpg.set_item_label(line.name, f"{run.contestant.name}###contestant {place}")
        dpg.set_value(line.name, place == state.active)
        for item, text in zip(line.figures, figures, strict=True):
            set_text(item, text)
        dpg.set_item_label(line.doing, f"{'failed' if run.error is not None else doing}###pause {place}")

    def _build_line(self, place: int) -> Line:
        with dpg.table_row() as row:
            add_swatch(COLOURS[place])
            name = dpg.add_selectable(height=NAME_HEIGHT, callback=lambda: self._state.show(place))
            centre_text(name)
            figures = [dpg.add_text("") for _ in FIGURES]
            doing = dpg.add_button(small=True, callback=self._play_or_pause, user_data=place)
        return Line(row, name, figures, doing)

    def _leave_out_columns(self, width: float) -> None:
        """Leaves out those for which there is no room."""
        for item, column in zip(self._columns, COLUMNS, strict=True):
            if dpg.get_item_configuration(item)["enabled"] != (width >= column.needs):
                dpg.configure_item(item, enabled=width >= column.needs)

    def _end(self) -> None:
        if self._state.hooks.race is not None:
            self._state.hooks.race(None)

    def _play_or_pause(self, _: int, __: Any, place: int) -> None:
        """Of one contestant, whatever is steered otherwise."""
        run = self._state.runs[place] if place < len(self._state.runs) else None
        if run is not None and run.snapshot is not None:
            run.send(Pause() if run.snapshot.status == "running" else Resume())
