"""Frames that the user excludes, and brings back."""

from __future__ import annotations

from tests.gui.test_training import CAMERAS, go_on, pause
from tests.support.window.places import seen_photos
from tests.support.window.viewer import Report, Viewer


def excluded(report: Report) -> list[int]:
    return [frame for frame, status in enumerate(report["frame_status"]) if status == "excluded"]


def test_a_frame_is_excluded_by_the_button_and_brought_back_by_its_key(fern: Viewer) -> None:
    frame = fern.report["selected"]
    fern.click(*fern.point("Frame/Exclude"))
    fern.wait_for(lambda report: excluded(report) == [frame], "the frame to be excluded")
    iteration = fern.report["iteration"]
    fern.wait_for(lambda report: report["iteration"] > iteration + 5, "training to go on without it")
    fern.save_screenshot("excluded")
    fern.key("x")
    fern.wait_for(lambda report: excluded(report) == [], "the frame to be back")


def test_a_right_click_on_a_camera_offers_to_exclude_it(fern: Viewer) -> None:
    fern.wait_for(lambda report: report["iteration"] >= 100, "cameras that have moved apart", 120)
    report = pause(fern)
    frame, place = next(iter(seen_photos(report, fern.box(CAMERAS)).items()))
    fern.click(*place, button=3)
    fern.wait_for(lambda report: "Frame menu/Exclude" in report["items"], "the menu")
    fern.save_screenshot("frame_menu")
    fern.click(*fern.point("Frame menu/Exclude"))
    fern.wait_for(lambda report: excluded(report) == [frame], "its frame to be excluded")
    fern.frames(5)
    assert "Frame menu/Exclude" not in fern.report["items"], "the menu closes"
    assert fern.report["selected"] == frame
    fern.save_screenshot("excluded_paused")
    fern.key("x")
    fern.wait_for(lambda report: excluded(report) == [], "the frame to be back")
    go_on(fern)
