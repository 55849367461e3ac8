"""What the window shows while a scene of bare photos is being opened."""

from __future__ import annotations

import numpy as np

from tests.gui.conftest import Launch
from tests.gui.test_colmap import LONG, PHOTOS, desk
from tests.support.window.viewer import Report

CAMERAS = "Cameras/image 1"


def opening(report: Report) -> Report:
    return report.get("opening") or {"phase": "none", "features": 0, "cameras": 0}


def test_photos_features_and_cameras_are_seen_before_the_training_begins(launch: Launch) -> None:
    viewer = launch(str(desk(launch.folder / "my_desk")), "--init", "sfm", "--output", str(launch.folder / "run"))
    viewer.wait_for(lambda report: opening(report).get("photos") == PHOTOS, "the photos", LONG)
    viewer.wait_for(lambda report: CAMERAS in report["items"], "the view")
    viewer.frames(20)
    sheet = viewer.picture(CAMERAS).astype(int)
    assert sheet.std() > 8, "the photos are seen"
    first = viewer.wait_for(lambda report: opening(report)["cameras"] >= 2, "the first cameras", LONG)
    assert opening(first)["features"] == PHOTOS
    viewer.frames(10)
    viewer.save_screenshot("opening_cameras")
    viewer.wait_for(lambda report: report.get("iteration", 0) >= 1, "the training", LONG)
    before = viewer.report["view"]["pose"]
    viewer.frames(20)
    assert np.allclose(viewer.report["view"]["pose"], before), "the view stays where it was"
    viewer.save_screenshot("opening_taken_over")
    assert opening(viewer.report)["cameras"] == PHOTOS


def test_a_scene_that_cannot_be_opened_is_not_a_run(launch: Launch) -> None:
    folder = desk(launch.folder / "my_desk")
    for photo in sorted(folder.iterdir())[2:]:
        photo.unlink()
    viewer = launch(str(folder), "--output", str(launch.folder / "run"))
    told = viewer.wait_for(lambda report: report.get("banner"), "the reason")
    assert "2 photos" in told["banner"]
    viewer.frames(5)
    viewer.save_screenshot("opening_failed")
