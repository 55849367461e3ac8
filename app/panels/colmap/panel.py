"""The COLMAP panel: COLMAP's pipeline on the same photos, stage by stage."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from app.model.colmap.colmap_control import refresh_colmap
from app.model.colmap.shown_matches import find_shown_matches
from app.model.common import layout
from app.model.state.state import State
from app.model.state.viewed_run import ViewedRun
from app.panels.colmap.matrix import ColmapMatrix
from app.panels.colmap.picture import NARROWEST, ColmapPicture
from app.panels.colmap.stages import WIDTH, ColmapStages
from app.panels.widgets.parts import AMBER, PADDING, measure_size, set_text

GAP = 12  # pixels
END_SECONDS = 5.0  # that its process is given to end
STOPPED = "Stopped; nothing was kept."
MATRIX_SHARE = 0.3  # of the width beside the stages, at most, for the matrix


class ColmapPanel:
    """Stages at the left, the matrix of pairs, and a picture of what was found."""

    title = "COLMAP"

    def __init__(self, state: State) -> None:
        self._state = state
        self._parent: int | str = 0
        self._told = ""
        self._raised_for: ViewedRun | None = None
        self._stages, self._matrix, self._picture = ColmapStages(state), ColmapMatrix(state), ColmapPicture(state)

    def build(self, parent: int | str) -> None:
        self._parent = parent
        self._message = dpg.add_text("", parent=parent, color=AMBER, show=False)
        with dpg.group(parent=parent, horizontal=True, horizontal_spacing=GAP):
            self._stages.build()
            with dpg.group(horizontal=True, horizontal_spacing=GAP, show=False) as self._found:
                self._matrix.build()
                self._picture.build()

    def update(self, state: State) -> None:
        refresh_colmap(state)
        self._come_forward(state)
        run = state.colmap.run
        seen = self._stages.seen
        if run is not None and run.message != self._told:
            self._told = run.message
            if not seen:  # otherwise it is shown in the panel
                state.banner = run.message or state.banner
        if not seen:
            return
        matches = find_shown_matches(state)
        self._stages.update(matches)
        dpg.configure_item(self._found, show=matches is not None)
        message = "" if run is None else STOPPED if run.status == "stopped" else run.message
        set_text(self._message, message)
        width, height = (int(length) for length in measure_size(self._parent))
        dpg.configure_item(self._message, show=bool(message), wrap=width - 2 * PADDING)
        top = dpg.get_item_pos(self._stages.item)[1]
        room = max(height - top - PADDING, 80)
        dpg.configure_item(self._stages.item, height=room)
        if matches is None:
            return
        beside = max(width - WIDTH - 2 * PADDING - GAP, 160)
        side = max(min(room, int(MATRIX_SHARE * beside), beside - GAP - NARROWEST), 60)
        self._matrix.update(matches, side)
        self._picture.update(matches, (max(beside - side - GAP, 100), max(room, 100)))

    def _come_forward(self, state: State) -> None:
        """Is the tab in front while a scene is being opened by its matches; then that of the warp field is again."""
        shown = state.run
        if shown is None:
            return
        if shown.opened is None and shown is not self._raised_for:
            progress = shown.opening.progress
            if progress is not None and progress.features:
                self._raised_for = shown
                dpg.focus_item(layout.COLMAP)
        elif shown is self._raised_for and shown.snapshot is not None:
            self._raised_for = None
            if self._stages.seen:  # the user has not chosen another tab
                dpg.focus_item(layout.WARP)

    def close(self) -> None:
        """Stops the pipeline."""
        run = self._state.colmap.run
        if run is not None:
            run.stop()
            run.join(END_SECONDS)
