"""The sweep panel: maps of success rates that fill while l2g-sweep runs, and the runs of a cell."""

from __future__ import annotations

from pathlib import Path

import dearpygui.dearpygui as dpg

from app.model.lab.sweep_control import SweepControl
from app.model.lab.sweep_maps import SweepState
from app.model.state.state import State
from app.panels.lab.sweep_map import SweepMapView
from app.panels.lab.sweep_runs import TIP, SweepRunList
from app.panels.widgets.parts import (
    AMBER,
    PADDING,
    add_muted_text,
    add_tool_tip,
    dim_when_disabled,
    measure_size,
    set_text,
    shorten_text,
)
from engine.errors import UserError

ABOVE = 112  # height of title, limits and choices, pixels
LEAST = 90  # height of map and list, pixels
GAP = 10  # pixels between them
MAP_SHARE = 0.62  # of the width, at most, for the map
LEAST_LIST = 220  # width of the list, pixels
HINT = "folder of a sweep"
INTRODUCTION = (
    "l2g-sweep trains many runs that differ in method, noise, λ or seed. Give the folder that it writes: the maps of "
    "their success rates fill while it runs."
)


class SweepPanel:
    """A map at the left, the runs of the cell that is chosen at the right."""

    title = "Sweep"

    def __init__(self, state: State, control: SweepControl) -> None:
        self._state, self._control = state, control
        self._parent: int | str = 0
        self._shown: SweepState | None = None
        self._map, self._runs = SweepMapView(control), SweepRunList(control)

    def build(self, parent: int | str) -> None:
        self._parent = parent
        with dpg.group(parent=parent):
            with dpg.group(horizontal=True):
                self._path = dpg.add_input_text(
                    width=230, hint=HINT, default_value=find_newest_sweep(), on_enter=True, callback=self._open
                )
                add_tool_tip(self._path, f"{INTRODUCTION} Enter opens it.")
                self._read = dpg.add_button(label="Read", callback=self._open)
                add_tool_tip(self._read, "Opens the sweep, and follows it for as long as it runs.")
                self._how = add_muted_text("")
            self._wrong = dpg.add_text("", color=AMBER, show=False)
            self._introduction = add_muted_text(INTRODUCTION)
            with dpg.group(show=False) as self._body:
                self._limits = add_muted_text("")
                self._success = add_tool_tip(self._limits, "")
                with dpg.group(horizontal=True):
                    self._which = dpg.add_combo([], width=230, callback=self._choose_map)
                    add_tool_tip(self._which, "Which map: of what was compared, over the numbers that differ.")
                    self._begin = dpg.add_button(label="Open run", enabled=False, callback=self._open_run)
                    dim_when_disabled(self._begin)
                    self._what = add_tool_tip(self._begin, "")
                    self._chosen = add_muted_text("")
                    add_tool_tip(self._chosen, TIP)
                with dpg.group(horizontal=True, horizontal_spacing=GAP):
                    self._map.build()
                    self._runs.build()

    def update(self, state: State) -> None:
        if not dpg.is_item_visible(self._read):
            return
        control = self._control
        control.look()
        found = control.newest
        width, height = (int(length) for length in measure_size(self._parent))
        inner = width - 2 * PADDING
        set_text(self._wrong, control.error or "")
        dpg.configure_item(self._wrong, show=bool(control.error), wrap=inner)
        dpg.configure_item(self._introduction, show=found is None and not control.error, wrap=inner)
        dpg.configure_item(self._body, show=found is not None)
        room = inner - dpg.get_item_pos(self._how)[0] + PADDING
        words = describe_sweep(found) if found is not None else "reading" if control.opening else ""
        set_text(self._how, shorten_text(words, room))
        if found is None:
            return
        set_text(self._limits, shorten_text(found.limits, inner))
        if found is not self._shown:
            self._shown = found
            set_text(self._success, found.definition)
            titles = [each.title for each in found.maps]
            dpg.configure_item(self._which, items=titles)
        if control.map is not None:
            dpg.set_value(self._which, control.map.title)
        high = max(height - ABOVE, LEAST)
        wide = max(min(round(MAP_SHARE * inner), inner - GAP - LEAST_LIST), 120)
        wide = self._map.update(control.map, (wide, high))
        self._runs.update(found, (max(inner - wide - GAP, 120), high))
        self._show_choice()

    def close(self) -> None:
        """Ends looking at the files of the sweep."""
        self._control.close()

    def _show_choice(self) -> None:
        control, run = self._control, self._control.chosen_run
        dpg.configure_item(self._begin, enabled=run is not None)
        room = measure_size(self._parent)[0] - dpg.get_item_pos(self._chosen)[0] - PADDING
        if run is None:
            set_text(self._chosen, shorten_text("click a cell" if control.cell is None else "click a run", room))
            set_text(self._what, "Opens the run that is chosen.")
            return
        kept = control.keeps_checkpoint(run)
        dpg.set_item_label(self._begin, f"{'Open run' if kept else 'Train it again'}###begin")
        set_text(self._what, OPENS if kept else AGAIN)
        set_text(self._chosen, shorten_text(run, room))

    def _open(self) -> None:
        path = dpg.get_value(self._path).strip().strip("'\"")
        if not path:
            return
        try:
            self._control.open(Path(path).expanduser())
        except UserError as error:
            self._state.banner = str(error)

    def _choose_map(self, _sender: int, title: str) -> None:
        found = self._control.newest
        titles = [each.title for each in found.maps] if found is not None else []
        if title in titles:
            self._control.choose_map(titles.index(title))

    def _open_run(self) -> None:
        control, found, run = self._control, self._control.newest, self._control.chosen_run
        if found is not None and run is not None and self._state.hooks.open_swept is not None:
            self._state.hooks.open_swept(found.values[run], control.find_folder(run))


def describe_sweep(found: SweepState) -> str:
    """How far a sweep is, in a few words."""
    words = f"{len(found.rows):,} of {len(found.values):,} runs"
    return f"{words}, {found.failed} failed" if found.failed else words


def find_newest_sweep() -> str:
    """The sweep that was changed last among those in `sweeps`, where l2g-sweep writes; empty where there is none."""
    try:
        found = list(Path("sweeps").glob("*/sweep.json"))
        return str(max(found, key=lambda path: path.parent.stat().st_mtime).parent) if found else ""
    except OSError:
        return ""


OPENS = (
    "Opens this run where it ended, in a folder of its own: the sweep stays as it is. The run that is shown is saved "
    "and ends."
)
AGAIN = (
    "This run kept no checkpoint (l2g-sweep --keep-checkpoints keeps them): it is trained again with the same values "
    "and seed. The run that is shown is saved and ends."
)
