"""Gestures: undo takes a whole drag back, and redo brings a whole drag again."""

from __future__ import annotations

from app.model.perturb.kick_gestures import gestures
from engine.messages import Event


def kicks(name: str, first: float, count: int) -> list[Event]:
    return [Event(0, first + step / 15, "perturb-pose", f"{name}: 1°, 0 units") for step in range(count)]


def undo(count: int, kind: str = "undo-perturbation") -> list[Event]:
    return [Event(0, 50.0, kind)] * count


def test_a_drag_is_one_gesture_and_single_kicks_are_their_own() -> None:
    assert gestures([]) == (0, 0)
    assert gestures(kicks("a", 1.0, 12)) == (12, 0)
    assert gestures([*kicks("a", 1.0, 12), *kicks("a", 9.0, 1)]) == (1, 0)
    assert gestures([*kicks("a", 1.0, 3), *kicks("b", 1.3, 2)]) == (2, 0)


def test_undo_and_redo_walk_through_gestures() -> None:
    events = [*kicks("a", 1.0, 4), *kicks("b", 9.0, 3)]
    assert gestures([*events, *undo(3)]) == (4, 3)
    assert gestures([*events, *undo(7)]) == (0, 4)
    assert gestures([*events, *undo(7), *undo(4, "redo-perturbation")]) == (4, 3)


def test_a_new_kick_leaves_nothing_to_do_again() -> None:
    assert gestures([*kicks("a", 1.0, 4), *undo(4), *kicks("b", 60.0, 1)]) == (1, 0)


def test_while_the_clock_stands_still_kicks_stay_single() -> None:
    paused = [Event(7, 3.0, "perturb-pose", "a: 1°, 0 units")] * 3
    assert gestures(paused) == (1, 0)


def test_kicks_of_all_cameras_are_never_joined() -> None:
    assert gestures([Event(0, 1 + step / 15, "perturb-all", "5°") for step in range(3)]) == (1, 0)
