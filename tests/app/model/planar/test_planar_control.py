"""The mouse on the image: selecting a patch, and dragging it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from app.model.common.plane_view import PlaneView
from app.model.planar.planar_control import PlanarControl, Pointer, apply_preview
from app.model.planar.planar_moments import PlanarMoment
from app.model.state.state import State
from engine.messages import Command, PerturbPatch
from tests.support.runs.history_rows import snapshot
from tests.support.runs.planar_runs import shifted

SIZE = (600, 400)
CORNERS = np.stack([shifted(0, 0), shifted(60, 10)])
MOMENT = PlanarMoment(CORNERS.astype(np.float32), np.zeros(2, np.float32))


def watched(status: str = "running") -> tuple[State, Any, list[Command]]:
    """A state that looks at two patches, four pixels to one, the second selected; its run, and what that is sent."""
    sent: list[Command] = []
    known = replace(snapshot(10), status=status)  # type: ignore[arg-type]
    run: Any = SimpleNamespace(send=sent.append, snapshot=known, told_frame=1)
    run.scene = SimpleNamespace(training_frames=(0, 1))
    run.tell_frame = lambda frame: setattr(run, "told_frame", frame)
    state = State(runs=[run], selected=1)
    state.planar.plane = PlaneView((50.0, 30.0), 4.0)
    return state, run, sent


def at(state: State, point: np.ndarray) -> Pointer:
    x, y = state.planar.plane.on_screen(point, SIZE).tolist()
    return Pointer(x, y, SIZE)


def drag(control: PlanarControl, state: State, run: Any, start: np.ndarray, by: tuple[float, float]) -> None:
    """Presses, moves in steps of a twentieth of a second, releases."""
    control.press(state, MOMENT, "homography", True, at(state, start))
    for step in range(1, 11):
        control.pull(state, run, at(state, start + step / 10 * np.array(by)), 1 + step / 20)
    control.release(run, 1.6)


def test_a_dragged_corner_is_sent_now_and_then_and_at_the_end_where_it_was_let_go() -> None:
    control = PlanarControl()
    state, run, sent = watched()
    drag(control, state, run, CORNERS[1, 2], (12, 5))
    assert 3 <= len(sent) <= 7
    last = sent[-1]
    assert isinstance(last, PerturbPatch)
    assert last.frame == 1
    assert {command.gesture for command in sent if isinstance(command, PerturbPatch)} == {last.gesture}
    np.testing.assert_allclose(last.corners[2], CORNERS[1, 2] + (12, 5))
    np.testing.assert_allclose(last.corners[:2], CORNERS[1, :2])


def test_while_the_run_is_paused_a_drag_is_one_kick() -> None:
    control = PlanarControl()
    state, run, sent = watched("paused")
    drag(control, state, run, CORNERS[1].mean(axis=0), (9, -4))
    (only,) = sent
    assert isinstance(only, PerturbPatch)
    np.testing.assert_allclose(only.corners, CORNERS[1] + (9, -4))


def test_the_dragged_patch_is_drawn_at_once_and_until_the_engine_has_answered() -> None:
    control = PlanarControl()
    state, run, _ = watched()
    start = CORNERS[1].mean(axis=0)
    control.press(state, MOMENT, "homography", True, at(state, start))
    assert control.preview(1.0) is None
    control.pull(state, run, at(state, start + np.array((5, 0))), 1.0)
    shown = apply_preview(MOMENT, control.preview(1.0), CORNERS)
    np.testing.assert_allclose(shown.corners[1], CORNERS[1] + (5, 0), rtol=1e-6)
    assert shown.corner_error_px[1] == pytest.approx(5)
    assert MOMENT.corner_error_px[1] == 0
    control.release(run, 2.0)
    assert control.preview(2.1) is not None
    assert control.preview(3.0) is None


def test_a_click_kicks_nothing() -> None:
    control = PlanarControl()
    state, run, sent = watched()
    start = CORNERS[1].mean(axis=0)
    control.press(state, MOMENT, "homography", True, at(state, start))
    control.pull(state, run, at(state, start + np.array((0.25, 0.25))), 1.0)
    control.release(run, 1.1)
    assert sent == []
    assert control.click(state, MOMENT, at(state, CORNERS[0].mean(axis=0))) == 0
    assert state.selected == 0
    assert control.click(state, MOMENT, at(state, np.array([-10.0, -10.0]))) is None
    assert state.selected == 0


def test_what_cannot_be_moved_is_not_dragged() -> None:
    control = PlanarControl()
    state, _, _ = watched()
    assert not control.press(state, MOMENT, "homography", False, at(state, CORNERS[1].mean(axis=0)))
    assert not control.press(state, MOMENT, "homography", True, at(state, CORNERS[0].mean(axis=0)))
    assert control.hovered_patch == 0
