"""A training frame as the engine itself renders it, a few rays at a time: what its photo is compared with."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32

from engine.feed import PIECE, Feed, Piece
from engine.freezing import frozen
from engine.geometry.rays import rays_through
from engine.planar_trainer import PlanarTrainer
from engine.run import Run
from engine.session import Session
from engine.trainer import Trainer

RAYS = 2048  # at once; neural fields take a tenth of a second for as many on a small computer


@dataclass(frozen=True)
class FramePicture:
    """One training frame, photo and rendering; never written after publication.

    Attributes:
        frame: index among the training frames.
        downsample: integer factor against the scene's images.
        colour, photo: RGB in [0, 1]; the rendering as the frame's fitted exposure would have taken it.
        depth: along the optical axis, scene units.
        opacity: in [0, 1].
        pose: world-to-camera, from which it was rendered.
        psnr: of the rendering, dB.
        iteration: of the run when the rendering began.
    """

    frame: int
    downsample: int
    colour: Float32[np.ndarray, "height width 3"]
    photo: Float32[np.ndarray, "height width 3"]
    depth: Float32[np.ndarray, "height width"]
    opacity: Float32[np.ndarray, "height width"]
    pose: Float32[np.ndarray, "3 4"]
    psnr: float
    iteration: int


class FrameRendering:
    """One picture in the making; between two pieces the field may learn on."""

    def __init__(self, trainer: Trainer, frame: int, downsample: int) -> None:
        """Takes the frame's pose as it is now; `frame` counts the training frames."""
        self.trainer, self.frame, self.downsample = trainer, frame, downsample
        self.pose, self.iteration = trainer.poses()[frame].clone(), trainer.iteration
        self.field_version = trainer.field.version
        self._data = trainer.calibration.data(trainer.photos.level(downsample))
        points = self._data.points[frame if self._data.points.shape[0] > 1 else 0]
        self._left = list(points.split(RAYS))[::-1]
        self._parts: list[tuple[torch.Tensor, ...]] = []

    @torch.no_grad()
    def work(self, seconds: float) -> bool:
        """Renders rays for about so long, `RAYS` at least; True when the last are done."""
        begun = time.monotonic()
        while self._left:
            origins, directions = rays_through(self.pose, self._left.pop())
            rendering = self.trainer.field.render(origins.contiguous(), directions.contiguous())
            colour = self.trainer.calibration.seen_by(self.frame, rendering.colour)
            self._parts.append((colour, rendering.depth, rendering.opacity))
            if time.monotonic() - begun >= seconds:
                break
        return not self._left

    def picture(self) -> FramePicture:
        """The finished picture."""
        colour, depth, opacity = (torch.cat(part) for part in zip(*self._parts, strict=True))
        photo = self._data.images[self.frame].permute(1, 2, 0)
        height, width, _ = photo.shape
        colour = colour.clamp(0, 1).view(height, width, 3)
        return FramePicture(
            frame=self.frame,
            downsample=self.downsample,
            colour=frozen(colour),
            photo=frozen(photo),
            depth=frozen(depth.view(height, width)),
            opacity=frozen(opacity.view(height, width)),
            pose=frozen(self.pose),
            psnr=float(-10 * torch.log10((colour - photo).square().mean().clamp(min=1e-10))),
            iteration=self.iteration,
        )


def render_frame(trainer: Trainer, frame: int, downsample: int = 1) -> FramePicture:
    """A whole picture at once, however long it takes."""
    rendering = FrameRendering(trainer, frame, downsample)
    rendering.work(float("inf"))
    return rendering.picture()


class FrameFeed:
    """Asks a run for the picture of a frame, a few rays at a time, whenever frame, field or pose has changed."""

    def __init__(self, run: Run, period: float = 0.5, share: float = 0.08) -> None:
        """Asks nothing yet; see `Feed`."""
        self._feed = Feed(run, self._work, "picture of a frame", period, share)
        self._wanted: tuple[int, int] = (0, 1)
        # What follows belongs to the run's thread.
        self._rendering: FrameRendering | None = None
        self._shown: FrameRendering | None = None

    def latest(self, frame: int, downsample: int = 2) -> FramePicture | None:
        """The newest picture, at once; of another frame or size, or None, until there is one of what is wanted.

        Args:
            frame: index among the training frames.
            downsample: integer factor against the scene's images; 1 for whole ones.
        """
        self._wanted = (frame, downsample)
        return self._feed.latest()

    def _work(self, session: Session) -> Piece[FramePicture]:
        trainer, (frame, downsample) = session.trainer, self._wanted
        if trainer is None or isinstance(trainer, PlanarTrainer) or not 0 <= frame < len(trainer.frames):
            return Piece()
        rendering, self._rendering = self._rendering, None  # a failure leaves none behind
        asked = (trainer, frame, downsample)
        if rendering is None or (rendering.trainer, rendering.frame, rendering.downsample) != asked:
            rendering = FrameRendering(*asked)
            if self._shown is not None and _same(rendering, self._shown):
                return Piece()
        if not rendering.work(PIECE):
            self._rendering = rendering
            return Piece(unfinished=True)
        self._shown, picture = rendering, rendering.picture()
        return Piece(picture)


def _same(one: FrameRendering, other: FrameRendering) -> bool:
    """Whether two come to the same picture."""
    if (one.trainer, one.frame, one.downsample) != (other.trainer, other.frame, other.downsample):
        return False
    return one.field_version == other.field_version and torch.equal(one.pose, other.pose)
