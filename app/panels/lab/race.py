"""The race panel: before a race who shall race, during it how far they are."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from app.model.state.state import State
from app.model.state.viewed_run import describe_absence
from app.panels.lab.race_choices import RaceChoices
from app.panels.lab.race_table import RaceTable
from app.panels.lab.race_views import RaceViewItems
from app.panels.widgets.parts import add_muted_text, set_text


class RacePanel:
    """Shows the choices or the table."""

    title = "Race"

    def __init__(self, state: State) -> None:
        self._choices, self._table, self._views = RaceChoices(state), RaceTable(state), RaceViewItems()

    def build(self, parent: int | str) -> None:
        self._parent = parent
        with dpg.group(parent=parent):
            self._absent = add_muted_text(describe_absence(None))
            with dpg.group(show=False) as self._before:
                self._choices.build()
            with dpg.group(show=False) as self._during:
                self._table.build()
                self._views.build()

    def update(self, state: State) -> None:
        if not any(map(dpg.is_item_visible, (self._absent, self._choices.first, self._table.first))):
            return  # another tab is in front
        run, racing = state.run, state.race.race is not None
        ready = run is not None and (racing or run.opened is not None)
        dpg.configure_item(self._absent, show=not ready)
        dpg.configure_item(self._before, show=ready and not racing)
        dpg.configure_item(self._during, show=ready and racing)
        if run is None or not ready:
            set_text(self._absent, describe_absence(run))
            return
        if racing:
            self._table.update(state, self._parent)
            self._views.update(state, self._parent)
        else:
            self._choices.update(run)
