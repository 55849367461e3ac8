"""What is known of a scene while it is being opened: photos, matches, and the cameras so far. No Dear PyGui here."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import UInt8
from torch import Tensor

from app.model.state.colmap_progress import ColmapProgress
from app.model.state.preparation import READING, describe_preparation
from engine.scenes.progress import PhotosRead, ReadingEvent, ReadingProgress
from engine.sfm import events as sfm

READING_PHOTOS = "reading the photos"  # as the engine names it
EVENTS_AT_ONCE = 200  # events that are taken in one frame of the window, at most, so that it stays short

Phase = Literal["photos", "features", "pairs", "cameras"]
PHASES: tuple[Phase, ...] = ("photos", "features", "pairs", "cameras")


@dataclass(frozen=True)
class PhaseText:
    """What the window says of a phase.

    Attributes:
        title: what is being done, in a few words.
        sentence: how, in words that need no knowledge of the terms.
    """

    title: str
    sentence: str


PHASE_TEXTS: dict[Phase, PhaseText] = {
    "photos": PhaseText("Reading the photos", "They are read at the size at which they will be trained on."),
    "features": PhaseText(
        "Finding features", "Corners and spots that can be recognised in other photos, each with a description."
    ),
    "pairs": PhaseText(
        "Comparing the photos in pairs",
        "Features that look alike are matched; matches that no motion of a camera explains are dropped.",
    ),
    "cameras": PhaseText(
        "Placing the cameras",
        "Beginning with one pair, photo after photo is placed where it sees the points that the others saw.",
    ),
}


class Opening:
    """Collects the events of reading a scene: they come in the thread that reads, and are taken by the window.

    Attributes:
        words: the progress, for the top bar.
        phase: what is being done.
        text: the same for people.
        done, total: how much of it; `total` is 0 while it is not known.
        photos: names and pixels, once they were read.
        progress: features, matches and cameras so far; None before the first of these events.
        latest: number of the photo whose features, or matches with another, were found last, or None.
        version: number of events taken.
    """

    def __init__(self) -> None:
        self.words = READING
        self.phase: Phase = "photos"
        self.text = PHASE_TEXTS["photos"]
        self.done = self.total = 0
        self.photos: PhotosRead | None = None
        self.progress: ColmapProgress | None = None
        self.latest: int | None = None
        self.version = 0
        self._begun = time.monotonic()
        self._waiting: deque[ReadingEvent] = deque()  # its methods may be called from several threads

    @property
    def seconds(self) -> float:
        """Since the scene is being opened."""
        return time.monotonic() - self._begun

    def tell(self, event: ReadingEvent) -> None:
        """Gets an event; called in the thread that reads."""
        self._waiting.append(event)

    def refresh(self) -> None:
        """Takes events that have come, at most `EVENTS_AT_ONCE`; to be called once per frame of the window."""
        for _ in range(min(len(self._waiting), EVENTS_AT_ONCE)):
            self._see(self._waiting.popleft())

    def _see(self, event: ReadingEvent) -> None:
        self.version += 1
        self.words = describe_preparation(event) or self.words
        match event:
            case ReadingProgress():
                if self.progress is None or not self.progress.features:
                    self._count("photos", event.done, event.total)
                    if event.what != READING_PHOTOS:
                        self.text = PhaseText(f"{event.what[0].upper()}{event.what[1:]}", "")
            case PhotosRead():
                self.photos, self.progress, self.latest = event, ColmapProgress(event.names), None
            case sfm.Started():
                if self.photos is None or len(event.names) != len(self.photos.names):
                    self.progress = ColmapProgress(event.names)
            case _:
                self._see_geometry(event)

    def _see_geometry(self, event: sfm.SfmEvent) -> None:
        if self.progress is None:
            return
        self.progress.see(event)
        match event:
            case sfm.FeaturesFound():
                self.latest = event.frame
                self._count("features", event.done, event.total)
            case sfm.PairVerified():
                self._count("pairs", event.done, event.total)
                self.latest = event.pair[0] if len(event.inliers) else self.latest
            case sfm.Matching():
                self._count("pairs", event.done, event.total)
            case sfm.Mapped() if self.phase == "cameras" or self._all_pairs:  # else those of a few first photos
                self._count("cameras", len(event.frames), event.total)

    @property
    def _all_pairs(self) -> bool:
        """Whether all pairs were compared, or the result comes without that."""
        return self.phase == "photos" or (self.phase == "pairs" and self.done == self.total)

    def _count(self, phase: Phase, done: int, total: int) -> None:
        self.phase, self.text, self.done, self.total = phase, PHASE_TEXTS[phase], done, total

    @property
    def model(self) -> sfm.Mapped | None:
        """The newest cameras and points, or None."""
        return self.progress.model if self.progress is not None else None

    def has_passed(self, phase: Phase) -> bool:
        """Whether a phase has ended."""
        return PHASES.index(phase) < PHASES.index(self.phase)

    # ------------------------------------------------------------------ for the pictures of the COLMAP panel

    def size(self, frame: int) -> tuple[int, int]:
        """(width, height) of one photo, pixels."""
        assert self.photos is not None
        return self.photos.images[frame].shape[1], self.photos.images[frame].shape[0]

    def photo(self, frame: int) -> UInt8[Tensor, "height width 3"]:
        """One photo."""
        assert self.photos is not None
        return torch.from_numpy(self.photos.images[frame])
