"""The local warp panel: a bent mesh over the quadrilateral that is fitted to it, and residuals as arrows."""

from __future__ import annotations

import time

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.common.error_colours import colour_residuals
from app.model.common.plane_view import frame_pixels
from app.model.planar.patch_mesh import bend_lattice, choose_arrow_scale, list_mesh_lines, thin_lattice
from app.model.planar.planar_shapes import Colour
from app.model.state.state import State
from app.model.state.viewed_run import describe_absence
from app.model.warp.warp_drawing import format_factor
from app.panels.planar.drawing_pools import LinePool
from app.panels.warp.legend import TRACE_HEIGHT, WarpLegend
from app.panels.warp.panel import why_no_warp
from app.panels.widgets.parts import (
    ACCENT,
    AMBER,
    MUTED,
    PADDING,
    add_drawing,
    add_tool_tip,
    measure_inner_width,
    measure_size,
    set_text,
)
from engine.messages import PatchWarpSnapshot

PERIOD = 0.1  # seconds between updates
NUMBERS = 2 * 22 + TRACE_HEIGHT + 18  # height of the numbers under the drawing, pixels
BESIDE = 190  # width of the numbers beside the drawing, pixels
SMALLEST = 80  # of the drawing along each side, pixels
LATTICE: Colour = (150, 158, 168, 90)
FRAME: Colour = (235, 238, 242, 220)
ARROWS_ACROSS = 9  # along each side, at most
SHORTEST = 1.5  # pixels; a shorter arrow would be a head only


class PatchWarpPanel:
    """Draws the warp of the selected patch as lines."""

    title = "Local warp"

    def __init__(self, state: State) -> None:
        self._state = state
        self._parent: int | str = 0
        self._updated_at = 0.0
        self._shown: tuple[object, ...] = ()
        self._warp: PatchWarpSnapshot | None = None
        self._legend = WarpLegend()
        self._arrows: list[int | str] = []

    def build(self, parent: int | str) -> None:
        self._parent = parent
        with dpg.group(parent=parent):
            with dpg.group(horizontal=True):
                self._name = dpg.add_text("")
                self._mesh = dpg.add_checkbox(label="mesh", default_value=True)
                add_tool_tip(
                    self._mesh,
                    "Where each pixel's own warp puts a lattice of the patch; its distance from the fitted lattice is "
                    "drawn longer by the factor at the right.",
                )
                self._with_arrows = dpg.add_checkbox(label="arrows", default_value=True)
                add_tool_tip(
                    self._with_arrows,
                    "From where the fitted transform puts a pixel to where its own warp does, coloured by length.",
                )
                self._factor = dpg.add_text("", color=AMBER)
                add_tool_tip(self._factor, "The factor by which residuals are drawn longer than they are.")
            self._why = dpg.add_text("", color=MUTED, wrap=300)
            with dpg.group(horizontal=True) as self._body:
                self._group, self._list = add_drawing(SMALLEST)
                with dpg.group():
                    self._legend.build()
            add_tool_tip(
                self._group,
                "White: the quadrilateral that the solver has fitted; grey: its lattice. Teal: the local warp of each "
                "pixel. With a low λ the mesh is soft, with a high one it coincides with the lattice.",
            )
            self._quad = LinePool(dpg.add_draw_layer(parent=self._list))
            self._bent = LinePool(dpg.add_draw_layer(parent=self._list))
            self._layer = dpg.add_draw_layer(parent=self._list)

    def update(self, state: State) -> None:
        now = time.monotonic()
        run = state.run
        snapshot = run.snapshot if run is not None else None
        if run is None or run.scene is None or snapshot is None or snapshot.planar is None:
            self._show_nothing(describe_absence(run))
            return
        if now - self._updated_at < PERIOD or not dpg.is_item_visible(self._name):
            return
        self._updated_at = now
        self._legend.see(snapshot)
        set_text(self._name, run.scene.names[state.selected])
        why = (
            "The first patch is fixed: the others are placed relative to it."
            if state.selected == 0
            else why_no_warp(run)
        )
        set_text(self._why, why)
        size, legend = self._arrange(bool(why))
        warp = snapshot.planar.warp
        choices = (size, dpg.get_value(self._mesh), dpg.get_value(self._with_arrows))
        if warp is None or warp.frame != state.selected or (warp is self._warp and choices == self._shown):
            return
        self._warp, self._shown = warp, choices
        self._draw(warp, size, *choices[1:])
        self._legend.show(snapshot, warp, legend)

    def _show_nothing(self, why: str) -> None:
        """Empties the panel of the scene before, while the next one is being opened."""
        set_text(self._name, why)
        if self._warp is not None:
            self._warp = None
            set_text(self._factor, "")
            self._quad.show([])
            self._bent.show([])
            for arrow in self._arrows:
                dpg.configure_item(arrow, show=False)
            self._legend.clear()

    def _arrange(self, with_words: bool) -> tuple[tuple[int, int], int]:
        """Puts the numbers where the drawing gets more room; its (width, height), and the width of the numbers."""
        width, height = measure_inner_width(self._parent), measure_size(self._parent)[1]
        dpg.configure_item(self._why, show=with_words, wrap=width)
        room = int(height - dpg.get_item_pos(self._body)[1]) - PADDING
        beside = min(width - BESIDE, room) > room - NUMBERS
        size = (width - BESIDE - 2 * PADDING, room) if beside else (width, room - NUMBERS)
        size = (max(size[0], SMALLEST), max(size[1], SMALLEST))
        dpg.configure_item(self._body, horizontal=beside)
        dpg.configure_item(self._list, width=size[0], height=size[1])
        legend = BESIDE if beside else width
        self._legend.wrap(legend, narrow=beside)
        return size, legend

    def _draw(self, warp: PatchWarpSnapshot, size: tuple[int, int], with_mesh: bool, with_arrows: bool) -> None:
        factor = choose_arrow_scale(warp)
        set_text(self._factor, f"residuals drawn {format_factor(factor)}")
        mesh = bend_lattice(warp, factor)
        view = frame_pixels(np.concatenate([warp.global_points, mesh]), size, margin=10)
        rows, columns = warp.shape
        fitted = view.on_screen(warp.global_points, size)
        edge = fitted.reshape(rows, columns, 2)
        rim = np.concatenate([edge[0], edge[1:, -1], edge[-1, -2::-1], edge[-2:0:-1, 0]])
        lattice = [(line, LATTICE, 1.0, False) for line in list_mesh_lines(fitted, warp.shape)]
        self._quad.show([*lattice, (rim, FRAME, 1.8, True)])
        moved = view.on_screen(mesh, size)
        self._bent.show(
            [(line, ACCENT, 1.4, False) for line in list_mesh_lines(moved, warp.shape)] if with_mesh else []
        )
        chosen = thin_lattice(warp.shape, max(-(-max(warp.shape) // ARROWS_ACROSS), 1))
        colours = (255 * colour_residuals(warp.residual_px[chosen])).round().astype(int).tolist()
        self._draw_arrows(fitted[chosen], moved[chosen], colours, with_arrows)

    def _draw_arrows(self, tails: np.ndarray, heads: np.ndarray, colours: list[list[int]], shown: bool) -> None:
        while len(self._arrows) < len(tails):
            self._arrows.append(dpg.draw_arrow((0, 0), (0, 0), thickness=1.6, size=4, parent=self._layer))
        long = np.abs(heads - tails).max(axis=1) >= SHORTEST
        for index, item in enumerate(self._arrows):
            if index >= len(tails) or not shown or not long[index]:
                dpg.configure_item(item, show=False)
                continue
            dpg.configure_item(
                item, p1=heads[index].tolist(), p2=tails[index].tolist(), color=colours[index], show=True
            )
