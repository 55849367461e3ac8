"""The surface bundle adjustments that a stage asks for: which are due, which one is running, a piece at a time."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from engine.evidence.tracks import Tracks
from engine.fields.field import Field
from engine.geometry.intrinsics import Intrinsics
from engine.registration.bundle.adjustment import Adjustment, start_from_surface
from engine.registration.bundle.options import SequenceOptions, SolverOptions
from engine.registration.bundle.surface_points import choose_points, measure_contrast, render_depth_maps
from engine.registration.bundle.track_evidence import gather_evidence
from engine.registration.calibration import Calibration
from engine.scenes.pyramid.photo_pyramid import PhotoPyramid

DEFAULT = SequenceOptions()
_NEAREST_QUANTILE = 0.995  # of the disparities; the nearest half percent of the points may be outliers
_LEAST_VIEWS, _LEAST_DEPTH = 3, 1e-3  # frames that see a point, and its z, for it to count there


class AdjustmentSequence:
    """The adjustments of a stage, one after the other, each on larger photos than the one before.

    Every adjustment has a random generator of its own, seeded by `advance`'s `seed`: one that was interrupted and is
    repeated after a resume gives the same result.

    Attributes:
        due: downsampling factors of the photos for the adjustments that are left, the first one next.
        under_way: the adjustment that has begun, or None.
    """

    def __init__(self, options: SequenceOptions | None = None) -> None:
        """`options` say how large adjustments are; None means `DEFAULT`."""
        self.due: list[int] = []
        self.under_way: Adjustment | None = None
        self._options = options
        self._lens_before: Intrinsics | None = None
        self._steps = 0
        self._pieces: Generator[None, None, bool] | None = None

    @property
    def options(self) -> SequenceOptions:
        """How large adjustments are."""
        return self._options or DEFAULT

    @property
    def pending(self) -> bool:
        """Whether an adjustment is due or under way."""
        return bool(self.due)

    def advance(
        self,
        field: Field,
        photos: PhotoPyramid,
        calibration: Calibration,
        poses: Callable[[], Float[Tensor, "frames 3 4"]],
        seed: int,
        tracks: Tracks | None = None,
    ) -> str | None:
        """Does a piece of a step, or of the preparation of the next adjustment.

        A whole step takes up to half a second; commands are applied between pieces. Where the adjustment ends is
        `under_way.poses`, until `close` is called.

        Args:
            field: rendered, not changed.
            photos: of the frames that are adjusted.
            calibration: of the same frames.
            poses: called when an adjustment begins; the poses it begins from.
            seed: of the choice of surface points.
            tracks: matches of the frames that are adjusted, numbered as these are, or None.
        Returns:
            a sentence about the adjustment when it has ended, else None.
        """
        if self._pieces is None:
            self._pieces = self._step(field, photos, calibration, poses, seed, tracks)
        try:
            next(self._pieces)
            return None
        except StopIteration as end:
            improved, self._pieces = end.value, None
        if improved and self._steps < self.options.steps:
            return None
        return f"1/{self.due[0]} in {self._steps} steps"

    @property
    def midway(self) -> bool:
        """Whether a step has begun and not ended."""
        return self._pieces is not None

    @property
    def step(self) -> int:
        """Number of the step under way, from 1; 0 while surface points are being chosen."""
        return self._steps + 1 if self.under_way is not None else 0

    def interrupt(self) -> None:
        """Discards the step that has begun, because the poses it started from have changed."""
        self._pieces = None

    def begin_anew(self) -> None:
        """Discards the adjustment under way, because the frames have changed; it stays due and begins again."""
        self.under_way = self._pieces = None

    @property
    def begun(self) -> bool:
        """Whether an adjustment is under way or being prepared."""
        return self.under_way is not None or self.midway

    def nearest_disparity(self) -> float:
        """Disparity (1/z in world axes) of the nearest points of the adjustment, without outliers; 0 for no points."""
        assert self.under_way is not None
        seen = self.under_way.visible.sum(dim=0) >= _LEAST_VIEWS
        depth = self.under_way.points[seen, 2]
        depth = depth[depth > _LEAST_DEPTH]
        return float((1 / depth).quantile(_NEAREST_QUANTILE)) if len(depth) else 0.0

    def close(self, calibration: Calibration) -> Float[Tensor, "frames 3 4"]:
        """Ends the adjustment under way: the calibration takes its lens, and its poses are returned."""
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
        tracks: Tracks | None,
    ) -> Generator[None, None, bool]:
        """One step, after the preparation where none has been done; whether another step is worth while."""
        if self.under_way is None:
            self.under_way = yield from self._prepare(field, photos, calibration, poses(), seed, tracks)
            self._steps = 0
            yield
        improved = yield from self.under_way.improve_in_pieces()
        self._steps += 1
        return improved

    def _prepare(
        self,
        field: Field,
        photos: PhotoPyramid,
        calibration: Calibration,
        poses: Tensor,
        seed: int,
        tracks: Tracks | None,
    ) -> Generator[None, None, Adjustment]:
        """The next adjustment, its surface points chosen; a piece for every frame."""
        options, downsample, frames = self.options, self.due[0], poses.shape[0]
        generator = torch.Generator().manual_seed(seed * 31 + downsample)
        data = calibration.data(photos.level(downsample))
        small = calibration.data(photos.level(max(round(photos.longer_side / options.depth_map_size), 1)))
        maps = []
        for frame in range(frames):
            yield
            one = slice(frame, frame + 1)
            maps.append(
                (
                    *render_depth_maps(field, poses[one], small.plane_of(frame)[None]),
                    measure_contrast(data.images[one]),
                )
            )
        depth, opacity, texture = (torch.cat(each) for each in zip(*maps, strict=True))
        counts = None if data.masks is None else data.masks.inside(options.mask_border)
        if counts is not None:
            texture = texture * counts
        yield
        per_frame = max(min(options.points, options.observations // frames) // frames, 1)
        surface = choose_points(texture, data.intrinsics, poses, depth, opacity, per_frame, generator)
        self._lens_before = data.intrinsics
        free = calibration.free_lens(photos.level(downsample).intrinsics)
        yield
        evidence = None if tracks is None else gather_evidence(tracks, poses, data.intrinsics, downsample)
        solver = SolverOptions()
        if evidence is None:
            least_gain = options.gain_area / max(data.images.shape[-2:]) ** 2
            solver = replace(solver, least_gain=max(least_gain, solver.least_gain))
        return start_from_surface(data.images, data.intrinsics, poses, surface, free, evidence, counts, solver)
