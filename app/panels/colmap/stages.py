"""The left column of the COLMAP panel: start and stop, the stages and how far they are."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from app.model.colmap.colmap_control import (
    can_start_from,
    find_obstacle,
    find_reference_obstacle,
    start_colmap,
    start_from_colmap,
    stop_colmap,
    use_as_reference,
)
from app.model.colmap.shown_matches import ShownMatches
from app.model.state.colmap_progress import STAGES, Stage
from app.model.state.state import State
from app.panels.widgets.parts import ACCENT, AMBER, GREEN, MUTED, TEXT, add_tool_tip, dim_when_disabled, set_text

WIDTH = 200  # of the column, pixels
NAMES: dict[Stage, str] = {
    "features": "Features",
    "matching": "Matching",
    "verification": "Verification",
    "mapping": "Mapping",
    "mesh": "Mesh",
}
TIPS: dict[Stage, str] = {
    "features": "SIFT: points that can be recognised in other photos, with their size and direction.",
    "matching": "For each pair of photos: the features whose descriptors are each other's nearest.",
    "verification": "RANSAC on the matches of each pair: which are inliers of one two-view geometry.",
    "mapping": "Photos are registered to the sparse points one by one; poses and points are adjusted each time.",
    "mesh": "A surface through the sparse points, by Poisson reconstruction.",
}
LABELS = {True: "Stop COLMAP", False: "Run COLMAP's pipeline"}


class ColmapStages:
    """Starts and stops the pipeline, and shows how far it is.

    Attributes:
        item: the column.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._running = False
        self._shown: tuple[object, ...] = ()
        self._lines: dict[Stage, tuple[int | str, ...]] = {}

    def build(self) -> None:
        """Adds it to the container that is open."""
        view = self._state.colmap
        with dpg.child_window(width=WIDTH, height=200, border=False) as self.item:
            self._button = dpg.add_button(label=LABELS[False], width=-1, callback=self._press)
            dim_when_disabled(self._button)
            self._tip = add_tool_tip(self._button, "")
            self._whose = dpg.add_text("The start of this run:", color=MUTED, show=False)
            add_tool_tip(self._whose, START_OF_RUN)
            for stage in STAGES:
                with dpg.group(horizontal=True, horizontal_spacing=5) as group:
                    mark = dpg.add_text("·", color=MUTED)
                    name = dpg.add_text(NAMES[stage], color=MUTED)
                    words = dpg.add_text("", color=MUTED)
                    if stage == "mapping":
                        layer = self._state.cameras.layers.colmap
                        self._model = dpg.add_checkbox(default_value=layer, show=False, callback=self._choose)
                    if stage == "mesh":
                        self._mesh = dpg.add_checkbox(default_value=view.mesh, show=False, callback=self._choose)
                self._lines[stage] = (mark, name, words, add_tool_tip(group, TIPS[stage]))
            for box in (self._model, self._mesh):
                add_tool_tip(box, "Shows it in the 3D view.")
            with dpg.group(show=False) as self._after:
                self._reference = dpg.add_button(label="Use as reference", width=-1, callback=self._use)
                dim_when_disabled(self._reference)
                self._reference_tip = add_tool_tip(self._reference, "")
                self._start = dpg.add_button(label="Start L2G from it", width=-1, callback=self._begin)
                add_tool_tip(self._start, START_TIP)
            self._neighbours = dpg.add_checkbox(
                label="match neighbours only", default_value=view.neighbours, callback=self._choose
            )
            add_tool_tip(
                self._neighbours,
                "Matches each photo only with the ten that follow it: for many photos taken one after another.",
            )

    @property
    def seen(self) -> bool:
        """Whether it is visible, and not behind another tab."""
        return dpg.is_item_visible(self._button)

    def update(self, matches: ShownMatches | None) -> None:
        """Shows how far the pipeline is, or the start of the run, whose matches are shown before that."""
        run, why = self._state.colmap.run, find_obstacle(self._state)
        running = run is not None and run.status == "running"
        if running != self._running:
            self._running = running
            dpg.configure_item(self._button, label=LABELS[running])
        dpg.configure_item(self._button, enabled=running or not why)
        set_text(self._tip, why or WHAT)
        dpg.configure_item(self._whose, show=matches is not None and not matches.own)
        key = (id(matches.progress), matches.progress.version, matches.status) if matches is not None else ()
        if key != self._shown:
            self._shown = key
            for stage in STAGES:
                self._update_stage(stage, matches)
        finished = run is not None and run.status == "finished"
        if finished and not dpg.is_item_shown(self._after):
            dpg.configure_item(self._start, show=can_start_from(self._state))
        dpg.configure_item(self._after, show=finished)
        if finished:
            why_not = find_reference_obstacle(self._state)
            dpg.configure_item(self._reference, enabled=not why_not)
            set_text(self._reference_tip, why_not or REFERENCE_TIP)
        layers = self._state.cameras.layers
        if dpg.get_value(self._model) != layers.colmap:  # switched elsewhere
            dpg.set_value(self._model, layers.colmap)
        dpg.configure_item(self._model, show=run is not None and run.progress.model is not None)
        mesh = run.progress.mesh if run is not None else None
        dpg.configure_item(self._mesh, show=mesh is not None and len(mesh.faces) > 0)

    def _update_stage(self, stage: Stage, matches: ShownMatches | None) -> None:
        mark, name, words, tip = self._lines[stage]
        progress = matches.progress if matches is not None else None
        status = matches.status if matches is not None and matches.progress.stage == stage else None
        done = matches is not None and matches.has_ended(stage)
        at_work, failed = status == "running" and not done, status == "failed"
        set_text(mark, "✓" if done else "▸" if at_work else "!" if failed else "·")
        dpg.configure_item(mark, color=GREEN if done else ACCENT if at_work else AMBER if failed else MUTED)
        dpg.configure_item(name, color=TEXT if done or at_work else MUTED)
        set_text(words, progress.words(stage) if progress is not None else "")
        details = progress.details(stage) if progress is not None else ""
        set_text(tip, f"{TIPS[stage]}\n{details}".strip())

    def _press(self) -> None:
        if self._running:
            stop_colmap(self._state)
        else:
            start_colmap(self._state)

    def _use(self) -> None:
        use_as_reference(self._state)

    def _begin(self) -> None:
        start_from_colmap(self._state)

    def _choose(self) -> None:
        view = self._state.colmap
        view.neighbours, view.mesh = dpg.get_value(self._neighbours), dpg.get_value(self._mesh)
        self._state.cameras.layers.colmap = dpg.get_value(self._model)


WHAT = (
    "Runs COLMAP's structure from motion on the same photos while the training continues: features, matching, "
    "verification, mapping, mesh. Its model is written to the folder of the run."
)
START_OF_RUN = (
    "Features, matches and cameras of the quick reconstruction from which this run started. COLMAP's own pipeline, on "
    "the photos at full size, takes their place once it runs."
)
REFERENCE_TIP = (
    "Measures rotation and translation errors against COLMAP's poses from now on, and again for the run so far: "
    "plots, colours and links change with them. The model is scaled to about the scene's units."
)
START_TIP = "Reads the photos again with COLMAP's poses as initial poses (--init sfm) and trains from the start."
