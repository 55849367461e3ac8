"""Tabs of the window: panels that share a place are behind each other."""

from __future__ import annotations

from tests.support.window.viewer import Viewer

ABOVE = 18  # pixels from the tabs down to what a panel shows first
STEP, REACH = 26, 620  # pixels between two clicks along the tabs, and how far they go


def open_tab(viewer: Viewer, start: tuple[float, float], item: str) -> None:
    """Clicks along the tabs, from a place in the first one on, until an item of the wanted panel is seen."""
    for across in range(0, REACH, STEP):
        viewer.click(start[0] + across, start[1])
        if item in viewer.report["items"]:
            return
    raise AssertionError(f"no tab shows {item}")


def find_tabs(viewer: Viewer, *panels: str) -> tuple[float, float]:
    """A place in the first of the tabs of these panels, one of which is in front; pixels of the window."""
    shown = [box for name, box in viewer.report["items"].items() if name.split("/")[0] in panels]
    return min(box[0] for box in shown) + STEP, min(box[1] for box in shown) - ABOVE
