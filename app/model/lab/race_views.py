"""What each contestant of a race shows of the selected frame. No Dear PyGui here."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from app.model.common.pictures import Photo
from app.model.state.state import State
from app.model.state.viewed_run import ViewedRun
from engine.run.feeds.view import FrameView, FrameViewFeed

WIPED_LONGEST = 448  # pixels of the rendering that takes the place of a photo


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


class WipedContestant:
    """The rendering of the selected frame by the contestant that was chosen for the wipe, as if it were the photo."""

    def __init__(self) -> None:
        self._run: ViewedRun | None = None
        self._feed: FrameViewFeed | None = None
        self._view: FrameView | None = None
        self._photo: Photo | None = None
        self._count = 0

    def latest(self, state: State) -> Photo | None:
        """The newest; None where the wipe shows the photo, and until there is one of the selected frame."""
        place = state.race.wipe
        run = state.runs[place] if place is not None and place < len(state.runs) else None
        if run is not self._run:
            self._run, self._feed, self._view, self._photo = run, None, None, None
        if run is None or run is state.run or run.opened is None:
            return None
        if self._feed is None:
            self._feed = FrameViewFeed(run.opened.run, state.selected, WIPED_LONGEST, period=2.0)
        self._feed.frame = state.selected
        view = self._feed.latest()
        if view is None or view.frame != state.selected:
            return None
        if view is not self._view or self._photo is None:
            self._count += 1
            self._view = view
            self._photo = Photo(("contestant", id(self), self._count), (255 * view.pixels).round().astype(np.uint8))
        return self._photo
