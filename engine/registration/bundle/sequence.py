"""Surface bundle adjustments between stages: what is due, what is under way, one step at a time."""

from __future__ import annotations

from collections.abc import Callable, Generator

import torch
from jaxtyping import Float
from torch import Tensor

from engine.fields.field import Field
from engine.geometry.intrinsics import Intrinsics
from engine.registration.bundle import adjustment, surface_points
from engine.registration.bundle.adjustment import Adjustment
from engine.registration.bundle.surface_points import contrast
from engine.registration.calibration import Calibration
from engine.scenes.pyramid.photo_pyramid import PhotoPyramid

MOST_POINTS = 8000
MOST_OBSERVATIONS = 300_000  # points times frames: what a step costs
MOST_STEPS = 20
DEPTH_MAP_SIZE = 126  # pixels along the longer side of the depth maps that points are taken from


class Bundling:
    """The adjustments that a stage asks for, one after the other on ever larger photos.

    Randomness is its own, seeded by where the run stands: an adjustment that is interrupted starts anew after a
    resume, and ends the same.
    """

    def __init__(self) -> None:
        self.due: list[int] = []
        self.under_way: Adjustment | None = None
        self._lens_before: Intrinsics | None = None
        self._steps = 0
        self._pieces: Generator[None, None, bool] | None = None

    @property
    def pending(self) -> bool:
        return bool(self.due)

    def advance(
        self,
        field: Field,
        photos: PhotoPyramid,
        calibration: Calibration,
        poses: Callable[[], Float[Tensor, "frames 3 4"]],
        seed: int,
    ) -> str | None:
        """A piece of a step, or of the beginning of the next adjustment; a sentence about it when one has ended.

        A whole step is up to half a second's work, and a command should not wait so long. `poses` tells where an
        adjustment begins; where it ends is `under_way.poses`, until `close` is called.
        """
        if self._pieces is None:
            self._pieces = self._step(field, photos, calibration, poses, seed)
        try:
            next(self._pieces)
            return None
        except StopIteration as end:
            going_on, self._pieces = end.value, None
        if going_on and self._steps < MOST_STEPS:
            return None
        return f"1/{self.due[0]} in {self._steps} steps"

    @property
    def midway(self) -> bool:
        """Whether a step has been begun and not ended."""
        return self._pieces is not None

    def interrupt(self) -> None:
        """Lets go of the step under way, for the poses it started from are no longer true."""
        self._pieces = None

    def begin_anew(self) -> None:
        """Gives up the adjustment under way, for the frames are others now; it is due all the same."""
        self.under_way = self._pieces = None

    @property
    def begun(self) -> bool:
        """Whether an adjustment is under way, or its beginning is."""
        return self.under_way is not None or self.midway

    def nearest_disparity(self) -> float:
        """1/z of the nearest points of the adjustment under way, but for the nearest half percent."""
        assert self.under_way is not None
        seen = self.under_way.visible.sum(dim=0) >= 3
        depth = self.under_way.points[seen, 2]
        depth = depth[depth > 1e-3]
        return float((1 / depth).quantile(0.995)) if len(depth) else 0.0

    def close(self, calibration: Calibration) -> Float[Tensor, "frames 3 4"]:
        """Ends the adjustment under way; its poses. The calibration takes over what became of the lens."""
        assert self.under_way is not None
        assert self._lens_before is not None
        calibration.take(self._lens_before, self.under_way.intrinsics)
        poses, self.under_way = self.under_way.poses, None
        self.due.pop(0)
        return poses

    def _step(
        self,
        field: Field,
        photos: PhotoPyramid,
        calibration: Calibration,
        poses: Callable[[], Float[Tensor, "frames 3 4"]],
        seed: int,
    ) -> Generator[None, None, bool]:
        """One step, after the beginning where there is none yet; whether it shall go on."""
        if self.under_way is None:
            self.under_way = yield from self._begin(field, photos, calibration, poses(), seed)
            self._steps = 0
            yield
        going_on = yield from self.under_way.improving()
        self._steps += 1
        return going_on

    def _begin(
        self, field: Field, photos: PhotoPyramid, calibration: Calibration, poses: Tensor, seed: int
    ) -> Generator[None, None, Adjustment]:
        downsample, frames = self.due[0], poses.shape[0]
        generator = torch.Generator().manual_seed(seed * 31 + downsample)
        data = calibration.data(photos.level(downsample))
        small = calibration.data(photos.level(max(round(photos.longer_side / DEPTH_MAP_SIZE), 1)))
        height, width = small.images.shape[-2:]
        plane = small.points.expand(frames, -1, -1).reshape(-1, height, width, 2)
        looks = []
        for frame in range(frames):
            yield
            one = slice(frame, frame + 1)
            looks.append((*surface_points.depth_maps(field, poses[one], plane[one]), contrast(data.images[one])))
        depth, opacity, texture = (torch.cat(look) for look in zip(*looks, strict=True))
        yield
        per_frame = max(min(MOST_POINTS, MOST_OBSERVATIONS // frames) // frames, 1)
        surface = surface_points.choose(texture, data.intrinsics, poses, depth, opacity, per_frame, generator)
        self._lens_before = data.intrinsics
        free = calibration.free_lens(photos.level(downsample).intrinsics)
        return adjustment.from_surface(data.images, data.intrinsics, poses, surface, free)
