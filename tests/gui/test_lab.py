"""Experiments beside a run: begun by a click, shown while it trains on; a kick that was tried is done for real."""

from __future__ import annotations

from engine.lab.sweep.definition import SweepDefinition, write_definition
from engine.lab.sweep.table import write_table
from tests.support.runs.swept_runs import swept_row
from tests.support.window.tabs import find_tabs, open_tab
from tests.support.window.viewer import FERN, Report, Viewer

CURVES, MAP, KICKS, STOP = "Landscape/Curves", "Landscape/Map", "Basin map/Try kicks", "Basin map/Stop"
CELLS = (60, 12)  # pixels from the corner of the basin map to a cell in its upper row

SWEPT_CELL, SWEPT_RUN = (85, 58), (185, 38)  # below the left end of the choice of maps, pixels


def says(panel: str, *words: str) -> object:
    """Whether a panel of the lab says all of these, and nothing of a share that is done."""
    return lambda report: (
        all(word in report["lab"].get(panel, "") for word in (*words,)) and ("%" not in report["lab"][panel])
    )


def test_the_lab_measures_beside_the_run_and_kicks_for_real(fern: Viewer) -> None:
    tabs = find_tabs(fern, "Warp field")
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
    fern.wait_for(lambda report: "kicks" in report["lab"].get("Basin map", ""), "kicks")
    fern.frames(10)  # the map finds its place
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


def test_a_run_of_a_sweep_is_opened_from_its_map(fern: Viewer) -> None:
    """The last test of this module: another run takes the place of the one that the others share."""
    fixed = {"downscale": 2, "matches": False, "device": "cpu"}
    (run,) = SweepDefinition((FERN,), methods=("barf",), seeds=(3,), fixed=fixed).runs()
    folder = fern.folder / "s"
    write_definition(folder, [run])
    write_table([swept_row(run.name, method="barf", seed=3, rotation_mean_deg=0.1)], folder)
    open_tab(fern, find_tabs(fern, "Warp field", "Basin map"), "Sweep/Read")
    fern.click(*fern.point("Sweep/input 1"))
    fern.type("s")
    fern.key("Return")
    fern.wait_for(lambda report: "Sweep/combo 1" in report["items"], "the sweep")
    left, top, _, high = fern.box("Sweep/combo 1")
    fern.frames(3)
    fern.click(left + SWEPT_CELL[0], top + high + SWEPT_CELL[1])
    fern.click(left + SWEPT_RUN[0], top + high + SWEPT_RUN[1])
    fern.save_screenshot("sweep")
    fern.click(*fern.point("Sweep/Open run"))
    fern.wait_for(lambda report: report["method"] == "barf" and report.get("iteration", 0) > 0, "its first steps", 120)
