"""Photos that are added to a run in its window: dropped into it, and typed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.scenes.smaller_scene import write_fern_without
from tests.support.window.display import Display
from tests.support.window.dropping import drop
from tests.support.window.viewer import FERN, Report, Viewer

PHOTOS = sorted((FERN / "images").glob("*.jpg"))
LEFT_OUT = (3, 9, 16)
READ = len(PHOTOS) - len(LEFT_OUT) - 1  # training frames; one is held out
QUICK = ("--downscale", "4")
LONG = 600.0  # seconds that a machine with much else to do may take; it is a quarter of a minute else


@pytest.fixture
def viewer(display: Display, tmp_path: Path) -> Iterator[Viewer]:
    """A fern with three photos less, trained until its field shows something."""
    scene = write_fern_without(tmp_path / "fern", LEFT_OUT)
    shown = Viewer(display, tmp_path, [str(scene), "--output", str(tmp_path / "run"), *QUICK])
    try:
        shown.wait_for(lambda report: report.get("iteration", 0) >= 320, "a field", LONG)
        yield shown
    finally:
        shown.kill()


def searching(report: Report) -> bool:
    return bool({"searching", "waiting"} & set(report["frame_status"]))


def test_photos_are_dropped_and_typed_and_found(viewer: Viewer, display: Display, tmp_path: Path) -> None:
    assert len(viewer.report["poses"]) == READ
    text = tmp_path / "notes.jpg"
    text.write_text("no photo")
    assert drop(display.name, viewer.window, [PHOTOS[LEFT_OUT[0]], text, PHOTOS[LEFT_OUT[1]]])
    report = viewer.wait_for(lambda report: len(report["poses"]) == READ + 2, "the photos that were dropped")
    assert "notes.jpg is not an image" in report["banner"]
    report = viewer.wait_for(lambda report: not searching(report), "the end of the search", LONG)
    assert "rejected" not in report["frame_status"]
    found = {what for _, kind, what in report["events"] if kind == "found"}
    assert {PHOTOS[index].name for index in LEFT_OUT[:2]} <= found

    viewer.click(*viewer.point("Top/Add photos"))
    viewer.frames(10)  # the dialog opens, and its path takes the keyboard
    viewer.type(str(PHOTOS[LEFT_OUT[2]]))
    viewer.key("Return")
    viewer.wait_for(lambda report: len(report["poses"]) == READ + 3, "the photo that was typed")
    report = viewer.wait_for(lambda report: "1 photo added and found" in (report["notice"] or ""), "word of it", LONG)
    assert report["status"] == "running"
    before = report["iteration"]
    viewer.key("Left")  # the last frame, an added one
    viewer.wait_for(lambda report: report["selected"] == READ + 2, "its selection")
    viewer.wait_for(lambda report: report["warp_frame"] == READ + 2, "its warp")
    viewer.wait_for(lambda report: report["iteration"] > before + 20, "training to go on")
    assert viewer.report["message"] == ""
    viewer.save_screenshot("added")
