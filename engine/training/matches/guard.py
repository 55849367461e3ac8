"""Poses that fit the tracks worse than before are taken back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from engine.evidence.keypoint_noise import estimate_scale
from engine.evidence.triangulation import Observations, choose_tracks, pixel_scale, triangulate
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.similarity import align_cameras


@dataclass(frozen=True)
class GuardOptions:
    """What counts as worse.

    Attributes:
        tracks: that are looked at, at most: those that most frames see.
        sigma_px: error of a keypoint at which its robust cost is log 2, pixels of an image of 640; less where the
            keypoints fit the best poses better (`estimate_scale`).
        correlated: so many observations count as one: keypoints of one photo share errors of lens and scale.
        deviations: by how many times what chance explains the cost must have risen, to be worse.
        rise: of the mean cost, at least, to be worse: 0.05 is about 0.1 pixels of the median error.
        fewest: observations of a frame for a word on it alone.
        rounds: in which single frames are taken back, at most; then all are.
    """

    tracks: int = 2500
    sigma_px: float = 1.0
    correlated: float = 10.0
    deviations: float = 3.0
    rise: float = 0.05
    fewest: int = 15
    rounds: int = 4


DEFAULT = GuardOptions()


class Fit(NamedTuple):
    """How well poses fit the tracks.

    Attributes:
        poses: that were measured.
        cost: mean robust cost of each frame's observations; NaN where there are too few.
        weight: observations of each frame.
        sigma_px: scale of the cost, pixels of an image of 640.
    """

    poses: Float[Tensor, "frames 3 4"]
    cost: Float[Tensor, " frames"]
    weight: Float[Tensor, " frames"]
    sigma_px: float

    def mean(self, frames: Bool[Tensor, " frames"]) -> float:
        """Of the observations of some frames."""
        known = frames & self.cost.isfinite()
        return float((self.cost * self.weight)[known].sum() / self.weight[known].sum().clamp(min=1))


class TakenBack(NamedTuple):
    """What a check found worse.

    Attributes:
        poses: of all frames, with those that were taken back.
        frames: that were.
        sentence: about it, for an event.
    """

    poses: Float[Tensor, "frames 3 4"]
    frames: list[int]
    sentence: str


class PoseGuard:
    """Remembers the poses that have fitted the tracks best, and compares later ones with them.

    Attributes:
        best: world-to-camera, of all frames; None before the first check. A checkpoint keeps them.
    """

    def __init__(self, observations: Observations, options: GuardOptions = DEFAULT) -> None:
        self._observations = choose_tracks(observations, options.tracks)
        self._options = options
        self.best: Float[Tensor, "frames 3 4"] | None = None

    def forget(self) -> None:
        """What was remembered holds no longer: a frame was moved by hand, added, or left out."""
        self.best = None

    def measure(
        self,
        poses: Float[Tensor, "frames 3 4"],
        intrinsics: Intrinsics,
        counted: Bool[Tensor, " frames"],
        sigma_px: float | None = None,
    ) -> Fit:
        """How well poses fit.

        Args:
            poses: world-to-camera, of all frames.
            intrinsics: of the frames.
            counted: frames whose observations are looked at.
            sigma_px: scale of the cost, pixels of an image of 640; None estimates it from these poses.
        """
        poses = poses.double().cpu()
        count = len(poses)
        seen = self._observations.select(counted[self._observations.frame])
        if not seen.tracks:
            unknown = torch.full((count,), torch.nan, dtype=torch.float64)
            return Fit(poses, unknown, torch.zeros(count).double(), sigma_px or self._options.sigma_px)
        error = triangulate(seen, poses, intrinsics).error_px / pixel_scale(intrinsics)
        sigma = sigma_px or estimate_scale(error, self._options.sigma_px)
        error = error.clamp(max=1e3 * self._options.sigma_px)
        cost = torch.log1p((error / sigma).square())
        weight = torch.bincount(seen.frame, minlength=count).double()
        total = cost.new_zeros(count).index_add_(0, seen.frame, cost)
        enough = weight >= self._options.fewest
        return Fit(poses, torch.where(enough, total / weight.clamp(min=1), torch.nan), weight, sigma)

    def check(
        self, poses: Float[Tensor, "frames 3 4"], intrinsics: Intrinsics, counted: Bool[Tensor, " frames"]
    ) -> TakenBack | None:
        """Compares poses with the best so far; None where they are not worse, which makes them the best if they are.

        Args:
            poses: world-to-camera, of all frames.
            intrinsics: of the frames, as the run has them now.
            counted: frames that are registered.
        """
        if self.best is None or len(self.best) != len(poses):
            self.best = poses.double().cpu()
            return None
        # Under the lens of now: a lens that was refined makes poses of before worse, and that is no fault of theirs.
        best = self.measure(self.best, intrinsics, counted)
        now = self.measure(poses, intrinsics, counted, best.sigma_px)
        both = counted & now.cost.isfinite() & best.cost.isfinite()
        if not bool(both.any()):
            return None
        found, restored = self._restore_single_frames(best, now, both, intrinsics, counted)
        if 2 * int(restored.sum()) > int(both.sum()) or self._rise(best, found, both) > self._margin_of_all(
            best, both
        ):
            restored = both
            taken = torch.where(both[:, None, None], _into_world(best.poses, now.poses, both), now.poses)
            found = best._replace(poses=taken)
        elif self._rise(best, found, both) >= 0 and not bool(restored.any()):
            return None
        self.best = found.poses
        if not bool(restored.any()):
            return None
        frames = torch.nonzero(restored)[:, 0].tolist()
        return TakenBack(found.poses.to(poses), frames, self._sentence(found, now, restored))

    def _restore_single_frames(
        self, best: Fit, now: Fit, both: Tensor, intrinsics: Intrinsics, counted: Tensor
    ) -> tuple[Fit, Bool[Tensor, " frames"]]:
        """Takes frames back that are worse, those first that are so most: a wrong pose spoils the fit of others."""
        restored, found = torch.zeros_like(both), now
        for _ in range(self._options.rounds):
            rise = torch.where(both & ~restored, found.cost - best.cost - self._margin(best.weight), -torch.inf)
            if not float(rise.max()) > 0 or 2 * int(restored.sum()) > int(both.sum()):
                break
            restored |= rise >= rise.max() / 2
            back = _into_world(best.poses, now.poses, both & ~restored)
            found = self.measure(
                torch.where(restored[:, None, None], back, now.poses), intrinsics, counted, best.sigma_px
            )
        return found, restored

    def _rise(self, before: Fit, after: Fit, frames: Bool[Tensor, " frames"]) -> float:
        return after.mean(frames) - before.mean(frames)

    def _margin(self, weight: Tensor) -> Tensor:
        """Of a frame's mean cost: what moving its six unknowns within their uncertainty changes, and more."""
        chance = 3.0 * self._options.correlated / weight.clamp(min=1)
        return (self._options.deviations * chance).clamp(min=self._options.rise)

    def _margin_of_all(self, best: Fit, frames: Bool[Tensor, " frames"]) -> float:
        chance = 3.0 * self._options.correlated * int(frames.sum()) / float(best.weight[frames].sum().clamp(min=1))
        return max(chance, self._options.rise / 2)

    def _sentence(self, before: Fit, after: Fit, frames: Bool[Tensor, " frames"]) -> str:
        count = int(frames.sum())
        was, now = (fit.sigma_px * _pixels(fit.mean(frames)) for fit in (before, after))
        poses = f"{count} pose{'s' if count > 1 else ''}"
        return f"{poses}: reprojection error {was:.2f} px before, {now:.2f} px after, at 640"


def _pixels(cost: float) -> float:
    """The error that costs as much, in units of the scale."""
    return float(torch.expm1(torch.tensor(cost)).clamp(min=0).sqrt())


def _into_world(
    poses: Float[Tensor, "frames 3 4"], of: Float[Tensor, "frames 3 4"], shared: Bool[Tensor, " frames"]
) -> Float[Tensor, "frames 3 4"]:
    """Poses moved by the similarity that aligns some of them to others of the same frames."""
    if int(shared.sum()) < 2:
        return poses
    return align_cameras(poses[shared], of[shared]).apply_to_poses(poses)
