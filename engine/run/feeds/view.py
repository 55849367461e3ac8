"""The newest rendering of one training frame, small, for a window that never waits and must not slow the run down."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from engine.geometry.rays import rays_through
from engine.run.feeds.feed import PIECE, Feed, Piece
from engine.run.session import Session
from engine.run.thread import Run
from engine.scenes.pyramid.photo_level import replace_intrinsics
from engine.system.arrays import frozen
from engine.system.stopwatch import Stopwatch
from engine.training.radiance import RadianceTrainer

LONGEST = 192  # pixels
RAYS_AT_ONCE = 2048


@dataclass(frozen=True)
class FrameView:
    """What the field shows of a frame from its fitted pose.

    Attributes:
        frame: index among the training frames.
        pixels: RGB in [0, 1], rows from the top.
    """

    frame: int
    pixels: Float32[np.ndarray, "height width 3"]


class FrameViewFeed:
    """Asks a run with cameras to render a frame, some rays at a time, whenever the field or the frame has changed.

    Attributes:
        frame: index among the training frames; it may be changed at any time.
    """

    def __init__(
        self, run: Run, frame: int = 0, longest: int = LONGEST, period: float = 1.0, share: float = 0.04
    ) -> None:
        """Asks nothing yet.

        Args:
            run: started or not.
            frame: index among the training frames.
            longest: pixels along the longer side, at most.
            period: seconds between two renderings, at least.
            share: of the run's time, at most.
        """
        self.frame = frame
        self._longest = longest
        self._feed = Feed(run, self._work, "rendering of a frame", period, share)
        # What follows belongs to the run's thread.
        self._trainer: RadianceTrainer | None = None
        self._key = self._shown = (-1, -1)
        self._parts: list[Tensor] = []
        self._rays: tuple[Tensor, Tensor] | None = None

    def latest(self) -> FrameView | None:
        """The newest rendering, at once (None before there is one); call it once per frame of the window."""
        return self._feed.latest()

    def _work(self, session: Session) -> Piece[FrameView]:
        trainer = session.trainer
        if not isinstance(trainer, RadianceTrainer) or self.frame >= len(trainer.frames):
            return Piece()
        if trainer is not self._trainer:
            self._trainer, self._shown, self._rays = trainer, (-1, -1), None
        if self._rays is None:
            self._key = trainer.field.version, self.frame
            if self._key == self._shown:
                return Piece()
            self._begin(trainer)
        assert self._rays is not None
        clock = Stopwatch()
        clock.start()
        origins, directions = self._rays
        height, width = directions.shape[:2]
        origins, directions = (rays.flatten(0, 1).split(RAYS_AT_ONCE) for rays in (origins, directions))
        while len(self._parts) < len(directions):
            part = len(self._parts)
            with torch.no_grad():
                self._parts.append(trainer.field.render(origins[part], directions[part]).colour.clamp(0, 1))
            if clock.seconds > PIECE and len(self._parts) < len(directions):
                return Piece(unfinished=True)
        pixels = torch.cat(self._parts).view(height, width, 3)
        self._rays, self._shown = None, self._key
        return Piece(FrameView(self._key[1], frozen(pixels)))

    def _begin(self, trainer: RadianceTrainer) -> None:
        frame = self._key[1]
        factor = max(math.ceil(trainer.photos.longer_side / self._longest), 1)
        with torch.no_grad():
            data = trainer.photos.level(factor)
            free = trainer.calibration.free
            if free.focal or free.radial:
                data = replace_intrinsics(data, trainer.calibration.intrinsics(data.intrinsics))
            points = data.plane_of(frame)
            pose = trainer.poses()[frame].to(points)
            origins, directions = rays_through(pose, points.flatten(0, 1))
        self._rays = tuple(rays.view(*points.shape[:2], 3) for rays in (origins, directions))  # type: ignore[assignment]
        self._parts = []
