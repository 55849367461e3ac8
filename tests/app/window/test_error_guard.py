"""Failures in the window: the user is told, and nothing stops."""

import logging

import pytest

from app.model.state.state import State
from app.window.error_guard import Guard
from engine.errors import UserError


def mendable() -> None:
    raise UserError("disk full; make room.")


def broken() -> None:
    raise ValueError("no such thing")


def test_what_can_be_mended_is_said_every_time(caplog: pytest.LogCaptureFixture) -> None:
    state = State()
    guard = Guard(state)
    for _ in range(2):
        state.banner = None
        guard.call(mendable, "Saving")
        assert state.banner == "disk full; make room."
    assert not caplog.records


def test_a_broken_panel_is_named_once_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    state, seen = State(), []
    guard = Guard(state)
    with caplog.at_level(logging.ERROR):
        for frame in range(30):
            guard.call(broken, "The panel Plots")
            guard.call(lambda frame=frame: seen.append(frame), "The panel Warp")
            if frame == 0:
                assert state.banner == "The panel Plots failed (ValueError: no such thing); the run goes on."
                state.banner = None  # the user closes it
    assert state.banner is None
    assert len(caplog.records) == 1
    assert seen == list(range(30))
