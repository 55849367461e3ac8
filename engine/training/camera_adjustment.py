"""The bundle adjustments of a run: among which frames, where the poses stand meanwhile, what is left to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from engine.evidence.tracks import Tracks
from engine.fields.field import Field
from engine.registration.bundle.options import OF_OBJECTS
from engine.registration.bundle.sequence import AdjustmentSequence
from engine.registration.calibration import Calibration
from engine.scenes.pyramid.photo_pyramid import PhotoPyramid
from engine.scenes.scene import SceneKind


class Adjusted(NamedTuple):
    """The end of an adjustment.

    Attributes:
        poses: of all frames, world-to-camera.
        nearest_disparity: 1/depth of the nearest things that the adjustment has seen.
        sentence: about it, for an event.
    """

    poses: Float[Tensor, "frames 3 4"]
    nearest_disparity: float
    sentence: str


class CameraAdjustment:
    """Bundle adjustments that are due or under way; see `engine.registration.bundle`.

    Attributes:
        frames: that take part in the one under way: those that have a pose of their own.
    """

    def __init__(self, kind: SceneKind, due: list[int] | None = None) -> None:
        """Of a scene of this kind; `due` are the integer factors by which its photos are downsampled for each."""
        self._sequence = AdjustmentSequence(OF_OBJECTS if kind == "object" else None)
        self._sequence.due = list(due or ())
        self.frames: list[int] = []

    @property
    def due(self) -> list[int]:
        """The factors of the adjustments that are still to be made, the one under way included."""
        return self._sequence.due

    def request(self, due: list[int]) -> None:
        """Has these adjustments made."""
        self._sequence.due = due

    @property
    def pending(self) -> bool:
        return self._sequence.pending

    @property
    def under_way(self) -> bool:
        """Whether points have been chosen, so that poses are moving."""
        return self._sequence.under_way is not None

    @property
    def within_step(self) -> bool:
        """Whether a Gauss-Newton step has been begun and not ended."""
        return self._sequence.midway

    @property
    def doing(self) -> str:
        """How far the adjustment that is due is, in a few words."""
        step, most = self._sequence.step, self._sequence.options.steps
        where = f"step {min(step, most)} of {most}" if step else "choosing points"
        return f"adjusting cameras at 1/{self.due[0]}: {where}"

    def show(self, poses: Float[Tensor, "frames 3 4"]) -> None:
        """Puts the poses of the adjustment under way, if there is one, into those of all frames."""
        if self._sequence.under_way is not None:
            poses[self.frames] = self._sequence.under_way.poses

    def place(self, frame: int, pose: Float[Tensor, "3 4"]) -> None:
        """Follows a frame that was put elsewhere: the Gauss-Newton step under way is given up."""
        if self._sequence.under_way is not None and frame in self.frames:
            self._sequence.under_way.poses[self.frames.index(frame)] = pose
        self._sequence.interrupt()

    def begin_anew(self) -> None:
        """Gives up the adjustment under way, for there are more frames now; it is due all the same."""
        self._sequence.begin_anew()

    def advance(
        self,
        field: Field,
        photos: PhotoPyramid,
        calibration: Calibration,
        registered: list[int],
        poses: Callable[[], Float[Tensor, "frames 3 4"]],
        seed: int,
        tracks: Tracks | None = None,
    ) -> Adjusted | None:
        """Does a piece of an adjustment's step; its end, or None while it goes on.

        Args:
            field, photos, calibration: of the run; the calibration takes over what becomes of the lens.
            registered: frames that take part, if an adjustment begins now.
            poses: tells the poses of all frames.
            seed: of the points that are chosen.
            tracks: matches of all frames, or None.
        """
        if not self._sequence.begun:
            self.frames = registered
        frames = self.frames
        seen = None if tracks is None or self._sequence.begun else tracks.select_frames(frames)
        known = (field, photos.of(frames), calibration)
        ended = self._sequence.advance(*known, lambda: poses()[frames], seed, seen)
        if ended is None:
            return None
        nearest = self._sequence.nearest_disparity()
        everywhere = poses()
        everywhere[frames] = self._sequence.close(calibration)
        return Adjusted(everywhere, nearest, ended)


def scale_world(poses: Float[Tensor, "frames 3 4"], factor: float) -> Float[Tensor, "frames 3 4"]:
    """The poses in a world whose lengths are `factor` times as many units."""
    return torch.cat([poses[..., :3], poses[..., 3:] * factor], dim=-1)
