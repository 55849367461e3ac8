"""Panels without a window: matches, the verdict, excluded frames. Run by `test_without_window`."""

from __future__ import annotations

import dataclasses
import math
from types import SimpleNamespace

import dearpygui.dearpygui as dpg
import numpy as np
import pytest

from app.model.plots.curves import Curve
from app.panels.bars.badge import describe_verdict
from app.panels.bars.status_line import StatusLine
from app.panels.bars.top_bar import Actions, TopBar, describe_state
from app.panels.plots.panel import PLANAR_PLOTS, POSED_PLOTS, choose_plots
from app.panels.training.panel import TrainingPanel
from engine.evidence.verdict import FrameVerdict, Verdict
from engine.messages import AutoLambda, FrameStatus, SetMu, UseMatches
from tests.support.runs.fake_run import FakeRun, state_with
from tests.support.window.without_window import built, context, press

__all__ = ["context"]  # a fixture


def with_tracks(run: FakeRun) -> FakeRun:
    """The same run, of a scene with matches."""
    run.scene.tracks = SimpleNamespace()
    run.snapshot = dataclasses.replace(run.snapshot, mu_exponent=1.0, matches=True)
    return run


def test_mu_is_a_slider_of_its_own_beside_lambda() -> None:
    run = with_tracks(FakeRun())
    state = state_with(run)
    panel = TrainingPanel(state)
    built(panel, state)
    slider = panel._weights.mu_slider
    assert dpg.get_value(slider._value).startswith("μ = 10,")
    assert dpg.get_value(panel._weights.switch)
    assert not dpg.is_item_shown(slider._note), "what it does is in the tool tip"
    assert "pulls cameras" in dpg.get_value(slider._tips[0])
    slider._dragged(0, -2.5)
    panel.update(state)
    assert [dataclasses.replace(command, gesture=None) for command in run.sent] == [SetMu(-2.5)]
    assert dpg.get_value(panel._weights.lambda_slider._slider) == run.snapshot.lambda_exponent
    panel._weights._switched(0, False)
    panel.update(state)
    assert run.sent[1:] == [UseMatches(False)]
    assert not dpg.get_value(panel._weights.switch)  # not back on while the engine has not answered


def test_lambda_is_chosen_by_the_run_until_the_slider_is_dragged() -> None:
    run = FakeRun()
    state = state_with(run)
    panel = TrainingPanel(state)
    built(panel, state)
    weights = panel._weights
    assert not dpg.get_value(weights.auto)
    weights._chose_auto(0, True)
    panel.update(state)
    assert run.sent == [AutoLambda(True)]
    assert dpg.get_value(weights.auto)  # not back off while the engine has not answered
    weights._auto_sent = (True, -math.inf)
    run.snapshot = dataclasses.replace(run.snapshot, auto_lambda=True, lambda_exponent=1.25)
    panel.update(state)
    assert dpg.get_value(weights.auto)
    assert dpg.get_value(weights.lambda_slider._slider) == pytest.approx(1.25)
    weights.lambda_slider._dragged(0, -1.0)
    run.snapshot = dataclasses.replace(run.snapshot, auto_lambda=False, lambda_exponent=-1.0)
    panel.update(state)
    assert not dpg.get_value(weights.auto)
    panel._new_run.restart()
    assert not run.sent[-1].settings.auto_lambda


def test_a_scene_without_matches_says_so_and_has_no_slider_for_them() -> None:
    run = FakeRun()
    state = state_with(run)
    panel = TrainingPanel(state)
    built(panel, state)
    note = panel._weights.mu_slider._note
    assert "no matches" in dpg.get_value(note)
    assert dpg.is_item_shown(note)
    assert not dpg.get_item_configuration(panel._weights.switch)["enabled"]
    assert not dpg.is_item_shown(panel._weights.mu_slider._body)


def test_a_new_run_keeps_the_weights() -> None:
    run = with_tracks(FakeRun())
    run.snapshot = dataclasses.replace(run.snapshot, mu_exponent=-1.5, matches=False)
    state = state_with(run)
    panel = TrainingPanel(state)
    built(panel, state)
    panel._new_run.restart()
    (command,) = run.sent
    assert (command.settings.mu_exponent, command.settings.matches) == (-1.5, False)


def judged(state: str = "doubtful") -> Verdict:
    frames = tuple(
        FrameVerdict(name, "registered" if name == "a.jpg" else state, "few matches", 10, 0.5, 2.0)  # type: ignore[arg-type]
        for name in ("a.jpg", "b.jpg", "c.jpg", "d.jpg")
    )
    return Verdict(state, "Three photos have few matches.", frames)  # type: ignore[arg-type]


def test_the_badge_shows_the_verdict_and_the_line_below_its_reason() -> None:
    run = FakeRun()
    state = state_with(run)
    nothing = lambda: None  # noqa: E731
    bar = TopBar(state, Actions(*[nothing] * len(dataclasses.fields(Actions))))
    line = StatusLine(state, SimpleNamespace(info="OpenGL"))  # type: ignore[arg-type]
    for panel in (bar, line):
        built(panel, state)
    assert not dpg.is_item_shown(bar._badge._button)
    for wanted in ("doubtful", "failed", "registered"):
        run.snapshot = dataclasses.replace(run.snapshot, verdict=judged(wanted))
        bar.update(state)
        line._read_at = -math.inf
        line.update(state)
        assert dpg.is_item_shown(bar._badge._button)
        assert wanted in dpg.get_item_label(bar._badge._button)
        assert dpg.is_item_shown(line._verdict) == (wanted != "registered")
    assert "b.jpg: doubtful, few matches" in describe_verdict(judged())
    assert "a.jpg" not in describe_verdict(judged())
    press(bar._badge._button)
    assert state.notice == "Registered: Three photos have few matches."


def test_excluded_frames_are_counted() -> None:
    run = FakeRun()
    statuses = (FrameStatus.EXCLUDED, FrameStatus.REGISTERED, FrameStatus.SEARCHING, FrameStatus.EXCLUDED)
    told = dataclasses.replace(run.snapshot, frame_status=statuses)
    assert describe_state(told) == "searching for 1 frame   2 frames excluded"


def test_plots_of_the_tracks_stand_in_for_errors_that_are_not_measured() -> None:
    some = Curve(np.arange(3.0), np.arange(3.0))
    learned = {"photometric": some, "psnr": some}
    tracks = learned | {"reprojection mean": some, "fit mean": some}
    both = tracks | {"rotation mean": some, "translation mean": some}
    assert choose_plots(POSED_PLOTS, both) == ("Loss", "PSNR", "Rotation error", "Translation error")
    assert choose_plots(POSED_PLOTS, tracks) == ("Loss", "PSNR", "Reprojection error", "Tracks that fit")
    assert choose_plots(POSED_PLOTS, learned) == ("Loss", "PSNR")  # the others would be empty boxes
    assert choose_plots(POSED_PLOTS, {}) == ("Loss", "PSNR", "Rotation error", "Translation error")
    assert choose_plots(PLANAR_PLOTS, {}) == tuple(PLANAR_PLOTS)
