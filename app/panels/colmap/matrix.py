"""The matrix of all pairs of photos: raw matches below the diagonal, inliers above; a click selects a pair."""

from __future__ import annotations

import dearpygui.dearpygui as dpg

from app.model.colmap.colmap_drawing import draw_matrix, find_cell_at
from app.model.colmap.shown_matches import ShownMatches, choose_pair
from app.model.state.colmap_progress import NOT_YET, ColmapProgress, make_pair
from app.model.state.state import State
from app.panels.widgets.parts import CLEAR, TEXT, set_text
from app.panels.widgets.picture_item import PictureItem
from engine.sfm.events import Pair

LARGEST = 480  # side, pixels


class ColmapMatrix:
    """A square with a cell for each pair."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._shown: tuple[object, ...] = ()
        self._side = 100
        self._progress: ColmapProgress | None = None

    def build(self) -> None:
        """Adds it to the container that is open."""
        self._picture = PictureItem((LARGEST + 1, LARGEST + 1))
        box = self._picture.drawlist
        self._marks = [dpg.draw_rectangle((0, 0), (1, 1), color=TEXT, fill=CLEAR, parent=box) for _ in range(2)]
        with dpg.tooltip(self._picture.group):
            self._tip = dpg.add_text("")
        with dpg.item_handler_registry() as handlers:
            dpg.add_item_clicked_handler(button=0, callback=self._clicked)
        dpg.bind_item_handler_registry(self._picture.group, handlers)

    def update(self, matches: ShownMatches, side: int) -> None:
        """Shows what is known so far, as a square with sides of `side` pixels."""
        progress = self._progress = matches.progress
        side = min(side, LARGEST)
        key = (id(progress), progress.version, side)
        if key != self._shown:
            self._shown, self._side = key, side
            self._picture.show(draw_matrix(progress.counts, progress.agreeing, side))
            self._picture.place((side, side))
        pair = choose_pair(self._state, matches)
        for mark, cell in zip(self._marks, (pair, pair and pair[::-1]), strict=True):
            dpg.configure_item(mark, show=cell is not None)
            if cell is not None:
                row, column = cell
                frames = len(progress.names)
                low = (column * side / frames, row * side / frames)
                dpg.configure_item(mark, pmin=low, pmax=((column + 1) * side / frames, (row + 1) * side / frames))
        if dpg.is_item_hovered(self._picture.group):
            found = self._under_mouse()
            set_text(self._tip, WHAT if found is None else describe_pair(progress, found))

    def _under_mouse(self) -> Pair | None:
        if self._progress is None:
            return None
        corner, mouse = dpg.get_item_rect_min(self._picture.group), dpg.get_mouse_pos(local=False)
        cell = find_cell_at(mouse[0] - corner[0], mouse[1] - corner[1], self._side, len(self._progress.names))
        return None if cell is None else make_pair(*cell)

    def _clicked(self) -> None:
        found = self._under_mouse()
        if found is not None:
            self._state.colmap.pair, self._state.colmap.chosen = found, "matches"


def describe_pair(progress: ColmapProgress, pair: Pair) -> str:
    """The photos of a pair, and the numbers of their matches, in lines."""
    raw, good = int(progress.counts[pair]), int(progress.agreeing[pair])
    lines = [f"{progress.names[pair[0]]}  ↔  {progress.names[pair[1]]}"]
    lines.append("not matched yet" if raw == NOT_YET else f"{raw:,} raw matches")
    if pair in progress.verified:
        lines.append(f"{good:,} inliers: {progress.verified[pair].model}")
    return "\n".join(lines)


WHAT = "Matches of all pairs: below the diagonal raw ones (blue), above it inliers (green); brighter is more."
