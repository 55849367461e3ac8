"""The residual over the last minute."""

from __future__ import annotations

import numpy as np
import pytest

from app.model.warp.residual_trace import WINDOW, ResidualTrace
from engine.messages import WarpSnapshot
from tests.support.runs.history_rows import snapshot


def warp(residual: float, frame: int = 0) -> WarpSnapshot:
    points = np.zeros((4, 3), np.float32)
    return WarpSnapshot(frame, points[:, :2], points, points, points, points, np.full(4, residual, np.float32))


def test_it_keeps_a_minute_and_the_changes_of_lambda() -> None:
    trace = ResidualTrace()
    for iteration in range(0, 3000, 3):  # 300 seconds
        exponent = 2.0 if iteration < 2700 else -2.0
        trace.see(snapshot(iteration, warp=warp(0.01 if exponent == 2 else 1.0), exponent=exponent))
    seconds, means = trace.curve()
    assert seconds[-1] - seconds[0] <= WINDOW
    assert len(seconds) <= WINDOW / 0.2 + 1
    assert (means[0], means[-1]) == pytest.approx((0.01, 1.0))
    assert trace.changes() == [(pytest.approx(270.0), -2.0)]


def test_another_frame_or_a_restart_begins_anew() -> None:
    trace = ResidualTrace()
    trace.see(snapshot(10, warp=warp(0.5)))
    trace.see(snapshot(20, warp=warp(0.1, frame=2)))
    assert trace.curve()[1].tolist() == pytest.approx([0.1])
    trace.see(snapshot(0, warp=warp(0.2, frame=2)))
    assert trace.curve()[0].tolist() == [0.0]
    trace.see(snapshot(5))  # no frame is selected
    assert len(trace.curve()[0]) == 1


def test_the_trail_is_the_residual_over_lambda_as_it_was_travelled() -> None:
    trace = ResidualTrace()
    for iteration, exponent in ((0, 2.0), (100, 0.0), (300, -2.0)):
        trace.see(snapshot(iteration, warp=warp(10.0 ** -(exponent + 2)), exponent=exponent))
    exponents, means, ages = trace.trail()
    assert exponents.tolist() == [2.0, 0.0, -2.0]
    assert means.tolist() == pytest.approx([1e-4, 1e-2, 1.0])
    assert ages.tolist() == pytest.approx([30 / WINDOW, 20 / WINDOW, 0.0])
