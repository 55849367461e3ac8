"""Values that are computed in a thread of their own."""

from __future__ import annotations

import threading

import pytest

from app.model.common.aside import ComputedAside


def test_one_value_at_a_time() -> None:
    aside: ComputedAside[int] = ComputedAside()
    go, begun = threading.Event(), []

    def slow() -> int:
        begun.append(1)
        go.wait(10)
        return 1

    aside.begin(slow)
    aside.begin(lambda: 2)
    assert aside.busy
    assert aside.newest is None
    go.set()
    aside.join(10)
    assert aside.newest == 1
    assert begun == [1]
    aside.begin(lambda: 3)
    aside.join(10)
    assert aside.newest == 3


def test_what_goes_wrong_is_raised_in_the_thread_of_the_window() -> None:
    aside: ComputedAside[float] = ComputedAside()
    aside.begin(lambda: 1 / 0)
    aside.join(10)
    with pytest.raises(ZeroDivisionError):
        aside.begin(lambda: 1.0)
    aside.begin(lambda: 1.0)
    aside.join(10)
    assert aside.newest == 1.0
