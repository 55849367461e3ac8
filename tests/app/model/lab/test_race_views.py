"""What other contestants show of the selected frame."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest

from app.model.lab import race_views
from app.model.lab.race_views import RaceViews
from app.model.state.state import State
from engine.run.feeds.view import FrameView
from tests.support.runs.fake_run import FakeRun


class FakeFeed:
    """Has a rendering of the frame that it was asked for last, one call later."""

    made: ClassVar[list[FakeFeed]] = []

    def __init__(self, run: Any, frame: int, *_: Any, **__: Any) -> None:
        self.run, self.frame, self.value = run, frame, 0.5
        self._view: FrameView | None = None
        FakeFeed.made.append(self)

    def latest(self) -> FrameView | None:
        before = self._view
        if before is None or before.frame != self.frame or before.pixels[0, 0, 0] != self.value:
            self._view = FrameView(self.frame, np.full((3, 4, 3), self.value, np.float32))
        return before


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> State:
    FakeFeed.made.clear()
    monkeypatch.setattr(race_views, "FrameViewFeed", FakeFeed)
    return State(runs=[FakeRun(), FakeRun(), FakeRun()])  # type: ignore[list-item]


def test_each_contestant_renders_the_selected_frame(state: State) -> None:
    views = RaceViews()
    assert views.latest(state) == [None, None, None]
    state.selected = 2
    views.latest(state)
    views.latest(state)
    assert [feed.frame for feed in FakeFeed.made] == [2, 2, 2]
    assert all(pixels is not None for pixels in views.latest(state))
    del state.runs[1]
    assert len(views.latest(state)) == 2
    assert len(FakeFeed.made) == 3, "no feed was made anew"
