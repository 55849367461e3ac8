"""COLMAP's pipeline beside the training of the same photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from tests.gui.conftest import Launch
from tests.support.window.viewer import FERN, Report, Viewer

RUN = "COLMAP/Run COLMAP's pipeline"  # the same button stops it
PHOTOS, SIZE = 5, (252, 189)  # few and small: it is the window that is tested here
LONG = 300.0  # seconds; COLMAP runs at a low priority


def desk(folder: Path) -> Path:
    """Some photos and nothing else."""
    folder.mkdir()
    for path in sorted((FERN / "images").iterdir())[:PHOTOS]:
        Image.open(path).resize(SIZE).save(folder / path.name, quality=95)
    return folder


def colmap(report: Report) -> Report:
    return report.get("colmap") or {"status": "none", "message": ""}


def open_tab(viewer: Viewer) -> None:
    """The tab beside that of the warp field."""
    left, top, _, _ = viewer.box("Warp field/slider 1")
    viewer.click(left - 18, top - 18)
    viewer.wait_for(lambda report: RUN in report["items"], "the COLMAP panel")


def test_photos_are_registered_by_colmap_while_they_are_trained_on(launch: Launch) -> None:
    viewer = launch(str(desk(launch.folder / "my_desk")), "--output", str(launch.folder / "run"))
    viewer.wait_for(lambda report: report.get("iteration", 0) >= 5, "the first iterations", LONG)
    assert viewer.report["rotation_error_deg"] is None  # there are no reference poses
    open_tab(viewer)

    viewer.click(*viewer.point(RUN))
    viewer.wait_for(lambda report: colmap(report)["status"] == "running", "COLMAP to start")
    viewer.click(*viewer.point(RUN))
    stopped = viewer.wait_for(lambda report: colmap(report)["status"] == "stopped", "COLMAP to stop", LONG)
    assert not Path(colmap(stopped)["folder"]).exists()

    viewer.click(*viewer.point(RUN))
    before = viewer.report["iteration"]
    done = viewer.wait_for(lambda report: colmap(report)["status"] in ("finished", "failed"), "COLMAP", LONG)
    assert colmap(done)["message"] == ""
    assert colmap(done)["features"] == PHOTOS
    assert colmap(done)["pairs"] == PHOTOS * (PHOTOS - 1) // 2
    assert colmap(done)["registered"] == list(range(PHOTOS))
    assert (Path(colmap(done)["folder"]) / "sparse" / "0" / "cameras.bin").is_file()
    assert done["iteration"] > before  # the training went on beside COLMAP
    assert done["status"] == "running"

    for shown in ("Mapping", "Keypoints", "Matches"):
        viewer.click(*viewer.point(f"COLMAP/{shown}"))
        viewer.save_screenshot(f"colmap_{shown.lower()}")
    left, top, _, high = viewer.box("COLMAP/Matches")
    right = int(viewer.point("Timeline/slider 1", 1.0)[0])
    screen = viewer.display.picture()[viewer.corner[1] :, viewer.corner[0] :].astype(int)
    photos = screen[int(top + high) + 6 :, int(left) - 160 : right][:150]
    green = (photos[..., 1] > 60 + photos[..., 0]) & (photos[..., 1] > 40 + photos[..., 2])
    assert green.mean() > 0.02, "no line of a match is seen"

    viewer.click(*viewer.point("COLMAP/Use as reference"))
    measured = viewer.wait_for(
        lambda report: report["rotation_error_deg"] is not None, "errors against COLMAP's poses"
    )
    assert np.isfinite(measured["rotation_error_deg"]).all()
    assert measured["banner"] is None
    viewer.save_screenshot("colmap_reference")

    viewer.click(*viewer.point("COLMAP/Start L2G from it"))
    viewer.wait_for(lambda report: report.get("folder") != str(launch.folder / "run"), "the new run", LONG)
    restarted = viewer.wait_for(lambda report: report.get("iteration", 0) > 0, "its first iterations", LONG)
    assert restarted["banner"] is None
    assert (restarted["method"], restarted["start"]) == ("l2g", "sfm")
    assert np.isfinite(restarted["rotation_error_deg"]).all()  # against COLMAP's poses
    assert len(restarted["colmap"]["registered"]) == PHOTOS, "the pipeline can still be seen"
    viewer.save_screenshot("colmap_start")
