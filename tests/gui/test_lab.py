"""Experiments beside a run: begun by a click, shown while it trains on; a kick that was tried is done for real."""

from __future__ import annotations

from tests.support.window.viewer import Report, Viewer

CURVES, MAP, KICKS, STOP = "Landscape/Curves", "Landscape/Map", "Basin map/Try kicks", "Basin map/Stop"
ROW = 18  # pixels from the tabs down to what a panel shows first
STEP, REACH = 26, 620  # pixels between two clicks along the tabs, and how far they go
CELLS = (60, 12)  # pixels from the corner of the basin map to a cell in its upper row


def open_tab(viewer: Viewer, start: tuple[float, float], item: str) -> None:
    """Clicks along the tabs until an item of the wanted panel is seen."""
    for across in range(0, REACH, STEP):
        viewer.click(start[0] + across, start[1])
        if item in viewer.report["items"]:
            return
    raise AssertionError(f"no tab shows {item}")


def says(panel: str, *words: str) -> object:
    """Whether a panel of the lab says all of these, and nothing of a share that is done."""
    return lambda report: (
        all(word in report["lab"].get(panel, "") for word in (*words,)) and ("%" not in report["lab"][panel])
    )


def test_the_lab_measures_beside_the_run_and_kicks_for_real(fern: Viewer) -> None:
    left, top, _, _ = fern.box("Warp field/slider 1")
    tabs = (left + STEP, top - ROW)
    open_tab(fern, tabs, CURVES)
    before = fern.report["iteration"]
    fern.click(*fern.point(CURVES))
    fern.wait_for(says("Landscape", "frame 1", "pixels"), "all of the curves")
    fern.click(*fern.point(MAP))
    fern.wait_for(lambda report: "%" in report["lab"]["Landscape"], "a part of the map")
    fern.save_screenshot("landscape")
    assert fern.report["iteration"] > before, "the run went on"
    open_tab(fern, tabs, KICKS)
    fern.click(*fern.point(KICKS))
    fern.wait_for(lambda report: "kicks tried" in report["lab"].get("Basin map", ""), "kicks")
    done = undoable(fern.report)
    left, top, _, high = fern.box(KICKS)
    fern.click(left + CELLS[0], top + 2 * (high + 6) + CELLS[1])
    fern.wait_for(lambda report: undoable(report) == done + 1, "a kick for real")
    if STOP in fern.report["items"]:
        fern.click(*fern.point(STOP))
    fern.wait_for(lambda report: STOP not in report["items"], "the end of the experiment")
    fern.save_screenshot("basin_map")


def undoable(report: Report) -> int:
    """Gestures that can be taken back."""
    return int(report["undoable"])
