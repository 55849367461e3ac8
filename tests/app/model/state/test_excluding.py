"""Excluding frames."""

from __future__ import annotations

import dataclasses

from app.model.state.excluding import describe_exclusion, is_excluded, list_excluded_names, toggle_exclusion
from app.model.state.state import State
from engine.config.settings import Settings
from engine.messages import ExcludeFrame, FrameStatus, Restart
from tests.support.runs.fake_run import FakeRun, state_with
from tests.support.runs.history_rows import FRAMES


def test_the_selected_frame_is_excluded_and_brought_back() -> None:
    run = FakeRun()
    state = state_with(run)
    state.selected = 2
    assert describe_exclusion(state.run, 2) == "Exclude"
    toggle_exclusion(state)
    statuses = [FrameStatus.REGISTERED] * FRAMES
    statuses[2] = FrameStatus.EXCLUDED
    assert run.snapshot is not None
    run.snapshot = dataclasses.replace(run.snapshot, frame_status=tuple(statuses))
    assert is_excluded(state.run, 2)
    assert describe_exclusion(state.run, 2) == "Bring back"
    toggle_exclusion(state, 2)
    toggle_exclusion(state, 0)
    toggle_exclusion(state, FRAMES)  # there is no such frame
    assert run.sent == [ExcludeFrame(2, True), ExcludeFrame(2, False), ExcludeFrame(0, True)]


def test_nothing_happens_without_a_run() -> None:
    toggle_exclusion(State())
    assert not is_excluded(None, 0)


def test_a_restart_keeps_excluded_frames_out() -> None:
    run = FakeRun()
    state = state_with(run)
    assert run.snapshot is not None
    statuses = (FrameStatus.REGISTERED, FrameStatus.EXCLUDED, FrameStatus.REGISTERED, FrameStatus.EXCLUDED)
    run.snapshot = dataclasses.replace(run.snapshot, frame_status=statuses)
    assert list_excluded_names(state.runs[0]) == ("b.jpg", "d.jpg")
    state.restart(Settings(seed=3))
    assert run.sent == [Restart(Settings(seed=3)), ExcludeFrame(1, True), ExcludeFrame(3, True)]
