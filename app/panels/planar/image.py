"""The image panel: the learned image with the outlines of the patches, of one run or of two to four side by side."""

from __future__ import annotations

import dearpygui.dearpygui as dpg
import numpy as np

from app.model.common.plane_view import PlaneView
from app.model.state.scene_kinds import get_planar_scene
from app.model.state.state import State
from app.model.state.viewed_run import ViewedRun
from app.panels.planar.legend import PlanarLegend
from app.panels.planar.pane import PlanarPane, frame_image
from app.panels.widgets.parts import ACCENT, measure_size
from engine.messages import Snapshot
from engine.scenes.planar import PlanarScene

PANES = 4
GAP = 6  # between two panes, pixels
SMALLEST = 64  # of a pane along each side, pixels


class PlanarImagePanel:
    """One pane, or several that show the same part of the image."""

    title = "Image"

    def __init__(self, state: State) -> None:
        self._state = state
        self._legend = PlanarLegend(state)
        self._parent: int | str = 0
        self._panes: list[PlanarPane] = []
        self._framed_for: tuple[object, tuple[int, int], PlaneView | None] = (None, (0, 0), None)

    def build(self, parent: int | str) -> None:
        self._parent = parent
        with dpg.group(parent=parent):
            self._legend.build()
            with dpg.group() as self._group:
                self._rows = [dpg.add_group(horizontal=True, horizontal_spacing=GAP) for _ in range(PANES // 2)]
                self._panes = []
                for index in range(PANES):
                    with dpg.group(parent=self._rows[index // 2]):
                        self._panes.append(PlanarPane(f"pane {index + 1}"))

    def update(self, state: State) -> None:
        self._legend.update()
        scene = get_planar_scene(state.run)
        self._arrange(state, scene)
        if scene is not None:
            self._frame_if_needed(state, scene)
        comparing = len(state.runs) > 1
        for index, (pane, run) in enumerate(zip(self._panes, state.runs, strict=False)):
            active = comparing and index == state.active
            caption = make_caption(run, brief=len(state.runs) > 2) if comparing else ""
            pane.update(state, run, caption, ACCENT if active else None)
            if pane.pressed and state.active != index:
                state.active = index

    def frame_all(self) -> None:
        """Shows the whole image."""
        state = self._state
        scene = get_planar_scene(state.run)
        if scene is not None:
            size = self._panes[0].size
            state.planar.plane = frame_image(scene, size)
            state.planar.framed, self._framed_for = True, (scene.path, size, state.planar.plane)

    def _frame_if_needed(self, state: State, scene: PlanarScene) -> None:
        """Frames a new scene, and again after the window changed its size, until the user moves the view."""
        path, size, view = self._framed_for
        untouched = state.planar.plane is view and self._panes[0].size != size
        if path != scene.path and state.selected == 0:
            state.select(1)  # the first patch is fixed, and shows no warp
        if not state.planar.framed or untouched or path != scene.path:
            self.frame_all()

    def _arrange(self, state: State, scene: PlanarScene | None) -> None:
        """Sizes the panes: two side by side, or one above the other where that shows the image larger; more in two
        rows."""
        width, height = measure_size(self._parent)
        left, top = dpg.get_item_pos(self._group)
        room = (max(int(width - 2 * left), SMALLEST), max(int(height - top - left), SMALLEST))
        count = min(max(len(state.runs), 1), PANES)
        aspect = scene.image_size[0] / scene.image_size[1] if scene is not None else 1.0
        beside = is_larger_beside(room, aspect)
        dpg.configure_item(self._rows[0], horizontal=beside or count > 2)
        size = room if count == 1 else halve(room, beside) if count == 2 else halve(halve(room, True), False)
        for index, pane in enumerate(self._panes):
            pane.place(size)
            if dpg.is_item_shown(pane.item) != (index < count):
                dpg.configure_item(pane.item, show=index < count)
        dpg.configure_item(self._rows[1], show=count > 2)


def is_larger_beside(room: tuple[int, int], aspect: float) -> bool:
    """Whether two pictures of an aspect ratio are larger side by side than one above the other."""

    def scale(pane: tuple[int, int]) -> float:
        return min(pane[0] / aspect, pane[1])

    return scale(halve(room, True)) >= scale(halve(room, False))


def halve(room: tuple[int, int], beside: bool) -> tuple[int, int]:
    """(width, height) of one of two panes in a space of this size, pixels."""
    width, height = room
    return (max((width - GAP) // 2, SMALLEST), height) if beside else (width, max((height - GAP) // 2, SMALLEST))


def make_caption(run: ViewedRun, brief: bool = False) -> str:
    """The caption of a pane: its method, and how far it is; where there is little room only its error."""
    parts: list[str] = [run.settings.method if run.contestant is None else run.contestant.name]
    if run.snapshot is None:
        return f"{parts[0]}   {run.opening.words}"
    progress = describe_progress(run.snapshot)
    return "   ".join([*parts, *(progress[:1] if brief else progress)])


def describe_progress(snapshot: Snapshot) -> list[str]:
    """Corner error, PSNR and time as texts."""
    parts = []
    if snapshot.planar is not None:
        parts.append(f"corners {snapshot.planar.corner_error_px.mean():.2f} px")
    if np.isfinite(snapshot.psnr):
        parts.append(f"PSNR {snapshot.psnr:.1f} dB")
    return [*parts, f"{snapshot.seconds:.0f} s"]
