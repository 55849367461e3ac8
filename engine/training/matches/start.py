"""The start of a run from its tracks: poses that all matches agree on, before the field knows anything."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
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
from engine.geometry.procrustes import special_procrustes
from engine.geometry.se3 import rotation_angle, transform
from engine.geometry.similarity import align_cameras, mean_rotation_moment
from engine.scenes.scene import SceneKind
from engine.scenes.world.average_camera import NEAREST_DEPTH, centre_on, find_average_camera, scale_world


@dataclass(frozen=True)
class TrackStartOptions:
    """When poses of tracks are worth taking, and what they cost.

    Attributes:
        tracks: that are solved from, at most: those that most frames see. More make a step slower, and the start no
            better.
        pairs: of observations of one track, at most, in all: the time of a step grows with them, and long tracks have
            many. 50 photos of bones took 9 s with 380,000, and 4.5 s with every second track, for the same poses.
        fits_px: reprojection error up to which an observation fits, pixels of an image of 640.
        least_share: of all observations that fit under the solution: below it the photos were matched wrongly, or have
            too little in common, and the initial poses are kept.
        least_observations: in a frame, that fit, for its pose to be known; 6 unknowns, and room for wrong matches.
        plentiful: observations per frame, median, from which a solution is certain where it fits: with 300, two halves
            of them place cameras to within 0.8 degrees. With fewer it is asked of two halves: on smooth objects 90 a
            frame fit cameras that are 11 degrees off.
        certain: how far two halves may place cameras apart, as a share of how far the whole moves them. The whole is
            off by about half of what its halves are apart: beyond, colours from the initial poses end nearer. Right
            solutions were 0.14 to 0.2 apart (lego, leaves, a room), poor ones 0.7 and more (shiny balls: 2.9 degrees
            off, where the run without matches ends at 0.6). Halves of a forward-facing scene are compared by
            orientations alone, for how centres lie along the line of sight is hardly known.
        least_apart_deg: up to which they may be apart in any case, degrees.
        ample_share: of all observations that fit: below it, and where tracks are few, it is solved from narrower
            robust scales too, and the least cost is kept. Wide scales come from poses that are tens of degrees off,
            but of few points that lie nearly in a plane they make another world: photos of a room with white walls
            ended 1.9 degrees off with them (71 % fit), and 0.3 without (82 %).
        known_apart_deg: how far two halves may place cameras apart whose poses are known, degrees; beyond, few matches
            can neither improve these nor contradict them.
        nearest_quantile: of the depths of what fits: the nearest things of a forward-facing world; nearer ones may be
            wrong matches.
    """

    tracks: int = 2000
    pairs: int = 200_000
    fits_px: float = 3.0
    least_share: float = 0.35
    least_observations: int = 15
    plentiful: float = 200.0
    certain: float = 0.5
    least_apart_deg: float = 1.0
    ample_share: float = 0.7
    known_apart_deg: float = 4.0
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
        apart_deg: by how much two halves of the tracks place cameras differently, median, degrees; None where this was
            not asked.
    """

    poses: Float[Tensor, "frames 3 4"]
    known: Bool[Tensor, " frames"]
    share: float
    accepted: bool
    apart_deg: float | None = None

    @property
    def weak(self) -> bool:
        """Whether so few tracks say so little that they should be left out of the run."""
        return not self.accepted and self.apart_deg is not None

    @property
    def sentence(self) -> str:
        """For an event."""
        fit = f"{self.share:.0%} of the observations fit"
        if self.apart_deg is not None:
            halves = "two halves of the tracks have hardly a camera in common"
            if math.isfinite(self.apart_deg):
                halves = f"two halves of the tracks place cameras {self.apart_deg:.1f}° apart"
            fit += f", and {halves}"
        if self.weak:
            return f"the matches are too few to say where cameras are, and are not used ({fit})"
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
        poses_known: bool = False,
    ) -> None:
        """Nothing is solved yet.

        Args:
            observations: of the frames.
            intrinsics: of the frames.
            initial: world-to-camera, of the frames.
            kind: of the scene.
            near: nearest depth of the scene, where nothing better is known.
            options: when poses are worth taking.
            poses_known: whether the initial poses are kept in any case; it is only asked what the tracks are worth.
        """
        self._all, self._intrinsics, self._kind, self._options = observations, intrinsics, kind, options
        self._limit_px = options.fits_px * pixel_scale(intrinsics)
        self._initial = initial.double().cpu()
        chosen = choose_long_tracks(observations, options.tracks, options.pairs)
        self._depth = self._usual_depth(chosen, near)
        self._bundle = self._make_bundle(chosen)
        self._known = poses_known
        self._pieces = self._weigh() if poses_known else self._solve()
        self.result: TrackPoses | None = None

    def advance(self) -> TrackPoses | None:
        """Does a piece; the result at the end, else None."""
        next(self._pieces, None)
        return self.result

    @property
    def poses(self) -> Float[Tensor, "frames 3 4"]:
        """So far, in the world of the scene as well as that is known."""
        if self._known:
            return self._initial.float()
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

    def _make_bundle(self, observations: Observations, narrower: int = 0) -> TrackBundle:
        """Of the initial poses, with all points at one depth: those of noisy poses may be anywhere, behind the cameras
        too, and a step that begins there leads nowhere.

        So many of the widest robust scales are left out as `narrower` says.
        """
        origin, direction = view_rays(observations, self._initial, self._intrinsics)
        views = torch.bincount(observations.track, minlength=observations.tracks)[:, None]
        points = torch.zeros(observations.tracks, 3, dtype=torch.float64)
        points.index_add_(0, observations.track, origin + self._depth * direction)
        scales = TrackBundleOptions().scales_px[narrower:]
        options = TrackBundleOptions(scales_px=scales)
        return TrackBundle(observations, self._intrinsics, self._initial, points / views, options)

    def _solve_narrower(self, widest: TrackBundle) -> Generator[None, None, TrackBundle]:
        """Of solutions from narrower and narrower scales, and the one from the widest, that of the least cost."""
        best = widest
        for narrower in range(1, len(TrackBundleOptions().scales_px) - 1):
            bundle = self._make_bundle(widest.observations, narrower)
            yield from bundle.rounds()
            best = min(best, bundle, key=lambda each: each.cost)
        return best

    def _solve(self) -> Iterator[None]:
        yield from self._bundle.rounds()
        sparse = is_sparse(self._all, len(self._initial), self._options)
        found = triangulate(self._all, self._bundle.poses, self._intrinsics)
        fits = found.error_px < self._limit_px
        if sparse or float(fits.double().mean()) < self._options.ample_share:
            self._bundle = yield from self._solve_narrower(self._bundle)
            found = triangulate(self._all, self._bundle.poses, self._intrinsics)
            fits = found.error_px < self._limit_px
        count = torch.bincount(self._all.frame[fits], minlength=len(self._initial))
        known = count >= self._options.least_observations
        share = float(fits.double().mean())
        before = triangulate(self._all, self._initial, self._intrinsics).error_px
        share_before = float((before < self._limit_px).double().mean())
        accepted = share >= max(self._options.least_share, share_before) and int(known.sum()) >= 2
        poses, apart = self._initial, None
        if accepted:
            placed = self._place(self._bundle.poses, known, found, fits)
            poses = torch.where(known[:, None, None], placed, self._initial)
            if sparse:
                apart = yield from self._compare_halves()
                moved = self._measure_moved(poses[known], self._initial[known])
                accepted = apart <= max(self._options.certain * moved, self._options.least_apart_deg)
        self.result = TrackPoses(poses.float() if accepted else self._initial.float(), known, share, accepted, apart)

    def _weigh(self) -> Iterator[None]:
        """Of known poses: whether the tracks say anything of them."""
        fits = triangulate(self._all, self._initial, self._intrinsics).error_px < self._limit_px
        apart = yield from self._compare_halves()
        known = torch.ones(len(self._initial), dtype=torch.bool)
        worth = apart <= self._options.known_apart_deg
        self.result = TrackPoses(
            self._initial.float(), known, float(fits.double().mean()), False, None if worth else apart
        )

    def _compare_halves(self) -> Generator[None, None, float]:
        """How far two halves of the tracks, each solved alone, place cameras apart, median, degrees; infinite where
        they have hardly a camera in common."""
        solved, known = list[Tensor](), torch.ones(len(self._initial), dtype=torch.bool)
        for half in (0, 1):
            chosen = self._all.select(self._all.track % 2 == half)
            bundle = self._make_bundle(choose_long_tracks(chosen, self._options.tracks // 2, self._options.pairs // 2))
            yield from bundle.rounds()
            bundle = yield from self._solve_narrower(bundle)
            fits = triangulate(chosen, bundle.poses, self._intrinsics).error_px < self._limit_px
            known &= torch.bincount(chosen.frame[fits], minlength=len(known)) >= self._options.least_observations / 2
            solved.append(bundle.poses)
        if int(known.sum()) < max(2, len(known) / 4):
            return math.inf
        return self._measure_apart(solved[1][known], solved[0][known])

    @property
    def _facing(self) -> bool:
        return self._kind == "forward-facing"

    def _measure_moved(self, poses: Float[Tensor, "frames 3 4"], initial: Float[Tensor, "frames 3 4"]) -> float:
        """Median angle by which a solution moves cameras, degrees."""
        if self._facing:  # its world has been centred
            return self._measure_apart(poses, initial)
        return float(_angles_deg(poses, initial).median())

    def _measure_apart(self, one: Float[Tensor, "frames 3 4"], other: Float[Tensor, "frames 3 4"]) -> float:
        """Median angle between the cameras of two worlds, degrees: aligned by orientations alone in a forward-facing
        scene, elsewhere by centres."""
        if not self._facing:
            return float(_angles_deg(align_cameras(one, other).apply_to_poses(one), other).median())
        rotation = special_procrustes(mean_rotation_moment(one, other))
        return float(torch.rad2deg(rotation_angle(one[:, :, :3] @ rotation.mT @ other[:, :, :3].mT)).median())

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


def choose_long_tracks(observations: Observations, tracks: int, pairs: int) -> Observations:
    """Those of so many tracks that most frames see, or evenly fewer where they have more pairs of observations."""
    chosen = choose_tracks(observations, tracks)
    views = torch.bincount(chosen.track, minlength=chosen.tracks)
    step = math.ceil(int(views.square().sum()) / pairs)
    rank = torch.empty_like(views)
    rank[torch.argsort(views, descending=True, stable=True)] = torch.arange(len(views))
    return chosen.select((rank % max(step, 1) == 0)[chosen.track])


def is_sparse(observations: Observations, frames: int, options: TrackStartOptions = DEFAULT) -> bool:
    """Whether there are so few observations that it has to be asked whether they determine poses."""
    return float(torch.bincount(observations.frame, minlength=frames).double().median()) < options.plentiful


def _angles_deg(one: Float[Tensor, "frames 3 4"], other: Float[Tensor, "frames 3 4"]) -> Float[Tensor, " frames"]:
    """Between the orientations of poses of one world, degrees."""
    return torch.rad2deg(rotation_angle(one[:, :, :3] @ other[:, :, :3].mT))
