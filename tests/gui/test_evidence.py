"""Frames that the user excludes, and the weight of the matches."""

from __future__ import annotations

from app.model.common.slider_scale import LAMBDA
from app.model.common.slider_scale import MU as RANGE
from tests.gui.conftest import Launch
from tests.gui.test_colmap import LONG, desk
from tests.gui.test_training import CAMERAS, go_on, pause
from tests.support.window.places import seen_photos
from tests.support.window.viewer import Report, Viewer

MU, BADGE = "Training/slider 2", "Top/verdict"


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


def test_the_badge_has_the_verdict_and_mu_follows_its_slider(launch: Launch) -> None:
    viewer = launch(str(desk(launch.folder / "my_desk")), "--output", str(launch.folder / "run"))
    viewer.wait_for(lambda report: report.get("iteration", 0) >= 3, "the first iterations", LONG)
    judged = viewer.wait_for(lambda report: report["verdict"] and BADGE in report["items"], "the verdict", LONG)
    assert all(error is None or error < 100 for error in judged["reprojection_px"])
    viewer.click(*viewer.point(BADGE))
    told = viewer.wait_for(lambda report: report["notice"], "the reason")
    assert told["notice"].split(":")[0].lower() in ("registered", "doubtful", "failed")
    viewer.save_screenshot("verdict")
    assert viewer.report["matches"]
    assert viewer.report["mu_exponent"] == RANGE.default
    start, end = ((value - RANGE.lowest) / (RANGE.highest - RANGE.lowest) for value in (RANGE.default, -3))
    viewer.drag(viewer.point(MU, start), viewer.point(MU, end))
    viewer.wait_for(lambda report: abs(report["mu_exponent"] + 3) < 0.5, "μ = 10^-3")
    assert viewer.report["lambda_exponent"] == LAMBDA.default, "λ has a slider of its own"
    viewer.save_screenshot("mu")
    viewer.click(*viewer.point("Training/matches"))
    viewer.wait_for(lambda report: not report["matches"], "the matches to be left out")
    viewer.click(*viewer.point("Training/matches"))
    viewer.wait_for(lambda report: report["matches"], "the matches to be used again")
