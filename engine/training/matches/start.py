"""The start of a run from its tracks: poses that all matches agree on, before the field knows anything."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from engine.evidence.track_bundle import TrackBundle, TrackBundleOptions
from engine.evidence.triangulation import (
    Observations,
    Triangulated,
    choose_tracks,
    pixel_scale,
    triangulate,
    view_rays,
)
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.se3 import transform
from engine.geometry.similarity import align_cameras
from engine.scenes.scene import SceneKind
from engine.scenes.world.average_camera import NEAREST_DEPTH, centre_on, find_average_camera, scale_world


@dataclass(frozen=True)
class TrackStartOptions:
    """When poses of tracks are worth taking, and what they cost.

    Attributes:
        tracks: that are solved from, at most: those that most frames see. More make a step slower, and the start no
            better.
        fits_px: reprojection error up to which an observation fits, pixels of an image of 640.
        least_share: of all observations that fit under the solution: below it the photos were matched wrongly, or have
            too little in common, and the initial poses are kept.
        least_observations: in a frame, that fit, for its pose to be known; 6 unknowns, and room for wrong matches.
        nearest_quantile: of the depths of what fits: the nearest things of a forward-facing world; nearer ones may be
            wrong matches.
    """

    tracks: int = 2000
    fits_px: float = 3.0
    least_share: float = 0.35
    least_observations: int = 15
    nearest_quantile: float = 0.005


DEFAULT = TrackStartOptions()


@dataclass(frozen=True)
class TrackPoses:
    """What the tracks alone say.

    Attributes:
        poses: world-to-camera, of all frames; those that are not `known` stand where they began.
        known: frames that enough observations fit.
        share: of all observations, those that fit.
        accepted: whether that is enough to begin from.
    """

    poses: Float[Tensor, "frames 3 4"]
    known: Bool[Tensor, " frames"]
    share: float
    accepted: bool

    @property
    def sentence(self) -> str:
        """For an event."""
        fit = f"{self.share:.0%} of the observations fit"
        if not self.accepted:
            return f"the tracks alone give no cameras ({fit}); the initial poses are kept"
        return f"cameras of {int(self.known.sum())} of {len(self.known)} frames from the tracks alone ({fit})"


class TrackStart:
    """Solves poses from tracks, a piece at a time; `poses` shows how far it is."""

    def __init__(
        self,
        observations: Observations,
        intrinsics: Intrinsics,
        initial: Float[Tensor, "frames 3 4"],
        kind: SceneKind,
        near: float,
        options: TrackStartOptions = DEFAULT,
    ) -> None:
        """Nothing is solved yet; `near` is the nearest depth of the scene, where nothing better is known."""
        self._all, self._intrinsics, self._kind, self._options = observations, intrinsics, kind, options
        self._initial = initial.double().cpu()
        chosen = choose_tracks(observations, options.tracks)
        depth = self._usual_depth(chosen, near)
        origin, direction = view_rays(chosen, self._initial, intrinsics)
        views = torch.bincount(chosen.track, minlength=chosen.tracks)[:, None]
        # All points at one depth: those of noisy poses may be anywhere, behind the cameras too, and a step that
        # begins there leads nowhere.
        points = torch.zeros(chosen.tracks, 3, dtype=torch.float64)
        points.index_add_(0, chosen.track, origin + depth * direction)
        self._bundle = TrackBundle(chosen, intrinsics, self._initial, points / views, TrackBundleOptions())
        self._pieces = self._solve()
        self.result: TrackPoses | None = None

    def advance(self) -> TrackPoses | None:
        """Does a piece; the result at the end, else None."""
        next(self._pieces, None)
        return self.result

    @property
    def poses(self) -> Float[Tensor, "frames 3 4"]:
        """So far, in the world of the scene as well as that is known."""
        return self._place(self._bundle.poses, None).float()

    def _usual_depth(self, observations: Observations, near: float) -> float:
        """The median depth of the tracks under the initial poses, where these say something of it."""
        found = triangulate(observations, self._initial, self._intrinsics)
        depth = transform(self._initial[observations.frame], found.points[observations.track])[:, 2]
        roughly = (found.error_px < 16 * pixel_scale(self._intrinsics)) & (depth > 0)
        spread = self._initial[:, :, 3].std(dim=0).norm() if len(self._initial) > 1 else 0.0
        if float(spread) < 1e-6 or float(roughly.double().mean()) < 0.1:
            return 1.5 * near
        return float(depth[roughly].median())

    def _solve(self) -> Iterator[None]:
        yield from self._bundle.rounds()
        found = triangulate(self._all, self._bundle.poses, self._intrinsics)
        fits = found.error_px < self._options.fits_px * pixel_scale(self._intrinsics)
        count = torch.bincount(self._all.frame[fits], minlength=len(self._initial))
        known = count >= self._options.least_observations
        share = float(fits.double().mean())
        before = triangulate(self._all, self._initial, self._intrinsics).error_px
        share_before = float((before < self._options.fits_px * pixel_scale(self._intrinsics)).double().mean())
        accepted = share >= max(self._options.least_share, share_before) and int(known.sum()) >= 2
        poses = self._initial
        if accepted:
            placed = self._place(self._bundle.poses, known, found, fits)
            poses = torch.where(known[:, None, None], placed, self._initial)
        self.result = TrackPoses(poses.float(), known, share, accepted)

    def _place(
        self,
        poses: Float[Tensor, "frames 3 4"],
        known: Bool[Tensor, " frames"] | None,
        found: Triangulated | None = None,
        fits: Bool[Tensor, " observations"] | None = None,
    ) -> Float[Tensor, "frames 3 4"]:
        """The poses in the world of the scene: that of the average camera, or where the initial poses say it is."""
        some = torch.ones(len(poses), dtype=torch.bool) if known is None else known
        if self._kind != "forward-facing":
            return align_cameras(poses[some], self._initial[some]).apply_to_poses(poses)
        centred = centre_on(poses, find_average_camera(poses[some]))
        if found is None or fits is None:
            return centred
        depth = transform(poses[self._all.frame], found.points[self._all.track])[:, 2][fits]
        nearest = float(depth.quantile(self._options.nearest_quantile))
        return scale_world(centred, 1 / (NEAREST_DEPTH * max(nearest, 1e-9)))
