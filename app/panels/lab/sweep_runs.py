"""The runs of a cell of a sweep, as a list; a click chooses one."""

from __future__ import annotations

from collections.abc import Callable

import dearpygui.dearpygui as dpg

from app.model.lab.sweep_control import SweepControl
from app.model.lab.sweep_maps import SweepState
from app.panels.widgets.parts import AMBER, GREEN, MUTED, TEXT, Colour, add_tool_tip
from engine.lab.sweep.rows import Row

MOST = 200  # runs that are listed
ROW = 20  # height of a line, pixels

Column = tuple[str, Callable[[Row], str]]
CAMERA_COLUMNS: tuple[Column, ...] = (
    ("rotation", lambda row: _say(row.rotation_mean_deg, "{:.2f}°")),
    ("centres", lambda row: _say(row.translation_share, "{:.1%}")),
    ("PSNR", lambda row: _say(row.test_psnr if row.test_psnr is not None else row.train_psnr, "{:.1f}")),
)
PATCH_COLUMNS: tuple[Column, ...] = (
    ("corners", lambda row: _say(row.corner_mean_px, "{:.2f} px")),
    ("PSNR", lambda row: _say(row.train_psnr, "{:.1f}")),
)
TIP = (
    "✓ succeeded, ✗ did not, ! failed, · has not ended. Centres: mean distance of the camera centres as a share of "
    "their spread. PSNR: on held-out photos where it was measured, else on the training photos, dB."
)


class SweepRunList:
    """A table that is made anew when what it shows has changed."""

    def __init__(self, control: SweepControl) -> None:
        self._control = control
        self._key: tuple[object, ...] = ()
        self._shown: SweepState | None = None
        self._rows: dict[str, int | str] = {}

    def build(self) -> None:
        """Adds it to the container that is open."""
        with dpg.child_window(width=200, height=100, border=False) as self._window:
            pass
        with dpg.theme() as self._theme, dpg.theme_component(dpg.mvSelectable):
            dpg.add_theme_style(dpg.mvStyleVar_SelectableTextAlign, 0, 0.5)  # on the line of the other columns

    def update(self, found: SweepState, size: tuple[int, int]) -> None:
        """Shows the runs of the cell that is chosen, in a box of (width, height) pixels."""
        dpg.configure_item(self._window, width=size[0], height=size[1])
        key = (id(found), self._control.chosen_map, self._control.chosen_cell)
        if key != self._key:
            self._key, self._shown = key, found  # kept, so that no other sweep gets the same id
            self._list(found)
        for name, item in self._rows.items():
            dpg.set_value(item, name == self._control.chosen_run)

    def _list(self, found: SweepState) -> None:
        dpg.delete_item(self._window, children_only=True)
        self._rows = {}
        cell = self._control.cell
        if cell is None:
            return
        planar = any(row.planar for row in found.rows.values())
        columns = PATCH_COLUMNS if planar else CAMERA_COLUMNS
        with dpg.table(parent=self._window, policy=dpg.mvTable_SizingStretchProp):
            dpg.add_table_column(label="seed")
            dpg.add_table_column(label="")
            for name, _ in columns:
                dpg.add_table_column(label=name)
            for name in cell.runs[:MOST]:
                self._add_run(name, cell.ended.get(name), found, columns)
        if len(cell.runs) > MOST:
            dpg.add_text(f"and {len(cell.runs) - MOST} more", color=MUTED, parent=self._window)

    def _add_run(self, name: str, row: Row | None, found: SweepState, columns: tuple[Column, ...]) -> None:
        mark, colour = choose_mark(row, found)
        with dpg.table_row():
            self._rows[name] = dpg.add_selectable(
                label=f"{found.values[name].get('seed', '')}###{name}",
                span_columns=True,
                height=ROW,
                user_data=name,
                callback=self._choose,
            )
            dpg.bind_item_theme(self._rows[name], self._theme)
            if row is not None and row.state == "failed":
                add_tool_tip(self._rows[name], row.reason)
            dpg.add_text(mark, color=colour)
            for _, say in columns:
                dpg.add_text(say(row) if row is not None else "", color=TEXT if row is not None else MUTED)

    def _choose(self, _sender: int, _value: bool, name: str) -> None:
        self._control.chosen_run = name


def choose_mark(row: Row | None, found: SweepState) -> tuple[str, Colour]:
    """How a run has ended, as a mark and its colour."""
    if row is None:
        return "·", MUTED
    if row.state == "failed":
        return "!", AMBER
    return ("✓", GREEN) if found.success(row) else ("✗", AMBER)


def _say(value: float | None, form: str) -> str:
    return "–" if value is None else form.format(value)
