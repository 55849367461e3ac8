"""The coarse-to-fine schedule as a bar of stages, with a needle at the present iteration."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from app.model.plots.stage_bar import Span, describe_stage, find_place, lay_out_stages
from app.panels.widgets.parts import ACCENT, ACCENT_DIM, AMBER, FAINT, GROOVE, MUTED, TEXT, add_drawing, set_text
from engine.config.rows import AnyStage, Stage
from engine.config.settings import Settings
from engine.fields.stages import stages
from engine.messages import Snapshot
from engine.scenes import AnyScene

TOP, BOTTOM, HEIGHT = 8, 28, 34  # of the bar in its drawing, pixels; above it are marks of bundle adjustments


class ScheduleBar:
    """Drawn again for another schedule or width; otherwise only the fill and the needle move."""

    def __init__(self) -> None:
        self._drawn: tuple[object, ...] | None = None
        self._scene: AnyScene | None = None
        self._snapshot: Snapshot | None = None
        self._spans: list[Span] = []
        self._iterations: list[int] = []
        self._table: tuple[AnyStage, ...] = ()

    def build(self) -> None:
        """Adds it to the container that is open."""
        self._group, self._list = add_drawing(HEIGHT)
        with dpg.tooltip(self._group):
            self._tip = dpg.add_text("")

    def update(self, scene: AnyScene, settings: Settings, snapshot: Snapshot, width: int) -> None:
        """Shows where the run is, in a bar `width` pixels wide; to be called once per frame of the window."""
        key = (id(scene), settings, width)
        if key == self._drawn and snapshot is self._snapshot:
            return
        self._snapshot = snapshot
        if key != self._drawn:
            self._draw(stages(scene, settings), width)
            self._drawn, self._scene = key, scene  # kept, so that no other scene gets the same id
        x = find_place(self._iterations, self._spans, snapshot.iteration)
        if snapshot.stage and snapshot.stage_index < len(self._spans):
            here = self._spans[snapshot.stage_index]  # with a limit of time stages end sooner than the table says
            x = min(max(x, here.left), here.right)
        for index, span in enumerate(self._spans):
            right = min(max(x, span.left), span.right)
            done = right > span.left
            dpg.configure_item(self._fills[index], pmax=(max(right - 1, span.left), BOTTOM), show=done)
            current = index == snapshot.stage_index and snapshot.stage != ""
            dpg.configure_item(self._names[index], color=TEXT if current or done else MUTED)
            dpg.configure_item(self._frames[index], color=ACCENT if current else FAINT)
        dpg.configure_item(self._needle, p1=(x, TOP - 4), p2=(x, BOTTOM + 4))

    def clear(self) -> None:
        """Shows nothing until the next update."""
        if self._drawn is not None:
            dpg.delete_item(self._list, children_only=True)
            self._drawn, self._table = None, ()

    def explain(self, scene: AnyScene, settings: Settings, snapshot: Snapshot) -> None:
        """Writes the stage under the mouse into the tool tip, while the mouse is over the bar."""
        if not self._table or not dpg.is_item_hovered(self._group):
            return
        mouse = dpg.get_mouse_pos(local=False)[0] - dpg.get_item_rect_min(self._group)[0]
        index = next((i for i, span in enumerate(self._spans) if mouse < span.right), len(self._spans) - 1)
        text = describe_stage(self._table[index], settings, scene)
        if index == snapshot.stage_index and snapshot.iterations == sum(self._iterations):  # no limit of time
            begin = sum(self._iterations[:index])
            text += f"\nNow: iteration {max(snapshot.iteration - begin, 0):,} of {self._iterations[index]:,}"
        set_text(self._tip, text)

    def _draw(self, table: tuple[AnyStage, ...], width: int) -> None:
        dpg.delete_item(self._list, children_only=True)
        dpg.configure_item(self._list, width=width)
        self._table, self._iterations = table, [stage.iterations for stage in table]
        self._spans = lay_out_stages(self._iterations, float(width - 2))
        self._fills, self._frames, self._names = [], [], []
        for stage, span in zip(table, self._spans, strict=True):
            low, high = (span.left, TOP), (span.right - 1, BOTTOM)
            dpg.draw_rectangle(low, high, fill=GROOVE, color=GROOVE, parent=self._list)
            fill = dpg.draw_rectangle(low, low, fill=ACCENT_DIM, color=(0, 0, 0, 0), parent=self._list)
            self._fills.append(fill)
            self._frames.append(dpg.draw_rectangle(low, high, color=FAINT, parent=self._list))
            name_at = ((span.left + span.right) / 2 - 3.4 * len(stage.name), TOP + 3)
            self._names.append(dpg.draw_text(name_at, stage.name, size=13, color=MUTED, parent=self._list))
            if isinstance(stage, Stage) and stage.bundle:  # a bundle adjustment stands before this stage
                x = span.left
                dpg.draw_quad((x, 0), (x + 4, 4), (x, 8), (x - 4, 4), color=AMBER, fill=AMBER, parent=self._list)
        self._needle = dpg.draw_line((0, TOP - 4), (0, BOTTOM + 4), color=TEXT, thickness=2, parent=self._list)
