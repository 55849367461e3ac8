"""A race in the window: two runs of the fern in turns, steered together or one at a time."""

from __future__ import annotations

from tests.gui.conftest import Launch
from tests.support.window.viewer import FERN, SMALL, Report, Viewer

START, END = "Race/Start race", "Race/End race"
UNAIDED = ("--no-matches", "--assist", "off")  # so that cameras move, and kicks are not searched for


def open_tab(viewer: Viewer) -> None:
    """One of the tabs beside that of the warp field."""
    left, top, _, _ = viewer.box("Warp field/slider 1")
    for right in range(0, 260, 24):
        viewer.click(left - 18 + right, top - 18)
        if START in viewer.report["items"]:
            return
    raise AssertionError("the tab of the race was not found")


def statuses(report: Report) -> list[str]:
    return [report["status"], *(other["status"] for other in report["beside"])]


def kicks(report: Report) -> list[int]:
    events = ([kind for _, kind, _ in report["events"]], *(other["events"] for other in report["beside"]))
    return [kinds.count("perturb-all") for kinds in events]


def test_a_race_is_started_steered_and_ended(launch: Launch) -> None:
    viewer = launch(str(FERN), "--output", str(launch.folder / "run"), "--paused", *SMALL, *UNAIDED)
    viewer.wait_for(lambda report: report.get("status") == "paused" and "Warp field/slider 1" in report["items"], "it")
    viewer.frames(20)  # all panels are in their places
    open_tab(viewer)
    viewer.click(*viewer.point(START))
    racing = viewer.wait_for(
        lambda report: (
            report.get("iteration", 0) >= 5 and [o.get("iteration", 0) >= 5 for o in report["beside"]] == [True]
        ),
        "both to train",
        120,
    )
    assert [racing["method"], racing["beside"][0]["method"]] == ["l2g", "barf"]
    assert END in racing["items"]
    assert racing["race"] == {"beside": 1, "divider": 0.5}
    line, mode = viewer.point("Novel view/image 1"), racing["novel"]["mode"]
    viewer.drag(line, (line[0] - 60, line[1]))
    dragged = viewer.wait_for(lambda report: report["race"]["divider"] < 0.45, "the line to be dragged")
    assert dragged["novel"]["mode"] == mode

    viewer.click(*viewer.point("Training/Pause"))
    viewer.wait_for(lambda report: statuses(report) == ["paused", "paused"], "both to pause")
    viewer.click(*viewer.point("Perturb/Kick all"))
    viewer.wait_for(lambda report: kicks(report) == [1, 1], "both to be kicked")
    viewer.click(*viewer.point("Race/steer all"))
    viewer.click(*viewer.point("Perturb/Kick all"))
    viewer.wait_for(lambda report: kicks(report) == [2, 1], "the one that is shown to be kicked")
    viewer.save_screenshot("race")

    viewer.click(*viewer.point("Race/choice 2"))
    shown = viewer.wait_for(
        lambda report: report["method"] == "barf" and kicks(report) == [1, 2], "the other one to be shown"
    )
    assert shown["race"]["beside"] == 0
    viewer.click(*viewer.point("Training/Pause"))
    viewer.wait_for(lambda report: statuses(report) == ["running", "paused"], "it alone to go on")
    viewer.click(*viewer.point(END))
    alone = viewer.wait_for(lambda report: report["beside"] == [] and START in report["items"], "the end of the race")
    assert (alone["method"], alone["status"]) == ("barf", "running")
    before = alone["iteration"]
    viewer.wait_for(lambda report: report["iteration"] > before, "it to go on")
