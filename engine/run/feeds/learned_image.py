"""The newest learned image of a planar run, for a window that never waits and must not slow the run down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from engine.run.feeds.feed import PIECE, Feed, Piece
from engine.run.session import Session
from engine.run.thread import Run
from engine.system.arrays import frozen
from engine.system.stopwatch import Stopwatch
from engine.training.planar.learned_image import learned_rows
from engine.training.planar.trainer import PlanarTrainer

LONGEST = 512  # pixels
ROWS = 16


@dataclass(frozen=True)
class LearnedImage:
    """The field as it was.

    Attributes:
        version: grows with every image.
        pixels: RGB in [0, 1] over the whole image, where its true pixels are.
    """

    version: int
    pixels: Float32[np.ndarray, "height width 3"]


class PlanarImageFeed:
    """Asks a run for the image that it has learned, some rows at a time, whenever the field has changed."""

    def __init__(self, run: Run, longest: int = LONGEST, period: float = 0.2, share: float = 0.06) -> None:
        """Asks nothing yet.

        Args:
            run: of a planar scene, started or not.
            longest: pixels along the longer side, at most, about.
            period: seconds between two images, at least.
            share: of the run's time, at most.
        """
        self._longest = longest
        self._feed = Feed(run, self._work, "learned image", period, share)
        # What follows belongs to the run's thread.
        self._trainer: PlanarTrainer | None = None
        self._shown = self._version = -1
        self._rows: list[Tensor] = []
        self._images = 0

    def latest(self) -> LearnedImage | None:
        """The newest image, at once (None before there is one); call it once per frame."""
        return self._feed.latest()

    def _work(self, session: Session) -> Piece[LearnedImage]:
        trainer = session.trainer
        if not isinstance(trainer, PlanarTrainer):
            return Piece()
        if trainer is not self._trainer:
            self._trainer, self._shown, self._rows = trainer, -1, []
        if not self._rows and trainer.field.version == self._shown:
            return Piece()
        if not self._rows:
            self._version = trainer.field.version
        downsample = max(-(-max(trainer.scene.image_size) // self._longest), 1)
        height = trainer.scene.image_size[1] // downsample
        clock = Stopwatch()
        clock.start()
        while len(self._rows) * ROWS < height:
            self._rows.append(learned_rows(trainer, downsample, len(self._rows) * ROWS, ROWS))
            if clock.seconds > PIECE and len(self._rows) * ROWS < height:
                return Piece(unfinished=True)
        pixels, self._rows = torch.cat(self._rows), []
        self._images += 1
        self._shown = self._version
        return Piece(LearnedImage(self._images, frozen(pixels)))
