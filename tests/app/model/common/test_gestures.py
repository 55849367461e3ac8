"""A drag has one id from its beginning to its end, and no other has the same."""

from __future__ import annotations

from app.model.common.gestures import DragGesture, begin_gesture


def test_a_drag_keeps_its_id_until_it_is_released() -> None:
    gesture = DragGesture()
    first = gesture.current()
    gesture.follow(held=True)
    assert gesture.current() == first
    gesture.follow(held=False)
    assert gesture.current() != first


def test_gestures_differ() -> None:
    assert begin_gesture() < begin_gesture()
