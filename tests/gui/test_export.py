"""The export dialog: what it writes while the training goes on, and what it says where it cannot."""

from __future__ import annotations

from tests.gui.test_training import go_on
from tests.support.window.viewer import Report, Viewer

LONG = 500.0  # seconds: another process reads the run, beside the training


def open_dialog(fern: Viewer) -> Report:
    fern.click(*fern.point("Top/Export"))
    report = fern.wait_for(lambda report: "Export/Write" in report["items"], "the dialog")
    fern.frames(5)
    return report


def close_dialog(fern: Viewer) -> None:
    fern.click(*fern.point("Export/Close"))
    fern.wait_for(lambda report: "Export/Write" not in report["items"], "the dialog to close")


def test_cameras_are_exported_while_the_training_goes_on(fern: Viewer) -> None:
    go_on(fern)
    folder = fern.folder / "run" / "export" / "colmap"
    before = open_dialog(fern)
    fern.click(*fern.point("Export/Write"))
    fern.frames(10)
    fern.save_screenshot("exporting")
    fern.wait_for(lambda report: report["exporting"], "the export to begin")
    after = fern.wait_for(lambda report: report["exporting"] is None, "the model", LONG)
    assert after["iteration"] > before["iteration"]
    assert after["banner"] is None
    assert (folder / "sparse" / "0" / "images.bin").stat().st_size > 1000
    assert len(list((folder / "images").iterdir())) == 18
    fern.frames(5)
    fern.save_screenshot("exported")
    close_dialog(fern)


def test_what_cannot_be_exported_is_said_in_the_banner(fern: Viewer) -> None:
    folder = fern.folder / "run" / "export" / "colmap-2"
    go_on(fern)
    (fern.folder / "run" / "export" / "colmap").mkdir(parents=True, exist_ok=True)
    open_dialog(fern)
    folder.mkdir()
    (folder / "mine").write_text("mine")
    fern.click(*fern.point("Export/Write"))
    fern.frames(10)
    assert fern.report["exporting"] is None, "it is there already"
    fern.click(*fern.point("Export/Replace an earlier export there", 0.05))
    fern.click(*fern.point("Export/Write"))
    said = fern.wait_for(lambda report: report["banner"], "the failure", LONG)
    assert "colmap-2 holds mine, which is no part of such an export" in said["banner"]
    assert said["status"] == "running"
    assert (folder / "mine").read_text() == "mine"
    fern.frames(5)
    fern.save_screenshot("export_failed")
    close_dialog(fern)
