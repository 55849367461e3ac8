"""The landscape panel: the loss around the pose of the selected frame, as curves and as a map."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import dearpygui.dearpygui as dpg

from app.model.lab.lab_frame import CAMERA_AXES, PATCH_AXES, LabFrame
from app.model.lab.landscape_control import LandscapeChoices, LandscapeControl
from app.model.state.scene_kinds import SceneKind
from app.model.state.state import State
from app.model.state.viewed_run import describe_absence
from app.panels.lab.curve_plot import CurvePlot
from app.panels.lab.map_plot import MapPlot
from app.panels.lab.stage_choice import StageChoice
from app.panels.widgets.parts import MUTED, PADDING, add_tool_tip, dim_when_disabled, measure_size, set_text

PERIOD = 0.1  # seconds between updates
NOW = "now"
WIDE = 700  # pixels from which curves and map are shown beside each other
ABOVE = 112  # height of the choices, pixels
LEAST = 110  # height of a plot, pixels
GAP = 6  # pixels between plots
SLIDER = 80  # width, pixels
HINT = "Measures the loss of the selected {} around where it stands, on a copy of the field; the run goes on."
STAGE_TIP = (
    "The band limit: photos at the scale of a stage, and the field as coarse as that stage has it. Coarse stages have "
    "wide valleys; fine ones are exact."
)


class LandscapePanel:
    """Choices above, plots below."""

    title = "Landscape"

    def __init__(
        self, state: State, kind: SceneKind, ask_path: Callable[[str, str, Callable[[Path], None]], None]
    ) -> None:
        """`ask_path(title, default, act)` asks the user for a path, and calls `act` with it."""
        planar = kind == "planar"
        choices = LandscapeChoices(shift=20.0, axes=(0, 1)) if planar else LandscapeChoices()
        self._ask_path = ask_path
        self._state, self._axes = state, PATCH_AXES if planar else CAMERA_AXES
        self._control = LandscapeControl(state, choices)
        self._parent: int | str = 0
        self._updated_at = 0.0
        self._was_held = False
        self._plots: list[CurvePlot] = []

    def build(self, parent: int | str) -> None:
        self._parent = parent
        choices, planar = self._control.choices, self._axes == PATCH_AXES
        with dpg.group(parent=parent):
            with dpg.group(horizontal=True):
                curves = dpg.add_button(label="Curves", callback=lambda: self._control.begin("curves"))
                hint = HINT.format("patch" if planar else "frame")
                add_tool_tip(curves, f"{hint}\n\nAlong each of its directions.")
                loss_map = dpg.add_button(label="Map", callback=lambda: self._control.begin("map"))
                add_tool_tip(loss_map, f"{hint}\n\nOver two of its directions.")
                axes = []
                for place, what in zip(choices.axes, ("across", "down"), strict=True):
                    combo = dpg.add_combo(
                        self._axes, default_value=self._axes[place], width=58, callback=self._choose_axes
                    )
                    axes.append(combo)
                    add_tool_tip(combo, f"The direction that runs {what} in the map.")
                self._combos = axes
                self._stage = StageChoice(NOW, 64, STAGE_TIP, self._choose_stage)
                self._save = dpg.add_button(label="Save", enabled=False, callback=self._ask_folder)
                add_tool_tip(self._save, "Writes curves and map as tables (CSV) and pictures (PNG) into a folder.")
                dim_when_disabled(self._save)
            with dpg.group(horizontal=True):
                unit = "px" if planar else "%%"
                turn = dpg.add_slider_float(
                    width=SLIDER, min_value=0.2, max_value=45, default_value=choices.turn_deg, format="± %.1f°",
                    callback=self._choose_reach,
                )  # fmt: skip
                add_tool_tip(turn, "How far it is turned either way.")
                shift = dpg.add_slider_float(
                    width=SLIDER, min_value=0.2, max_value=200 if planar else 100, default_value=choices.shift,
                    format=f"± %.1f {unit}", callback=self._choose_reach,
                )  # fmt: skip
                add_tool_tip(
                    shift,
                    "How far it is moved either way, "
                    + ("pixels of the image." if planar else "per cent of the cameras' spread."),
                )
                self._sliders = (turn, shift)
                self._stop = dpg.add_button(label="Stop", callback=self._control.stop, show=False)
                self._words = dpg.add_text("", color=MUTED)
            with dpg.group(horizontal=True, horizontal_spacing=GAP):
                dpg.add_spacer(width=0)  # where the first plots are hidden the next would not begin a line
                titles = (("shift", (0, 1)), ("turn and scale", (2, 3))) if planar else None
                for title, members in titles or (("turn", (0, 1, 2)), ("shift", (3, 4, 5))):
                    self._plots.append(CurvePlot(title, members, legend=not self._plots))
                self._map = MapPlot()

    def update(self, state: State) -> None:
        control = self._control
        control.refresh()
        self._follow_sliders()
        now = time.monotonic()
        if now - self._updated_at < PERIOD or not dpg.is_item_visible(self._words):
            return
        self._updated_at = now
        frame = control.frame
        if frame is None:
            set_text(self._words, describe_absence(state.run))
            return
        if self._stage.offer(frame.stages):
            control.choices.stage = None
        dpg.configure_item(self._stop, show=control.busy)
        dpg.configure_item(self._save, enabled=control.curves is not None or control.loss_map is not None)
        state.lab[self.title] = self._describe(frame)
        set_text(self._words, state.lab[self.title])
        self._arrange()
        if control.curves is not None:
            for plot in self._plots:
                plot.show(control.curves, frame)
        if control.loss_map is not None:
            self._map.show(control.loss_map, frame)

    def close(self) -> None:
        """Gives up what is being measured."""
        self._control.stop()

    def _ask_folder(self) -> None:
        self._ask_path("Write curves and map into", "landscape", self._control.save)

    def _describe(self, frame: LabFrame) -> str:
        control = self._control
        if control.error:
            return control.error
        made = control.loss_map if control.shown == "map" else control.curves
        if control.shown is None or (made is None and not control.busy):
            return f"{frame.name}: press Curves or Map"
        if made is None:
            return "copying the field"
        whose = f"patch {made.frame}" if self._axes == PATCH_AXES else f"frame {made.frame + 1}"
        about = f"{whose}, {made.stage}"
        return f"{about}, {made.share:.0%}" if control.busy else f"{about}, {made.pixels:,} of {made.of:,} pixels"

    def _arrange(self) -> None:
        """Curves and map beside each other where there is room, else what was asked for last."""
        width, height = (int(length) for length in measure_size(self._parent))
        width, height = width - 2 * PADDING - GAP, max(height - ABOVE, LEAST)
        control = self._control
        wide = width >= WIDE
        maps = control.shown == "map" if not wide else control.loss_map is not None
        curves = control.curves is not None and (wide or not maps)
        columns = 2 * curves + maps
        each = (width - GAP * max(columns - 1, 0)) // max(columns, 1)
        for plot in self._plots:
            plot.place(curves, each, height)
        self._map.place(maps, min(each, 2 * height), height)

    def _follow_sliders(self) -> None:
        """Measures anew when a slider is released."""
        held = any(dpg.is_item_active(slider) for slider in self._sliders)
        if self._was_held and not held:
            self._control.again()
        self._was_held = held

    def _choose_reach(self) -> None:
        choices = self._control.choices
        choices.turn_deg, choices.shift = (dpg.get_value(slider) for slider in self._sliders)

    def _choose_axes(self) -> None:
        across, down = (self._axes.index(dpg.get_value(combo)) for combo in self._combos)
        if across == down:  # two different ones make a map
            across, down = across, (down + 1) % len(self._axes)
            dpg.set_value(self._combos[1], self._axes[down])
        self._control.choices.axes = (across, down)
        if self._control.shown == "map":
            self._control.again()

    def _choose_stage(self, stage: int | None) -> None:
        self._control.choices.stage = stage
        self._control.again()
