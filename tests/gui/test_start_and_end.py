"""How the window begins and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tests.gui.conftest import Launch
from tests.support.window.display import Display
from tests.support.window.places import apart
from tests.support.window.viewer import FERN, REPOSITORY, SMALL


def started(*words: str, **environment: str | None) -> subprocess.CompletedProcess[str]:
    """Runs the command to its end."""
    variables = {**os.environ, "PYTHONPATH": str(REPOSITORY), **environment}
    command = [sys.executable, "-m", "app.main", *words]
    present = {name: value for name, value in variables.items() if value is not None}
    return subprocess.run(command, env=present, capture_output=True, text=True, timeout=120, check=False)


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    """What was said on the way out with code 2: one sentence, no traceback."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    return done.stderr


def test_no_display() -> None:
    assert "DISPLAY" in sentence(started(str(FERN), DISPLAY=None, WAYLAND_DISPLAY=None))


def test_a_display_that_does_not_answer() -> None:
    assert ":97531" in sentence(started(str(FERN), DISPLAY=":97531"))


def test_opengl_is_too_old(display: Display, tmp_path: Path) -> None:
    words = ("--output", str(tmp_path / "run"))
    done = started(
        str(FERN), *words, DISPLAY=display.name, MESA_GL_VERSION_OVERRIDE="2.1", XDG_CONFIG_HOME=str(tmp_path)
    )
    assert "OpenGL" in sentence(done)


def test_a_scene_that_is_not_there(display: Display) -> None:
    assert "scenes/fren" in sentence(started("scenes/fren", DISPLAY=display.name))


def test_arguments_that_contradict(display: Display) -> None:
    assert "--scale" in sentence(started(str(FERN), "--scale", "40", DISPLAY=display.name))


def test_closing_in_mid_training_asks_saves_and_can_be_resumed_and_ended_by_a_signal(launch: Launch) -> None:
    output = launch.folder / "run"
    words = (str(FERN), "--output", str(output), *SMALL)
    first = launch(*words)
    before = first.wait_for(lambda report: report.get("iteration", 0) >= 30, "some iterations", 120)
    first.ask_to_close()
    first.wait_for(lambda report: "Leave/Stay" in report["items"], "the question")
    first.frames(5)
    first.save_screenshot("leave")
    first.click(*first.point("Leave/Stay"))
    first.wait_for(lambda report: "Leave/Stay" not in report["items"], "the window to stay")
    first.ask_to_close()
    first.wait_for(lambda report: "Leave/Save and leave" in report["items"], "the question again")
    first.frames(5)
    first.point_to(*first.point("Leave/Save and leave"))
    first.frames(3)
    first.display.do("mousedown", 1)
    time.sleep(0.3)
    first.display.do("mouseup", 1)
    assert first.exit_code() == 0, first.output
    assert (output / "checkpoint.safetensors").is_file()
    saved = json.loads((output / "result.json").read_text())
    assert saved["iterations"] >= before["iteration"]
    second = launch(*words, "--resume")
    more = saved["iterations"] + 5
    second.wait_for(lambda report: report.get("iteration", 0) >= more, "the run to be continued", 120)
    second.terminate()
    assert second.exit_code() == 143, second.output
    assert json.loads((output / "result.json").read_text())["iterations"] >= more
    assert "Traceback" not in second.output


def test_an_interrupt_saves_the_run(launch: Launch) -> None:
    output = launch.folder / "run"
    viewer = launch(str(FERN), "--output", str(output), *SMALL, "--no-matches")
    viewer.wait_for(lambda report: report.get("iteration", 0) >= 5, "some iterations", 120)
    begun = time.monotonic()
    subprocess.run(["kill", "-INT", str(viewer.process.pid)], check=True)
    assert viewer.exit_code() == 130, viewer.output
    assert time.monotonic() - begun < 30
    assert (output / "checkpoint.safetensors").is_file()
    assert "Traceback" not in viewer.output


def test_without_a_scene_it_asks_for_one(launch: Launch) -> None:
    viewer = launch("--paused", "--output", str(launch.folder / "run"))
    viewer.wait_for(lambda report: "Open a scene/OK" in report["items"], "the question for a scene")
    viewer.frames(10)
    viewer.save_screenshot("open")
    viewer.type(str(FERN))
    viewer.key("Return")
    viewer.wait_for(lambda report: report["scene"] == "fern" and report.get("status") == "paused", "the scene", 120)
    viewer.terminate()
    assert viewer.exit_code() == 143


def test_screenshot(launch: Launch) -> None:
    path = launch.folder / "window.png"
    words = ("--output", str(launch.folder / "run"), "--screenshot", str(path), "--after", "3", *SMALL)
    assert launch(str(FERN), *words).exit_code(120) == 0
    assert path.stat().st_size > 20_000


def test_a_scene_that_cannot_be_read_is_said_in_the_banner(launch: Launch) -> None:
    scene = launch.folder / "broken"
    scene.mkdir()
    (scene / "transforms_train.json").write_text("{")
    viewer = launch(str(scene), "--output", str(launch.folder / "run"))
    said = viewer.wait_for(lambda report: report["banner"], "the banner")["banner"]
    assert "transforms_train.json" in said
    for width, height in ((1600, 1000), (1280, 800), (900, 1180)):
        viewer.resize(width, height)
        viewer.frames(10)
        shown = {name: tuple(box) for name, box in viewer.report["items"].items()}
        strip = shown["Message/strip"]
        assert strip[1] + strip[3] <= height
        assert strip[0] + strip[2] <= width, "the sentence is as long as there is room, or ends with …"
        covered = [name for name, box in shown.items() if name[:8] != "Message/" and not apart(box, strip)]
        assert covered == [], "a message lies over nothing that can be clicked"
    viewer.save_screenshot("banner")
    assert "Message/More" in viewer.report["items"]
    low = viewer.box("Message/strip")[3]
    viewer.click(*viewer.point("Message/More"))
    viewer.wait_for(lambda report: report["items"]["Message/strip"][3] > low + 8, "the whole message")
    viewer.frames(5)  # the buttons have moved with it
    viewer.click(*viewer.point("Message/Close"))
    viewer.wait_for(lambda report: not report["banner"] and "Message/strip" not in report["items"], "it to be closed")
    viewer.ask_to_close()
    assert viewer.exit_code() == 0
