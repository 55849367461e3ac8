"""What each contestant of a race shows of the selected frame. No Dear PyGui here."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from app.model.state.state import State
from app.model.state.viewed_run import ViewedRun
from engine.run.feeds.view import FrameViewFeed


class RaceViews:
    """Renderings of the selected frame, one of each run of a race; they are made while they are asked for."""

    def __init__(self) -> None:
        self._feeds: dict[ViewedRun, FrameViewFeed] = {}

    def latest(self, state: State) -> list[Float32[np.ndarray, "height width 3"] | None]:
        """The newest of each run, None where there is none yet; to be called once per frame of the window."""
        found: list[Float32[np.ndarray, "height width 3"] | None] = []
        for run in state.runs:
            if run not in self._feeds and run.opened is not None:
                self._feeds[run] = FrameViewFeed(run.opened.run, state.selected)
            feed = self._feeds.get(run)
            view = None
            if feed is not None:
                feed.frame = state.selected
                view = feed.latest()
            found.append(None if view is None else view.pixels)
        for run in [run for run in self._feeds if run not in state.runs]:
            del self._feeds[run]
        return found
