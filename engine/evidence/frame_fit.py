"""How well the poses of a run fit the tracks of its photos: of each frame, and of all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from engine.evidence.tracks import Tracks
from engine.evidence.triangulation import (
    Observations,
    Triangulated,
    choose_tracks,
    pixel_scale,
    triangulate,
    view_rays,
)
from engine.geometry.intrinsics import Intrinsics


@dataclass(frozen=True)
class FitOptions:
    """What fits.

    Attributes:
        fits_px: reprojection error up to which an observation fits, pixels of an image of 640: six times that of a
            right match, and a fiftieth of what wrong poses give.
        tracks: that are looked at, at most: those that most frames see. A thousand tell the share of all to a few per
            cent.
        shared: tracks that two frames share, at least, to be connected.
        still_px: two observations of a track no farther apart than this in two photos stand still, pixels of an image
            of 640; keypoints are right to half a pixel.
        moving_px: farther apart than this they move.
    """

    fits_px: float = 3.0
    tracks: int = 2000
    shared: int = 8
    still_px: float = 1.0
    moving_px: float = 6.0


DEFAULT = FitOptions()


class FrameFit(NamedTuple):
    """How tracks and poses agree; errors in pixels of the scene's images.

    Attributes:
        tracks: of each frame, how many it is in.
        share: of each frame's observations that were looked at, those that fit; NaN for none.
        median_px: median reprojection error of each frame's observations; NaN for none.
        fitting: share of all observations that fit; NaN for none.
        connected: frames of the largest group that tracks connect.
        parallax_deg: median over the tracks that fit of the angle at which their rays meet, degrees; NaN for none.
        still: share of tracks that stand still in pairs of photos in which others move; NaN where too few pairs have
            tracks enough.
        still_part, repeated, opposed, unplaced, uncertain_lenses: as in `Tracks`.
    """

    tracks: Int[Tensor, " frames"]
    share: Float[Tensor, " frames"]
    median_px: Float[Tensor, " frames"]
    fitting: float
    connected: Bool[Tensor, " frames"]
    parallax_deg: float
    still: float
    still_part: float = 0.0
    repeated: float = 0.0
    opposed: float = 0.0
    unplaced: bool = False
    uncertain_lenses: bool = False


@torch.no_grad()
def measure_fit(
    observations: Observations,
    poses: Float[Tensor, "frames 3 4"],
    intrinsics: Intrinsics,
    counted: Bool[Tensor, " frames"],
    options: FitOptions = DEFAULT,
) -> FrameFit:
    """Measures how poses fit the tracks; takes some hundredths of a second.

    Args:
        observations: of all frames.
        poses: world-to-camera.
        intrinsics: of the same frames.
        counted: frames that are registered; the others are measured against what these agree on.
        options: thresholds.
    """
    frames = len(poses)
    tracks = torch.bincount(observations.frame, minlength=frames)
    seen = choose_tracks(observations, options.tracks)
    unknown = torch.full((frames,), torch.nan, dtype=torch.float64)
    if not seen.tracks:
        alone = torch.zeros(frames, dtype=torch.bool)
        return FrameFit(tracks, unknown, unknown, torch.nan, alone, torch.nan, torch.nan)
    found = triangulate(seen, poses.double(), intrinsics)
    unit = pixel_scale(intrinsics)
    fits = found.error_px < options.fits_px * unit
    count = torch.bincount(seen.frame, minlength=frames)
    share = torch.bincount(seen.frame[fits], minlength=frames) / count.double()
    median = unknown.clone()
    for frame in torch.nonzero(count)[:, 0].tolist():
        median[frame] = found.error_px[seen.frame == frame].median()
    of_counted = counted[seen.frame]
    return FrameFit(
        tracks=tracks,
        share=share,
        median_px=median,
        fitting=float(fits[of_counted].double().mean()),
        connected=find_connected(seen, frames, options.shared),
        parallax_deg=measure_parallax(seen, found, fits & of_counted, poses, intrinsics),
        still=measure_still_share(seen, frames, unit, options),
    )


def add_match_facts(fit: FrameFit, tracks: Tracks) -> FrameFit:
    """The fit with what is known of the matches beside the tracks."""
    fit = fit._replace(
        still_part=tracks.still_part,
        repeated=tracks.repeated,
        opposed=tracks.opposed,
        unplaced=tracks.unplaced,
        uncertain_lenses=tracks.uncertain_lenses,
    )
    return fit if tracks.contradicted is None else count_contradicted(fit, tracks.contradicted)


def count_contradicted(fit: FrameFit, contradicted: Float[Tensor, " frames"]) -> FrameFit:
    """The fit with matches that were left out of the tracks, for cameras contradicted them: they fit nothing.

    Args:
        fit: of the tracks.
        contradicted: of the frames, as in `Tracks`; of frames beyond them nothing is known.
    """
    share = torch.nn.functional.pad(contradicted.double(), (0, len(fit.share) - len(contradicted)))
    weight = fit.tracks.double()
    mean = float((share * weight).sum() / weight.sum().clamp(min=1))
    return fit._replace(share=fit.share * (1 - share), fitting=fit.fitting * (1 - mean))


def find_connected(observations: Observations, frames: int, shared: int) -> Bool[Tensor, " frames"]:
    """The largest group of frames that are connected by pairs with so many tracks in common."""
    sees = torch.zeros(frames, observations.tracks)
    sees[observations.frame, observations.track] = 1.0
    near = sees @ sees.mT >= shared
    label = torch.arange(frames)
    for _ in range(frames):
        nearest = torch.where(near, label[None].expand(frames, -1), frames).amin(dim=1).minimum(label)
        if torch.equal(nearest, label):
            break
        label = nearest
    size = torch.bincount(label, minlength=frames)
    return label == size.argmax()


def measure_parallax(
    observations: Observations,
    found: Triangulated,
    fits: Bool[Tensor, " observations"],
    poses: Float[Tensor, "frames 3 4"],
    intrinsics: Intrinsics,
) -> float:
    """The median over tracks of the angle between their mean ray and the one farthest from it, twice, degrees."""
    seen = observations.select(fits)
    if not seen.tracks:
        return float("nan")
    _, direction = view_rays(seen, poses.double(), intrinsics)
    mean = torch.zeros(seen.tracks, 3, dtype=direction.dtype).index_add_(0, seen.track, direction)
    mean = torch.nn.functional.normalize(mean, dim=-1)
    angle = torch.linalg.cross(direction, mean[seen.track]).norm(dim=-1).clamp(max=1).asin()
    largest = torch.zeros(seen.tracks, dtype=angle.dtype)
    largest.scatter_reduce_(0, seen.track, angle, "amax")
    return float(torch.rad2deg(2 * largest).median())


def measure_still_share(observations: Observations, frames: int, unit: float, options: FitOptions) -> float:
    """The share of matches that stand still, in pairs of photos in which others move; NaN for no such pair.

    A camera that moves, moves everything: at most what is very far away seems to stand still, and only while the
    camera does not turn. A part of the picture that stands still while another moves shows that the object was
    moved before a camera that stood still.
    """
    still, moving = torch.zeros(frames * frames), torch.zeros(frames * frames)
    for step in range(1, min(frames, 4)):
        same = observations.track[step:] == observations.track[:-step]
        one, other = observations.frame[:-step][same], observations.frame[step:][same]
        apart = (observations.pixels[step:] - observations.pixels[:-step])[same].norm(dim=-1) / unit
        pair = one * frames + other
        still += torch.bincount(pair[apart < options.still_px], minlength=frames**2)
        moving += torch.bincount(pair[apart > options.moving_px], minlength=frames**2)
    both = (still + moving >= 2 * options.shared) & (moving >= options.shared)
    if not bool(both.any()):
        return float("nan")
    return float((still[both] / (still + moving)[both]).median())
