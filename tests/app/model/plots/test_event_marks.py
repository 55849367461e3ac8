"""Marks: one for what belongs together, words for each, and the nearest to the mouse."""

from __future__ import annotations

from typing import get_args

from app.model.plots.event_marks import COLOURS, KINDS, LABELS, find_nearest, make_marks
from engine.messages import Event
from engine.messages.event import TrainingKind


def test_a_drag_of_lambda_is_one_mark_at_its_end() -> None:
    drag = [Event(i, 10 + i / 15, "set-lambda", f"10^{2 - i / 10:g}", gesture=1) for i in range(20)]
    later = Event(99, 30.0, "set-lambda", "10^4", gesture=2)
    found = make_marks([*drag, later], "seconds")
    assert [mark.count for mark in found] == [20, 1]
    assert found[0].x == drag[-1].seconds
    assert "10^0.1" in found[0].text
    assert "10^4" in found[1].text


def test_every_event_of_a_training_that_is_marked_has_words() -> None:
    events = [Event(1, 100.0 * index, kind, "detail") for index, kind in enumerate(get_args(TrainingKind))]
    assert len(make_marks(events, "seconds")) == len(events)
    assert all("detail" in mark.text for mark in make_marks(events, "seconds"))


def test_different_things_at_once_keep_their_own_marks_in_order() -> None:
    events = [
        Event(0, 0.1, "stage", "1/16"),
        Event(5, 1.0, "perturb-pose", "a.jpg: 5°, 0.1 units", 0, gesture=3),
        Event(5, 1.1, "set-lambda", "10^-2"),
        Event(6, 1.2, "perturb-pose", "a.jpg: 5°, 0.1 units", 0, gesture=3),
        Event(7, 9.0, "undo-perturbation"),
        Event(8, 9.5, "select-frame", "b.jpg"),
    ]
    assert [mark.kind for mark in make_marks(events, "seconds")] == ["stage", "kick", "λ", "undo"]
    assert [mark.x for mark in make_marks(events, "iterations")] == [0, 6, 5, 7]


def test_kicks_of_two_gestures_have_a_mark_each_however_close() -> None:
    kicks = [Event(i, 1 + i / 15, "perturb-pose", "a.jpg: 1°", 0, gesture=i // 3) for i in range(6)]
    found = make_marks([*kicks, Event(7, 1.5, "perturb-all", "5°"), Event(8, 1.6, "perturb-all", "5°")], "iterations")
    assert [(mark.x, mark.count) for mark in found] == [(2, 3), (5, 3), (7, 1), (8, 1)]


def test_an_undo_and_the_redo_of_a_gesture_have_a_mark_each() -> None:
    events = [Event(5, 1.0, "undo-perturbation", "a", 0, 3), Event(6, 1.1, "redo-perturbation", "a", 0, 3)]
    assert [mark.count for mark in make_marks(events, "iterations")] == [1, 1]


def test_searches_that_end_together_are_one_mark() -> None:
    found = [Event(5, 1.0, "found", "a"), Event(6, 1.3, "rejected", "b"), Event(20, 9.0, "found", "c")]
    assert [mark.count for mark in make_marks(found, "iterations")] == [2, 1]


def test_stages_have_a_mark_each() -> None:
    found = make_marks([Event(0, 0.0, "stage", "1/16"), Event(300, 0.1, "stage", "1/8")], "iterations")
    assert [mark.x for mark in found] == [0, 300]


def test_the_mark_under_the_mouse_is_the_nearest_within_reach() -> None:
    found = make_marks([Event(10, 1.0, "stage", "a"), Event(20, 2.0, "bundle", "b")], "iterations")
    assert find_nearest(found, 16.0, 5.0) is found[1]
    assert find_nearest(found, 15.0, 2.0) is None
    assert find_nearest([], 0.0, 100.0) is None


def test_every_kind_has_a_colour_of_its_own_and_a_name() -> None:
    assert set(COLOURS) == set(LABELS) == set(KINDS)
    assert len(set(COLOURS.values())) == len(KINDS)
