"""What a user does with patches of one image, in one window."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support.window.display import Display
from tests.support.window.places import apart
from tests.support.window.tabs import find_tabs, open_tab
from tests.support.window.viewer import FERN, SMALL, Report, Viewer

PHOTO, OTHER = (FERN / "images" / f"view_0{index}.jpg" for index in (0, 1))
EASY = ("--noise-h", "0.1", "--noise-t", "0.1", "--noise-r", "0.3")  # patches that join within seconds
PANE, LAMBDA = "Image/pane 1", "Training/slider 1"
FINE = 220  # iteration at which the fine stage has begun
KICKS, CELL = "Basin map/Try kicks", (60, 12)  # and pixels from the corner of the map to a cell in its upper row
PANELS = ("Training", "Perturb", "Image", "Timeline", "Local warp", "Patch", "Plots")


@pytest.fixture(scope="module")
def photo(display: Display, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Viewer]:
    """One window in which patches of a photo are aligned, shared by the tests of the module."""
    folder = tmp_path_factory.mktemp("photo")
    viewer = Viewer(display, folder, [str(PHOTO), *EASY, *SMALL, "--output", str(folder / "run")])
    try:
        viewer.wait_for(lambda report: report.get("iteration", 0) >= 5, "the first iterations", 120)
        yield viewer
    finally:
        viewer.kill()


def errors(report: Report) -> np.ndarray:
    return np.array(report["planar"]["corner_error_px"])


def registered(report: Report) -> bool:
    return set(report["frame_status"]) == {"registered"}


def place(viewer: Viewer, point: np.ndarray, pane: str = PANE) -> tuple[float, float]:
    """Where a pixel of the image is seen, pixels of the window."""
    left, top, width, height = viewer.box(pane)
    view = viewer.report["planar"]
    x, y = (np.asarray(point) - view["centre"]) * view["scale"] + (width / 2, height / 2)
    return left + float(x), top + float(y)


def pause(viewer: Viewer) -> Report:
    if viewer.report["status"] == "finished":  # the schedule may end between two tests: then the button means "go on"
        go_on(viewer)
    if viewer.report["status"] != "paused":
        viewer.click(*viewer.point("Training/Pause"))
    viewer.wait_for(lambda report: report["status"] == "paused", "the pause")
    viewer.frames(10)
    return viewer.report


def go_on(viewer: Viewer) -> None:
    if viewer.report["status"] != "running":
        viewer.click(*viewer.point("Training/Pause"))
    viewer.wait_for(lambda report: report["status"] == "running", "training to go on")


def select(viewer: Viewer, patch: int) -> None:
    """By the button: a key that is held through slow frames repeats."""
    while (before := viewer.report["selected"]) != patch:
        viewer.click(*viewer.point("Patch/next"))
        viewer.wait_for(lambda report, before=before: report["selected"] != before, "the next patch")


def test_patches_find_their_places(photo: Viewer) -> None:
    photo.wait_for(lambda report: errors(report).max() < 1 and registered(report), "the patches", 240)
    assert photo.report["planar"]["image_version"] > 1, "the learned image has grown"
    photo.frames(10)
    assert photo.picture(PANE).std() > 20


def test_panels_are_seen_and_lie_beside_each_other(photo: Viewer) -> None:
    for width, height in ((1600, 1000), (1280, 800), (1600, 1000)):
        photo.resize(width, height)
        boxes = {name: box for name, box in photo.report["items"].items() if name.split("/")[0] != "Open a scene"}
        for panel in PANELS:
            assert any(name.startswith(panel + "/") for name in boxes), f"{panel} at {width} x {height}"
        assert not any(name.startswith(("Cameras/", "Novel view/", "Frame/")) for name in boxes)
        for name, (left, top, wide, high) in boxes.items():
            assert min(left, top) >= 0, name
            assert left + wide <= width + 1, f"{name} at {width} x {height}"
            assert top + high <= height + 1, f"{name} at {width} x {height}"
        assert apart(boxes[PANE], boxes["Local warp/mesh"])
        assert boxes[PANE][2] * boxes[PANE][3] > 0.25 * width * height
        photo.frames(20)
        photo.save_screenshot(f"planar_{width}x{height}")


def test_a_click_selects_the_patch_whose_middle_is_nearest(photo: Viewer) -> None:
    report = pause(photo)
    middles = np.array(report["planar"]["corners"]).mean(axis=1)
    for patch in (2, 1):
        photo.click(*place(photo, middles[patch]))
        photo.wait_for(lambda report, patch=patch: report["selected"] == patch, f"patch {patch} to be selected")
        photo.wait_for(lambda report, patch=patch: report["warp_frame"] == patch, "the engine to hear of it")
    go_on(photo)


def test_the_wheel_zooms_where_the_mouse_is_and_f_shows_all(photo: Viewer) -> None:
    before = photo.report["planar"]
    corner = np.array(before["reference_corners"][0][0])
    there = place(photo, corner)
    photo.wheel(*there, 4)
    photo.wait_for(lambda report: report["planar"]["scale"] > 1.5 * before["scale"], "the zoom")
    assert np.allclose(place(photo, corner), there, atol=2)
    photo.drag(photo.point(PANE, 0.1, 0.1), photo.point(PANE, 0.3, 0.1), button=2)
    photo.key("f")
    photo.wait_for(lambda report: abs(report["planar"]["scale"] / before["scale"] - 1) < 1e-6, "all of the image")


def test_a_corner_dragged_by_hand_recovers(photo: Viewer) -> None:
    select(photo, 2)
    go_on(photo)
    photo.frames(10)
    calm = photo.report
    corner, middle = np.array(calm["planar"]["corners"][2])[[2, 0]]
    start = place(photo, corner)
    outwards = (corner - middle) / np.linalg.norm(corner - middle)
    photo.drag(start, (start[0] + 70 * outwards[0], start[1] + 70 * outwards[1]))
    kicked = photo.wait_for(lambda report: errors(report)[2] > errors(calm)[2] + 2, "the kick")
    assert np.argmax(errors(kicked) - errors(calm)) == 2
    photo.save_screenshot("planar_kicked")
    photo.wait_for(lambda report: errors(report)[2] < errors(calm)[2] + 1, "the way back", 240)
    photo.frames(10)
    photo.save_screenshot("planar_recovered")


def test_a_drag_is_undone_and_redone_as_a_whole(photo: Viewer) -> None:
    select(photo, 1)
    before = pause(photo)
    middle = place(photo, np.array(before["planar"]["corners"][1]).mean(axis=0))
    photo.drag(middle, (middle[0] + 60, middle[1] - 30))
    moved = photo.wait_for(lambda report: errors(report)[1] > errors(before)[1] + 3, "the patch to move")
    assert moved["undoable"] == before["undoable"] + 1
    shift = np.array(moved["planar"]["corners"][1]) - np.array(before["planar"]["corners"][1])
    assert np.allclose(shift, np.array((60, -30)) / before["planar"]["scale"], atol=0.5), "all corners alike"
    photo.click(*photo.point("Perturb/Undo"))
    photo.wait_for(lambda report: abs(errors(report)[1] - errors(before)[1]) < 0.1, "undo")
    photo.click(*photo.point("Perturb/Redo"))
    photo.wait_for(lambda report: abs(errors(report)[1] - errors(moved)[1]) < 0.1, "redo")
    photo.click(*photo.point("Perturb/Undo"))
    photo.wait_for(lambda report: report["redoable"] == 1, "undo again")
    go_on(photo)


def test_the_first_patch_is_fixed(photo: Viewer) -> None:
    select(photo, 0)
    before = pause(photo)
    middle = place(photo, np.array(before["planar"]["corners"][0]).mean(axis=0))
    photo.drag(middle, (middle[0] + 60, middle[1]))
    photo.key("k")
    photo.frames(5)
    assert photo.report["planar"]["corners"][0] == before["planar"]["corners"][0]
    assert photo.report["undoable"] == before["undoable"]
    assert not photo.report["banner"]
    photo.key("f")
    select(photo, 1)
    go_on(photo)


def test_lambda_is_set_by_its_slider_and_kept_by_a_restart(photo: Viewer) -> None:
    """That a small one lets the warp bend is asserted where steps are counted, in the engine's tests."""
    select(photo, 1)
    go_on(photo)
    photo.drag(photo.point(LAMBDA, 0.6), photo.point(LAMBDA, 0.1))
    before = photo.wait_for(lambda report: report["lambda_exponent"] < -1.5, "a small lambda")["iteration"]
    photo.click(*photo.point("Training/Restart"))
    photo.wait_for(lambda report: report["iteration"] < max(before, 1), "the restart")
    photo.wait_for(lambda report: report["iteration"] >= FINE, "the fine stage", 240)
    assert photo.report["lambda_exponent"] < -1.5, "a restart keeps it"
    photo.save_screenshot("planar_soft")
    photo.drag(photo.point(LAMBDA, 0.1), photo.point(LAMBDA, 0.6))
    photo.wait_for(lambda report: report["lambda_exponent"] > 1, "a large lambda")


def test_the_timeline_shows_the_patches_where_they_began(photo: Viewer) -> None:
    pause(photo)
    photo.frames(20)
    now = photo.picture(PANE).astype(int)
    photo.drag(photo.point("Timeline/slider 1", 0.9), photo.point("Timeline/slider 1", 0.02))
    photo.wait_for(lambda report: report["timeline"] is not None, "a moment of the past")
    photo.frames(10)
    photo.save_screenshot("planar_replay")
    assert np.abs(photo.picture(PANE).astype(int) - now).max() > 60
    photo.click(*photo.point("Timeline/Live"))
    photo.wait_for(lambda report: report["timeline"] is None, "now")
    go_on(photo)


def is_compared(report: Report) -> bool:
    """Whether a second run trains."""
    return bool(report["beside"]) and report["beside"][0].get("iteration", 0) > 5


def test_two_methods_side_by_side_from_the_same_start(photo: Viewer) -> None:
    alone = photo.box(PANE)
    photo.click(*photo.point("Image/Compare"))
    report = photo.wait_for(
        lambda report: report["beside"] and report["beside"][0].get("iteration", 0) > 5, "BARF", 120
    )
    other = report["beside"][0]
    assert (report["method"], other["method"]) == ("l2g", "barf")
    assert other["reference_corners"] == report["planar"]["reference_corners"], "the same patches"
    photo.frames(20)
    assert apart(photo.box(PANE), photo.box("Image/pane 2"))
    photo.save_screenshot("planar_compared")
    photo.click(*photo.point("Training/Pause"))
    paused = photo.wait_for(
        lambda report: {report["status"], report["beside"][0]["status"]} == {"paused"}, "both to pause", 240
    )
    photo.frames(10)
    assert photo.report["beside"][0]["iteration"] == paused["beside"][0]["iteration"]
    go_on(photo)
    photo.wait_for(lambda report: report["beside"][0]["status"] == "running", "both to go on")
    photo.click(*photo.point("Image/pane 2", 0.5, 0.05))
    photo.wait_for(lambda report: report["method"] == "barf", "the second run in the other panels")
    photo.click(*photo.point("Training/Restart"))
    photo.wait_for(
        lambda report: (
            "restart" in report["beside"][0]["events"] and "restart" in [kind for _, kind, _ in report["events"]]
        ),
        "both to begin again",
        120,
    )
    assert photo.report["beside"][0]["method"] == "l2g"
    photo.click(*photo.point(PANE, 0.5, 0.05))
    photo.wait_for(lambda report: report["method"] == "l2g", "the first run again")
    photo.click(*photo.point("Image/Compare"))
    photo.wait_for(lambda report: not report["beside"], "one run")
    photo.frames(5)
    assert photo.box(PANE) == alone


def test_kicks_of_a_patch_are_tried_on_a_copy_and_one_is_done_for_real(photo: Viewer) -> None:
    select(photo, 1)
    before = pause(photo)
    open_tab(photo, find_tabs(photo, "Local warp"), KICKS)
    photo.click(*photo.point(KICKS))
    photo.wait_for(lambda report: "patch 1: " in report["lab"].get("Basin map", ""), "kicks")
    report = photo.report
    assert report["iteration"] == before["iteration"]
    assert report["planar"]["corners"] == before["planar"]["corners"], "the run stays as it is"
    photo.frames(10)  # the map finds its place
    left, top, _, high = photo.box(KICKS)
    photo.click(left + CELL[0], top + 2 * (high + 6) + CELL[1])
    photo.wait_for(lambda report: report["undoable"] == before["undoable"] + 1, "a kick for real")
    photo.save_screenshot("planar_basin_map")
    photo.wait_for(lambda report: report["planar"]["corners"][1] != before["planar"]["corners"][1], "its corners")


def open_scene(viewer: Viewer, path: Path) -> None:
    viewer.key("ctrl+o")
    viewer.wait_for(lambda report: "Open a scene/OK" in report["items"], "the dialog")
    viewer.frames(5)
    viewer.type(str(path))
    viewer.key("Return")


def test_the_picker_goes_from_one_kind_of_scene_to_the_other(photo: Viewer) -> None:
    open_scene(photo, FERN)
    photo.wait_for(lambda report: report["scene"] == "fern" and report.get("status") == "running", "the fern", 120)
    photo.wait_for(lambda report: "Cameras/image 1" in report["items"] and PANE not in report["items"], "3D panels")
    photo.frames(5)
    assert apart(photo.box("Cameras/image 1"), photo.box("Novel view/image 1")), "docked, not piled up"
    photo.save_screenshot("planar_to_fern")
    open_scene(photo, OTHER)
    photo.wait_for(lambda report: report["scene"] == OTHER.name and report.get("iteration", 0) > 3, "the photo", 120)
    photo.wait_for(lambda report: PANE in report["items"] and "Cameras/image 1" not in report["items"], "2D panels")
    photo.frames(20)  # the panels find their places


def test_leaving_saves_both_runs(photo: Viewer) -> None:
    photo.click(*photo.point("Image/Compare"))
    report = photo.wait_for(
        lambda report: report["beside"] and report["beside"][0].get("iteration", 0) > 3, "BARF", 120
    )
    folders = [Path(report["folder"]), Path(report["beside"][0]["folder"])]
    assert folders[0] != folders[1]
    photo.terminate()
    assert photo.exit_code(240) == 143, photo.output
    assert "Traceback" not in photo.output
    for folder in folders:
        folder = folder if folder.is_absolute() else photo.folder / folder
        assert (folder / "checkpoint.safetensors").is_file()
        assert json.loads((folder / "result.json").read_text())["planar"]["corner_error_px"]["mean"] > 0
