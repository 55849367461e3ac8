"""Panels without a window: what they show of a run, and what they tell it. Run by `test_without_window`."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import dearpygui.dearpygui as dpg
import numpy as np
import pytest

import app.window.window
from app.model.perturb.camera_motion import measure_spread
from app.model.state.state import State
from app.panels.export.dialog import ExportDialog
from app.panels.perturb.camera_kicks import CameraKicks
from app.panels.perturb.panel import PerturbPanel
from app.panels.plots.timeline import TimelinePanel
from app.panels.training.panel import TrainingPanel
from app.panels.widgets.panel import Panel
from app.panels.widgets.parts import add_tool_tip, match_tool_tips
from engine.config.settings import Settings
from engine.messages import (
    Pause,
    PerturbAll,
    PerturbPose,
    RedoPerturbation,
    Restart,
    Resume,
    SetLambda,
    UndoPerturbation,
)
from engine.scenes.options import SceneOptions
from tests.support.runs.fake_run import FakeRun, state_with
from tests.support.runs.history_rows import FRAMES, snapshot


@pytest.fixture(scope="module", autouse=True)
def context() -> Iterator[None]:
    """One for the process: Dear PyGui does not survive a second one."""
    dpg.create_context()
    yield
    dpg.destroy_context()


def built(panel: Panel, state: State) -> None:
    with dpg.window() as window:
        pass
    panel.build(window)
    panel.update(state)


def press(button: int | str) -> None:
    dpg.get_item_callback(button)()


def test_the_library_that_draws_pictures_is_not_loaded_before_one_is_drawn() -> None:
    """It takes half a second, for which a window at its start would be waited for."""
    assert app.window.window
    assert "matplotlib" not in sys.modules


def test_a_hidden_item_has_no_tool_tip() -> None:
    with dpg.window():
        button = dpg.add_button()
        tip = dpg.get_item_parent(add_tool_tip(button, "What it does."))
    assert tip is not None
    for shown in (False, True):
        dpg.configure_item(button, show=shown)
        match_tool_tips(count=1000)
        assert dpg.is_item_shown(tip) == shown


def test_the_training_panel_tells_where_the_run_is_and_pauses_it() -> None:
    run = FakeRun()
    state = state_with(run)
    panel = TrainingPanel(state)
    built(panel, state)
    assert "20 of 1,000" in dpg.get_value(panel._numbers)
    press(panel._play)
    run.snapshot = dataclasses.replace(run.snapshot, status="paused")
    panel.update(state)
    assert dpg.get_item_label(panel._play) == "Play"
    press(panel._play)
    assert [type(command) for command in run.sent] == [Pause, Resume]


def test_lambda_is_the_engines_until_it_is_dragged_and_then_what_was_sent() -> None:
    run = FakeRun()
    run.snapshot = snapshot(20, exponent=3.5)
    state = state_with(run)
    panel = TrainingPanel(state)
    built(panel, state)
    slider = panel._weights.lambda_slider
    assert dpg.get_value(slider._slider) == pytest.approx(3.5)
    assert "3162" in dpg.get_value(slider._value)
    slider._dragged(0, -1.98)
    panel.update(state)
    assert [dataclasses.replace(command, gesture=None) for command in run.sent] == [SetLambda(-1.98)]
    assert dpg.get_value(slider._slider) == pytest.approx(-1.98)  # not back to 3.5 while the engine has not answered
    slider._double_clicked()
    slider._throttle._passed_at = -math.inf
    panel.update(state)
    assert run.sent[-1].exponent == 2.0


def test_what_cannot_be_started_is_refused_before_it_fails() -> None:
    run = FakeRun()
    state = state_with(run)
    panel = TrainingPanel(state)
    built(panel, state)
    chosen = panel._new_run
    dpg.set_value(chosen._method, "no-encoding")
    chosen._changed()
    assert not dpg.get_item_configuration(chosen._start)["enabled"]
    assert "mlp" in dpg.get_value(chosen._note)
    chosen.restart()
    assert run.sent == []
    dpg.set_value(chosen._field, "mlp")
    chosen._changed()
    chosen.restart()
    assert run.sent == [Restart(Settings(method="no-encoding", field="mlp"))]


def test_other_initial_poses_open_the_scene_again_with_the_present_lambda() -> None:
    run = FakeRun()
    run.snapshot = snapshot(20, exponent=-1.0)
    state = state_with(run)
    asked: list[tuple[Settings, SceneOptions]] = []
    state.hooks.reopen = lambda settings, options: asked.append((settings, options))
    panel = TrainingPanel(state)
    built(panel, state)
    dpg.set_value(panel._new_run._init, "noise")
    dpg.set_value(panel._new_run._rotation, 9.0)
    panel._new_run._changed()
    panel._new_run.restart()
    assert run.sent == []
    assert asked[0][0].lambda_exponent == -1.0
    assert asked[0][1].init == "noise"
    assert asked[0][1].noise_rotation == pytest.approx(math.radians(9.0))


def test_a_kick_by_sliders_is_what_they_say() -> None:
    run = FakeRun()
    state = state_with(run)
    state.selected = 2
    kicks = CameraKicks(state)
    built(PerturbPanel(state, kicks), state)
    dpg.set_value(kicks._turns.items[1], 10.0)
    dpg.set_value(kicks._shifts.items[2], 50.0)
    kicks._moved()
    kicks.kick()
    (command,) = run.sent
    assert isinstance(command, PerturbPose)
    assert command.frame == 2
    assert np.degrees(np.linalg.norm(command.rotation)) == pytest.approx(10.0, rel=1e-5)
    step = 0.5 * measure_spread(run.snapshot.poses)
    assert np.linalg.norm(command.translation) == pytest.approx(step, rel=0.02)
    kicks.zero()
    kicks.kick()
    assert len(run.sent) == 1  # nothing to do is not a kick


def test_random_kicks_differ_and_have_the_chosen_size() -> None:
    run = FakeRun()
    state = state_with(run)
    state.perturbation.sigma_rotation_deg = 3.0
    panel = PerturbPanel(state, CameraKicks(state))
    built(panel, state)
    panel.kick_this()
    panel.kick_this()
    panel.kick_all()
    first, second, everyone = run.sent
    assert first != second
    assert isinstance(everyone, PerturbAll)
    assert everyone.rotation_sigma == pytest.approx(math.radians(3.0))
    assert everyone.translation_sigma == pytest.approx(0.05 * measure_spread(run.snapshot.poses))


def test_undo_takes_a_gesture_back_by_one_command() -> None:
    run = FakeRun()
    known = snapshot(20, rotation=[1.0] * FRAMES, translation=[0.01] * FRAMES)
    run.snapshot = dataclasses.replace(known, undoable=2)
    state = state_with(run)
    panel = PerturbPanel(state, CameraKicks(state))
    built(panel, state)
    assert dpg.get_item_label(panel._undo).startswith("Undo (2)")
    assert not dpg.get_item_configuration(panel._redo)["enabled"]
    panel.undo()
    panel.redo()  # nothing was taken back
    assert run.sent == [UndoPerturbation()]
    run.snapshot = dataclasses.replace(known, iteration=21, undoable=1, redoable=1)
    panel.update(state)
    panel.redo()
    assert run.sent[1:] == [RedoPerturbation()]


def test_the_timeline_goes_to_a_moment_and_comes_back_by_itself_after_a_restart() -> None:
    run = FakeRun()
    state = state_with(run)
    panel = TimelinePanel(state)
    built(panel, state)
    assert "Live" in dpg.get_value(panel._text)
    panel._dragged(0, 5.0)
    panel.update(state)
    assert state.timeline.seconds == 5.0
    assert "iteration 10" in dpg.get_value(panel._text)
    run.history.rows = run.history.rows[:4]  # the run was restarted: it is 1.5 seconds old
    panel.update(state)
    assert state.timeline.live


def test_panels_say_so_while_there_is_no_run() -> None:
    state = State()
    for panel in (TrainingPanel(state), PerturbPanel(state, CameraKicks(state)), TimelinePanel(state)):
        built(panel, state)


class FakeExport:
    """An export whose progress the test sets."""

    def __init__(self, run: object, folder: Path, words: list[str], output: Path) -> None:
        self.words, self.output = words, output
        self.progress, self.doing, self.notes = 0.0, "saving the run", list[str]()
        self.error: str | None = None
        self.finished = self.stopped = False

    def stop(self) -> None:
        self.stopped = True


def test_the_export_dialog_writes_what_was_chosen_and_says_how_it_went(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.panels.export.dialog.show_centred", lambda *_: None)
    run = FakeRun()
    run.opened = SimpleNamespace(scene=run.scene, folder=tmp_path, run=SimpleNamespace(device="cpu"))
    state, jobs = state_with(run), list[FakeExport]()

    def start(*words: object) -> FakeExport:
        jobs.append(FakeExport(*words))  # type: ignore[arg-type]
        return jobs[-1]

    dialog = ExportDialog(state, start)  # type: ignore[arg-type]
    dialog.build()
    dialog.open()
    assert dpg.get_value(dialog._path) == str(tmp_path / "export" / "colmap")
    dpg.set_value(dialog._format, "Mesh (.ply, .obj, .glb)")
    dialog._chosen()
    dialog._pressed()
    assert jobs[0].words == ["--to", "mesh", "--output", str(tmp_path / "export" / "mesh.glb"), "--device", "cpu"]
    jobs[0].progress, jobs[0].doing = 0.4, "surface"
    dialog.update()
    assert state.exporting == "surface"
    assert "40 %   surface" in dpg.get_value(dialog._said)
    assert dpg.get_item_label(dialog._export) == "Stop"
    dialog._pressed()
    assert jobs[0].stopped
    jobs[0].finished, jobs[0].error = True, "the disk is full."
    dialog.update()
    assert (state.banner, state.exporting) == ("the disk is full.", None)
    assert dpg.get_value(dialog._said) == "the disk is full."
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "mesh.glb").touch()
    dialog._pressed()
    assert len(jobs) == 1, "it would be overwritten"
    assert "exists already" in dpg.get_value(dialog._said)
    dpg.set_value(dialog._replace, True)
    dialog._pressed()
    assert jobs[1].words[-1] == "--force"
