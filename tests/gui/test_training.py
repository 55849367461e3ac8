"""What a user does while a scene is trained, in one window."""

from __future__ import annotations

import statistics
from itertools import pairwise

import numpy as np
import pytest

from app.model.common.slider_scale import LAMBDA as RANGE
from tests.support.window.places import apart, gizmo_tip, seen_photos
from tests.support.window.viewer import Report, Viewer

LAMBDA = "Training/slider 1"
GIZMO = "Cameras/box 11"  # its switch in the legend
CAMERAS, NOVEL = "Cameras/image 1", "Novel view/image 1"


def errors(report: Report) -> np.ndarray:
    return np.array(report["rotation_error_deg"])


def turned(one: Report, other: Report, frame: int) -> float:
    """By how many degrees a frame's pose differs between two reports."""
    first, second = (np.array(report["poses"][frame])[:, :3] for report in (one, other))
    return float(np.degrees(np.linalg.norm(first - second) / np.sqrt(2)))


def beside_others(one: Report, other: Report, frame: int) -> float:
    """By how many degrees a frame turned against the others between two reports; the whole world may have turned."""
    poses, before = (np.array(report["poses"])[:, :, :3] for report in (one, other))
    away = [place for place in range(len(poses)) if place != frame]
    relative, wanted = (world[frame] @ world[away].transpose(0, 2, 1) for world in (poses, before))
    return float(np.degrees(np.median(np.linalg.norm(relative - wanted, axis=(1, 2))) / np.sqrt(2)))


def pause(fern: Viewer) -> Report:
    """Stands still, so that what is compared does not change by itself."""
    if fern.report["status"] != "paused":
        fern.key("space")
    fern.wait_for(lambda report: report["status"] == "paused", "the pause")
    fern.frames(10)
    return fern.report


def go_on(fern: Viewer) -> Report:
    if fern.report["status"] == "paused":
        fern.key("space")
    return fern.wait_for(lambda report: report["status"] == "running", "training to go on")


def test_cameras_converge(fern: Viewer) -> None:
    first = fern.report
    then = fern.wait_for(lambda report: report["iteration"] >= first["iteration"] + 100, "training")
    assert then["psnr"] > 15
    assert errors(then).mean() < 60
    assert np.ptp(np.array(then["poses"])[:, :, 3], axis=0).max() > 0.01  # they began on one spot


def test_panels_are_seen_and_lie_beside_each_other(fern: Viewer) -> None:
    for width, height in ((1600, 1000), (1280, 800), (1600, 1000)):
        fern.resize(width, height)
        boxes = {name: box for name, box in fern.report["items"].items() if name.split("/")[0] != "Open a scene"}
        for panel in ("Training", "Perturb", "Cameras", "Warp field", "Novel view", "Frame", "Plots", "Timeline"):
            assert any(name.startswith(panel + "/") for name in boxes), f"{panel} at {width} x {height}"
        for name, (left, top, wide, high) in boxes.items():
            assert left >= 0, name
            assert top >= 0, name
            assert left + wide <= width + 1, f"{name} at {width} x {height}"
            assert top + high <= height + 1, f"{name} at {width} x {height}"
        assert apart(boxes[CAMERAS], boxes[NOVEL])
        assert boxes[CAMERAS][2] * boxes[CAMERAS][3] > 0.12 * width * height
        fern.frames(20)
        fern.save_screenshot(f"window_{width}x{height}")


def set_lambda(fern: Viewer, exponent: float) -> None:
    """Drags the slider of λ to an exponent and waits until the run has it."""
    start, end = (
        (value - RANGE.lowest) / (RANGE.highest - RANGE.lowest) for value in (fern.report["lambda_exponent"], exponent)
    )
    fern.drag(fern.point(LAMBDA, start), fern.point(LAMBDA, end))
    fern.wait_for(lambda report: abs(report["lambda_exponent"] - exponent) < 0.5, f"λ = 10^{exponent:g}")


def residual_after(fern: Viewer, exponent: float, iterations: int) -> float:
    """The residual in pixels after training with a λ; it stands still before and after."""
    set_lambda(fern, exponent)
    wanted = go_on(fern)["iteration"] + iterations
    fern.wait_for(lambda report: report["iteration"] >= wanted, f"{iterations} iterations")
    return float(pause(fern)["residual_px"])


def test_lambda_follows_the_slider_and_the_residual_follows_lambda(fern: Viewer) -> None:
    """From the start, where the warps move: later stages move them less and less, whatever λ is."""
    before = fern.report["iteration"]
    fern.click(*fern.point("Training/Start again"))
    fern.wait_for(lambda report: report["status"] == "running" and 1 < report["iteration"] < before, "a new start")
    pause(fern)
    stiff = residual_after(fern, 3.5, 45)
    soft = residual_after(fern, -2, 80)
    fern.save_screenshot("lambda_soft")
    assert soft > 2 * stiff
    set_lambda(fern, 3.5)
    go_on(fern)
    fern.wait_for(lambda report: report["residual_px"] < 0.5 * soft, "the warp to stiffen")


def test_a_double_click_brings_the_default_lambda_back(fern: Viewer) -> None:
    pause(fern)
    median = statistics.median(fern.report["frame_ms"][-40:])
    if median > 80:
        go_on(fern)
        pytest.skip(f"a frame takes {median:.0f} ms here: no two clicks come within a third of a second")
    fern.double_click(*fern.point(LAMBDA, 0.3), lambda report: report["lambda_exponent"] == 2)
    go_on(fern)


def test_pause_and_step(fern: Viewer) -> None:
    fern.click(*fern.point("Training/Pause"))
    paused = fern.wait_for(lambda report: report["status"] == "paused", "the pause")
    fern.frames(10)
    assert fern.report["iteration"] == paused["iteration"]
    fern.click(*fern.point("Training/Step"))
    fern.wait_for(lambda report: report["iteration"] == paused["iteration"] + 1, "one step")
    assert fern.report["status"] == "paused"
    fern.click(*fern.point("Training/Pause"))
    fern.wait_for(lambda report: report["iteration"] > paused["iteration"] + 3, "training to go on")


def test_a_click_on_a_frustum_selects_its_frame(fern: Viewer) -> None:
    report = pause(fern)
    seen = seen_photos(report, fern.box(CAMERAS))
    lonely = next(frame for frame in seen if frame != report["selected"])
    fern.click(*seen[lonely])
    chosen = fern.wait_for(lambda report: report["selected"] == lonely, f"frame {lonely} to be selected")
    fern.wait_for(lambda report: report["warp_frame"] == lonely, "the engine to hear of it")
    fern.key("Right")
    count = len(chosen["poses"])
    fern.wait_for(lambda report: report["selected"] == (lonely + 1) % count, "the next frame")
    fern.key("Left")
    fern.wait_for(lambda report: report["selected"] == lonely, "the frame before")
    go_on(fern)


def test_a_kicked_frame_finds_its_way_back(fern: Viewer) -> None:
    frame = fern.report["selected"]
    fern.wait_for(lambda report: errors(report).mean() < 5, "cameras that have found their places", 180)
    calm = pause(fern)
    fern.click(*fern.point("Perturb/Kick this"))
    kicked = fern.wait_for(lambda report: turned(report, calm, frame) > 2, "the kick")
    moved = [place for place, pose in enumerate(kicked["poses"]) if pose != calm["poses"][place]]
    assert moved == [frame], "the others are only aligned again"
    fern.save_screenshot("kicked")
    go_on(fern)
    far = beside_others(kicked, calm, frame)
    fern.wait_for(lambda report: beside_others(report, calm, frame) < 0.4 * far, "the way back", 120)
    fern.save_screenshot("recovered")


def test_a_kick_is_taken_back_and_done_again(fern: Viewer) -> None:
    before = pause(fern)
    frame = before["selected"]
    fern.click(*fern.point("Perturb/Kick this"))
    kicked = fern.wait_for(lambda report: turned(report, before, frame) > 1, "the kick")
    fern.key("ctrl+z")
    undone = fern.wait_for(lambda report: turned(report, before, frame) < 0.1, "undo")
    assert undone["redoable"] == 1
    fern.key("ctrl+shift+z")
    fern.wait_for(lambda report: turned(report, kicked, frame) < 0.1, "redo")
    fern.key("ctrl+z")
    fern.wait_for(lambda report: report["redoable"] == 1, "undo again")
    go_on(fern)


def test_the_gizmo_moves_its_camera(fern: Viewer) -> None:
    before = pause(fern)
    frame = before["selected"]
    fern.click(*fern.point(GIZMO))
    fern.frames(10)
    foot, tip = gizmo_tip(before, fern.box(CAMERAS), frame)
    fern.save_screenshot("gizmo")
    along = (tip - foot) / np.linalg.norm(tip - foot)
    held = foot + 0.95 * (tip - foot)  # its head: rings cross the arrow farther down
    fern.drag(tuple(held), tuple(held + 60 * along))
    moved = fern.wait_for(lambda report: report["poses"][frame] != before["poses"][frame], "the camera to move")
    shift = np.array(moved["poses"][frame])[:, 3] - np.array(before["poses"][frame])[:, 3]
    assert abs(shift[0]) > 5 * max(abs(shift[1]), abs(shift[2])), "along its own x axis only"
    assert moved["poses"][:frame] == before["poses"][:frame]
    fern.key("ctrl+z")
    fern.click(*fern.point(GIZMO))
    go_on(fern)


def test_the_novel_view_turns_with_the_mouse(fern: Viewer) -> None:
    fern.wait_for(lambda report: report["volume_version"] is not None, "a volume")
    pause(fern)
    fern.frames(40)
    before, again = fern.picture(NOVEL).astype(int), fern.picture(NOVEL).astype(int)
    assert before.std() > 10, "something is seen"
    assert np.abs(again - before).mean() < 1, "and it stands still"
    fern.drag(fern.point(NOVEL, 0.4), fern.point(NOVEL, 0.7, 0.6))
    fern.frames(20)
    assert np.abs(fern.picture(NOVEL).astype(int) - before).mean() > 5
    fern.key("2")
    fern.frames(20)
    assert fern.report["novel"]["channel"] == "depth"
    fern.save_screenshot("novel_depth")
    fern.key("1")
    fern.key("l")
    fern.frames(40)
    assert fern.report["novel"]["mode"] == "follow"
    fern.save_screenshot("novel_follow")
    fern.key("o")
    go_on(fern)


def test_keys_rest_while_something_is_typed(fern: Viewer) -> None:
    fern.key("ctrl+o")
    fern.wait_for(lambda report: "Open a scene/OK" in report["items"], "the dialog")
    fern.frames(5)
    fern.type("/no n")
    assert fern.report["status"] == "running"
    fern.key("Return")
    fern.frames(5)
    fern.save_screenshot("open_wrong_path")
    assert "Open a scene/OK" in fern.report["items"], "a wrong path keeps the dialog open"
    before = fern.report["undoable"], fern.report["novel"]["mode"]
    fern.type("kp")
    assert (fern.report["undoable"], fern.report["novel"]["mode"]) == before, "what is typed goes on into the path"
    fern.key("Escape")
    fern.frames(5)
    if "Open a scene/OK" in fern.report["items"]:
        left, top, width, _ = fern.box("Open a scene/OK")
        fern.click(left + width - 4, top - 48)  # the cross
    fern.wait_for(lambda report: "Open a scene/OK" not in report["items"], "the dialog to close")


def test_help_opens_and_closes(fern: Viewer) -> None:
    fern.key("F1")
    fern.wait_for(lambda report: report["help"], "help")
    fern.frames(5)
    fern.save_screenshot("help")
    fern.key("F1")
    fern.wait_for(lambda report: not report["help"], "help to close")


def test_it_restarts_with_another_method(fern: Viewer) -> None:
    left, top, width, height = fern.box("Training/method")
    fern.click(left + width / 3, top + height / 2)
    fern.frames(5)
    fern.save_screenshot("methods")
    fern.click(left + 40, top + height + 8 + 1.5 * 18)  # the second of the list
    before = fern.report["iteration"]
    fern.click(*fern.point("Training/Start again"))
    restarted = fern.wait_for(lambda report: report["method"] == "barf" and report["status"] == "running", "BARF")
    fern.wait_for(lambda report: 5 < report["iteration"] < before, "the first iterations of BARF")
    assert restarted["message"] == ""
    fern.save_screenshot("barf")


def test_frames_go_on_all_the_while(fern: Viewer) -> None:
    """The window draws whatever the engine does: never a second without a picture."""
    counts = []
    for _ in range(8):
        counts.append(fern.report["frame"])
        fern.frames(3)
    assert all(after > before for before, after in pairwise(counts))
