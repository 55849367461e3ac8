"""The basin panel: which share of kicks of each size comes back; a click on a cell does that kick for real."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.lab.basin_control import BENDS, BasinControl, Cell, PatchReach
from app.model.state.scene_kinds import SceneKind
from app.model.state.state import State
from app.model.state.viewed_run import describe_absence
from app.panels.lab.basin_cells import LEFT, NARROWEST, BasinCells
from app.panels.lab.stage_choice import StageChoice
from app.panels.widgets.parts import MUTED, PADDING, add_tool_tip, dim_when_disabled, measure_size, set_text
from engine.lab.basin.map import Basin
from engine.lab.basin.options import DEFAULT

PERIOD = 0.1  # seconds between updates
ABOVE = 92  # height of the choices, pixels
WORDS = (120, 230)  # width of the words beside the cells, at least and at most, pixels
SLIDER = 104  # width, pixels
ALL_STAGES = "coarse to fine"


class BasinPanel:
    """Choices above, the cells below, and what they mean beside them."""

    title = "Basin map"

    def __init__(
        self, state: State, kind: SceneKind, ask_path: Callable[[str, str, Callable[[Path], None]], None]
    ) -> None:
        """`ask_path(title, default, act)` asks the user for a path, and calls `act` with it."""
        self._state, self._planar, self._ask_path = state, kind == "planar", ask_path
        self._control = BasinControl(state)
        self._parent: int | str = 0
        self._updated_at = 0.0
        self._reach: PatchReach | None = None
        self._shown: tuple[object, ...] = ()

    @property
    def _several(self) -> str:
        return "patches" if self._planar else "frames"

    def build(self, parent: int | str) -> None:
        self._parent = parent
        with dpg.group(parent=parent):
            with dpg.group(horizontal=True):
                self._build_buttons()
            with dpg.group(horizontal=True):
                self._build_sizes()
            with dpg.group(horizontal=True):
                self._cells = BasinCells()
                with dpg.group(show=False) as self._beside:
                    self._about = dpg.add_text("", wrap=WORDS[0])
                    self._definition = dpg.add_text("", wrap=WORDS[0], color=MUTED)
            with dpg.tooltip(self._cells.group):
                self._tip = dpg.add_text("")
            with dpg.item_handler_registry() as handlers:
                dpg.add_item_clicked_handler(button=0, callback=self._clicked)
            dpg.bind_item_handler_registry(self._cells.group, handlers)

    def _build_buttons(self) -> None:
        self._begin = dpg.add_button(label="Try kicks", callback=self._control.begin)
        dim_when_disabled(self._begin)
        count, what = DEFAULT.side**2 * DEFAULT.directions, "patch" if self._planar else "frame"
        without = "steps of all patches together" if self._planar else "matches"
        add_tool_tip(
            self._begin,
            f"Kicks the selected {what} {count} times on a copy of the field and lets gradient descent "
            f"bring it back, at the rates of the run's schedule, without {without} and without a search. "
            "The run goes on, and keeps five sixths of its time; once it rests this takes less than a minute.",
        )
        self._all = dpg.add_checkbox(label=f"all {self._several}", callback=self._choose)
        add_tool_tip(self._all, f"Kicks every {what}, in one direction or more each.")
        tip = "The band limits that it sees on its way: of all stages in turn, or of one."
        self._stage = StageChoice(ALL_STAGES, 118, tip, self._choose_stage)
        self._save = dpg.add_button(label="Save", callback=self._ask_folder)
        add_tool_tip(self._save, "Writes the map as basin.csv (a row per kick) and basin.png into a folder.")
        dim_when_disabled(self._save)
        self._stop = dpg.add_button(label="Stop", callback=self._control.stop, show=False)

    def _build_sizes(self) -> None:
        choices = self._control.choices
        # The first is always shown: where it is hidden the next does not begin a line.
        self._shift = dpg.add_slider_float(
            width=SLIDER, min_value=1, max_value=300, default_value=choices.shift,
            format="to %.0f px" if self._planar else "to %.0f %%", callback=self._choose,
        )  # fmt: skip
        unit = "pixels of the image" if self._planar else "per cent of the cameras' spread"
        add_tool_tip(self._shift, f"The largest shift, {unit}.")
        self._turn = dpg.add_slider_float(
            width=SLIDER, min_value=1, max_value=90, default_value=choices.turn_deg, format="to %.0f°",
            callback=self._choose,
        )  # fmt: skip
        add_tool_tip(self._turn, "The largest turn.")
        self._corners = dpg.add_slider_float(
            width=SLIDER, min_value=1, max_value=100, default_value=choices.corners_px, format="to %.0f px",
            callback=self._choose, show=False,
        )  # fmt: skip
        add_tool_tip(self._corners, "How far each corner is moved at most, pixels of the image.")
        self._across = dpg.add_combo(
            BENDS, default_value=choices.across, width=74, callback=self._choose, show=False
        )  # fmt: skip
        add_tool_tip(self._across, "What the columns are: turns, or corners that are moved each in its own direction.")
        self._words = dpg.add_text("", color=MUTED)

    def update(self, state: State) -> None:
        control = self._control
        control.refresh()
        now = time.monotonic()
        if now - self._updated_at < PERIOD or not dpg.is_item_visible(self._words):
            return
        self._updated_at = now
        frame = control.frame
        if frame is None or frame.planar != self._planar:
            set_text(self._words, describe_absence(state.run))
            return
        if self._stage.offer(frame.stages):
            control.choices.stage = None
        self._fit_to_scene()
        dpg.configure_item(self._begin, enabled=not control.obstacle)
        dpg.configure_item(self._stop, show=control.busy)
        dpg.configure_item(self._save, enabled=control.basin is not None)
        state.lab[self.title] = self._describe(frame.name)
        set_text(self._words, state.lab[self.title])
        self._draw(control.basin)
        if dpg.is_item_hovered(self._cells.group):
            set_text(self._tip, self._describe_cell(self._cells.under_mouse))

    def close(self) -> None:
        """Gives up what is being tried."""
        self._control.stop()

    def _fit_to_scene(self) -> None:
        """Sliders in pixels have the size of the image and of the patches."""
        reach, choices = self._control.patch_reach, self._control.choices
        if reach is not None and reach != self._reach:
            self._reach = reach
            dpg.configure_item(self._shift, max_value=reach.most_shift)
            dpg.configure_item(self._corners, max_value=reach.most_corners)
            dpg.set_value(self._shift, reach.shift)
            dpg.set_value(self._corners, reach.corners)
            dpg.configure_item(self._across, show=reach.bends)
            if not reach.bends:
                dpg.set_value(self._across, BENDS[0])
            self._choose()
        bent = choices.across == "corners"
        dpg.configure_item(self._turn, show=not bent)
        dpg.configure_item(self._corners, show=bent)

    def _describe(self, name: str) -> str:
        control, basin = self._control, self._control.basin
        if control.error:
            return control.error
        if basin is None:
            waiting = control.obstacle or f"{name}: press Try kicks"
            return "copying the field" if control.busy else waiting
        what = "patch" if self._planar else "frame"
        whose = f"all {self._several}" if basin.frame is None else f"{what} {basin.frame + (not self._planar)}"
        kicks = sum(one.ended for one in basin.tried) * basin.returned.size
        done = f", {basin.share:.0%}" if control.busy else ""
        if control.busy and not kicks:
            return f"{whose}: the first kicks are under way{done}"
        return f"{whose}: {kicks} kicks tried{done}"

    def _draw(self, basin: Basin | None) -> None:
        """Cells as large as there is room beside the words."""
        width, height = (int(length) for length in measure_size(self._parent))
        key = (width, height, id(basin))
        dpg.configure_item(self._beside, show=basin is not None)
        if key == self._shown:
            return
        self._shown = key
        room = width - 3 * PADDING
        columns = 1 if basin is None else basin.shape[1]
        words = min(max(room - LEFT - NARROWEST * columns, WORDS[0]), WORDS[1])
        self._cells.draw(basin, room - words, height - ABOVE - PADDING)
        if basin is None:
            return
        ended = [one.steps >= 0 for one in basin.tried if one.ended]
        share = f"{np.mean(ended):.0%} of the kicks came back" if ended else "The first kicks are on their way"
        about = (
            f"{share}, under the band limits of {', '.join(basin.stages)}. Numbers: median steps. "
            "Click a cell to do that kick for real."
        )
        for item, text in ((self._about, about), (self._definition, basin.definition)):
            dpg.configure_item(item, wrap=words)
            set_text(item, text)

    def _describe_cell(self, cell: Cell | None) -> str:
        basin = self._control.basin
        if basin is None or cell is None:
            return "Colours: the share of kicks that came back, from dark (none) to bright (all)."
        tried, back = basin.counts[0][cell], basin.counts[1][cell]
        steps = float(basin.median_steps[cell])
        parts = [
            f"{sizes.label} {sizes.values[place]:.1f} {sizes.unit}".replace(" °", "°")
            for sizes, place in ((basin.columns, cell[1]), (basin.rows, cell[0]))
        ]
        came = f"{back} of {tried} came back" if tried else "no kick of this size has ended yet"
        if np.isfinite(steps):
            came += f", in {steps:.0f} steps (median)"
        return "\n".join([", ".join(parts), came, "Click: this kick for real, another direction each time."])

    def _clicked(self) -> None:
        cell = self._cells.under_mouse
        one = None if cell is None else self._control.kick(cell)
        if one is None or cell is None or self._control.basin is None:
            return
        back = "came back" if one.steps[cell] >= 0 else "did not come back" if one.ended else "has not come back yet"
        whose = f"Patch {one.frame}" if self._planar else f"Frame {one.frame + 1}"
        self._state.notice = f"{whose} was kicked. On the frozen field this kick {back}."

    def _choose(self) -> None:
        choices = self._control.choices
        sliders = (self._turn, self._shift, self._corners)
        choices.turn_deg, choices.shift, choices.corners_px = (dpg.get_value(slider) for slider in sliders)
        choices.all_frames, choices.across = dpg.get_value(self._all), dpg.get_value(self._across)

    def _choose_stage(self, stage: int | None) -> None:
        self._control.choices.stage = stage

    def _ask_folder(self) -> None:
        self._ask_path("Write basin.csv and basin.png into", "basin", self._control.save)
