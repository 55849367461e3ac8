"""Tracks as the second kind of observation of a surface bundle adjustment: light moves poses where it knows better."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from engine.evidence.keypoint_noise import estimate_scale
from engine.evidence.track_equations import TrackEquations, linearise, residuals
from engine.evidence.tracks import Tracks
from engine.evidence.triangulation import Observations, choose_tracks, pixel_scale, triangulate
from engine.geometry.intrinsics import Intrinsics
from engine.registration.lens import FreeLens


@dataclass(frozen=True)
class TrackEvidenceOptions:
    """What an observation of a track counts beside an observation of a colour.

    Attributes:
        sigma_px: error of a keypoint at which its Cauchy weight has halved, pixels of an image of 640; less where the
            keypoints fit better (`estimate_scale`).
        weight: cost of an observation at that error, relative to that of a colour at `SolverOptions.robust_scale`. All
            colours of a frame depend on one field, which is wrong in ways that no colour tells: of thousands, some
            dozens are independent.
        most_gain: by how much this weight grows, at most, where keypoints are more exact than usual (in proportion):
            what is left of their errors is also less alike. With the desk's, which are six times as exact, poses end
            at 0.006° in place of 0.010°.
        fits_px: observations farther off than this at the start are wrong matches, pixels of an image of 640.
        tracks: at most: those that most frames see.
    """

    sigma_px: float = 0.5
    weight: float = 20.0
    most_gain: float = 4.0
    fits_px: float = 8.0
    tracks: int = 3000


DEFAULT = TrackEvidenceOptions()


@dataclass
class TrackEvidence:
    """Tracks under the poses of an adjustment.

    Attributes:
        observations: pixels are those of the adjustment's images.
        points: of the tracks, double precision.
        sigma: scale of Cauchy's cost, in these pixels.
        weight: of an observation's cost.
    """

    observations: Observations
    points: Float[Tensor, "tracks 3"]
    sigma: float
    weight: float

    def cost(self, poses: Tensor, points: Tensor, intrinsics: Intrinsics) -> float:
        """Sum of the robust costs, weighted."""
        residual, camera = residuals(self.observations, points, poses.double(), intrinsics)
        squared = torch.where(camera[:, 2] > 0, residual.square().sum(-1), 1e4 * self.sigma**2)
        return self.weight * float(torch.log1p(squared / self.sigma**2).sum())

    def linearise(self, poses: Tensor, intrinsics: Intrinsics, free: FreeLens, strength: float) -> TrackEquations:
        """The equations of half the cost times `strength`²: with the strength of the colours', in their units."""
        residual, camera = residuals(self.observations, self.points, poses.double(), intrinsics)
        robust = 1 / (1 + residual.square().sum(-1) / self.sigma**2)
        weight = robust * (camera[:, 2] > 0) * (self.weight * strength**2 / self.sigma**2)
        by_lens = None
        if free.unknowns:
            columns, count = free.columns(intrinsics)
            own = free.jacobian(camera[:, None], intrinsics[self.observations.frame])[:, 0]
            place = columns[self.observations.frame][:, None].expand_as(own)
            by_lens = own.new_zeros(*own.shape[:2], count).scatter_(-1, place, own)
        return linearise(self.observations, camera, residual, weight, poses.double(), intrinsics, by_lens)


def gather_evidence(
    tracks: Tracks,
    poses: Float[Tensor, "frames 3 4"],
    intrinsics: Intrinsics,
    downsample: int,
    options: TrackEvidenceOptions = DEFAULT,
) -> TrackEvidence | None:
    """What tracks say of an adjustment that begins at these poses; None where nothing fits.

    Args:
        tracks: as the frames of the adjustment see them, in pixels of the scene's images.
        poses: world-to-camera.
        intrinsics: of the adjustment's images.
        downsample: integer factor between the scene's images and these.
        options: weights.
    """
    frame, track, pixels = (part.to(poses.device) for part in (tracks.frame, tracks.track, tracks.pixels))
    every = Observations(frame, track, pixels.double() / downsample, tracks.count)
    if not every.tracks:
        return None
    unit = pixel_scale(intrinsics)
    found = triangulate(every, poses.double(), intrinsics)
    fits = found.error_px < options.fits_px * unit
    kept = every.select(fits)
    if not kept.tracks:
        return None
    kept = choose_tracks(kept, options.tracks)
    again = triangulate(kept, poses.double(), intrinsics)
    usual = options.sigma_px * unit
    sigma = estimate_scale(again.error_px, usual)
    return TrackEvidence(kept, again.points, sigma, options.weight * min(usual / sigma, options.most_gain))
