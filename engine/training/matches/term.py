"""The term of the matches: in each step some matched keypoints of all frames, whose rays must meet."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from engine.evidence.ray_meeting import ray_gaps, robust_mean
from engine.evidence.tracks import Tracks
from engine.evidence.triangulation import pixel_scale
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.rays import normalised_points
from engine.registration.calibration import Calibration
from engine.registration.registration import Registration
from engine.system.devices import upload


@dataclass(frozen=True)
class MatchOptions:
    """How much of the matches a step looks at.

    Attributes:
        pairs: of observations in a step, over all frames: some hundred cost few per cent of a step, and over some
            steps each match has its turn.
        scale_px: gap at which a pair of rays pulls most, pixels of an image of 640: keypoints are right to half of it.
        least_baseline: in units of the mean distance of the camera centres from their middle: shorter baselines have
            no direction to speak of. Larger, it would count as a gap.
    """

    pairs: int = 256
    scale_px: float = 2.0
    least_baseline: float = 1e-4


DEFAULT = MatchOptions()
LEAST_BASELINE = 1e-5  # scene units, while all cameras stand in one place


class MatchTerm:
    """Draws pairs of observations and measures how far their rays are from meeting."""

    def __init__(
        self, tracks: Tracks, frames: list[int], intrinsics: Intrinsics, options: MatchOptions = DEFAULT
    ) -> None:
        """`frames` are those of the scene that train; `intrinsics` are of all frames of the scene."""
        seen = tracks.select_frames(frames)
        self.options, self.frames = options, len(frames)
        self._frame, self._track, self._pixels = seen.frame, seen.track, seen.pixels
        self._intrinsics = intrinsics[torch.tensor(frames)]
        self._views = torch.bincount(seen.track, minlength=seen.count)
        self._first = self._views.cumsum(0) - self._views
        self._order = torch.argsort(seen.frame, stable=True)
        self._counts = torch.bincount(seen.frame, minlength=self.frames)
        self._starts = self._counts.cumsum(0) - self._counts
        focal = self._intrinsics.focal.mean()
        self._scale = float(options.scale_px * pixel_scale(intrinsics) / focal)
        self._points: tuple[tuple[int, int], Tensor] | None = None

    def loss(
        self,
        registration: Registration,
        calibration: Calibration,
        trains: Float[Tensor, " frames"],
        seed: int,
    ) -> Float[Tensor, ""]:
        """The robust mean of the gaps of some pairs, differentiable in the poses.

        Args:
            registration, calibration: of the run.
            trains: 1 for frames whose matches count; on the CPU.
            seed: of the pairs that are drawn.
        """
        one, other = self._draw_pairs(seed)
        both = torch.cat([one, other])
        frame = self._frame[both]
        # The registration wants as many points of each frame: those that are drawn less often are filled up.
        order = torch.argsort(frame, stable=True)
        counts = torch.bincount(frame, minlength=self.frames)
        place = torch.empty_like(order)
        place[order] = torch.arange(len(order)) - (counts.cumsum(0) - counts)[frame[order]]
        chosen = self._order[self._starts.clamp(max=len(self._order) - 1)][:, None].repeat(1, int(counts.max()))
        chosen[frame, place] = both
        device = calibration.log_focal.device
        points = calibration.points(upload(self._plane(calibration)[chosen], device))
        rays = registration.rays(torch.arange(self.frames, device=device), points)
        frame, trains = upload(frame, device), upload(trains, device)
        at = (frame, upload(place, device))
        origins, directions = (
            part[at].unflatten(0, (2, -1)).transpose(0, 1) for part in (rays.origins, rays.directions)
        )
        middle = origins.detach().mean(dim=(0, 1))
        spread = (origins.detach() - middle).norm(dim=-1).mean()
        gaps = ray_gaps(origins, directions, (spread * self.options.least_baseline).clamp(min=LEAST_BASELINE))
        known = trains[frame].unflatten(0, (2, -1)).prod(dim=0)
        return robust_mean(gaps, known, self._scale)

    def _draw_pairs(self, seed: int) -> tuple[Int[Tensor, " pairs"], Int[Tensor, " pairs"]]:
        """As many observations of every frame that has any, each with another one of its track."""
        generator = torch.Generator().manual_seed(seed)
        each = max(self.options.pairs // self.frames, 2)
        at = torch.rand(self.frames, each, generator=generator) * self._counts[:, None]
        at = torch.minimum(at.long(), (self._counts - 1)[:, None])
        one = self._order[(at + self._starts[:, None])[self._counts > 0].reshape(-1)]
        views, first = self._views[self._track[one]], self._first[self._track[one]]
        step = 1 + (torch.rand(len(one), generator=generator) * (views - 1)).long()
        other = first + (one - first + torch.minimum(step, views - 1)) % views
        return one, other

    def _plane(self, calibration: Calibration) -> Float[Tensor, "observations 2"]:
        """Points of the normalised image plane under the lens of the last bundle adjustment; gradient descent on the
        focal length is added by `Calibration.points`."""
        version = (calibration.log_focal._version, calibration.radial._version) if calibration.free.radial else (0, 0)
        if self._points is None or self._points[0] != version:
            lens = calibration.intrinsics(self._intrinsics) if calibration.free.radial else self._intrinsics
            of = lens.to("cpu")[self._frame]
            distortion = of.distortion if lens.distorted else None
            self._points = version, normalised_points(self._pixels[:, None], of.focal, of.centre, distortion)[:, 0]
        return self._points[1]
