"""Panels are lifted out of their places."""

from __future__ import annotations

import time

from app.window.theme import PANEL
from tests.gui.conftest import Launch
from tests.support.window.viewer import FERN, SMALL


def test_a_lifted_panel_hides_what_it_lies_over(launch: Launch) -> None:
    viewer = launch(str(FERN), "--output", str(launch.folder / "run"), "--paused", *SMALL)
    viewer.wait_for(lambda report: "Perturb/Kick this frame" in report.get("items", {}), "the panels")
    viewer.frames(20)  # all panels are in their places
    left, top, _, _ = viewer.box("Perturb/slider 1")
    viewer.drag((left + 40, top - 48), (left + 600, 300))  # by its tab, to over the cameras
    viewer.wait_for(lambda report: report["items"]["Perturb/slider 1"][0] > left + 300, "the panel to follow")
    end = time.monotonic() + 20
    while (viewer.picture("Cameras/image 1") == PANEL).all(axis=-1).mean() < 0.1:  # the colour of an empty place
        assert time.monotonic() < end, "the cameras shine through"
        time.sleep(0.2)
    viewer.save_screenshot("lifted_panel")
