"""Points of tracks under given poses: robust triangulation of all tracks at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from engine.evidence.tracks import Tracks
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.rays import normalised_points, project
from engine.geometry.se3 import camera_centre, rotate


@dataclass(frozen=True)
class TriangulationOptions:
    """How tracks are triangulated.

    Attributes:
        hypotheses: pairs of observations that are tried for each track: those of its neighbours in the list, at
            growing distances, so that a track with one wrong observation has several pairs without it.
        threshold_px: reprojection error from which an observation does not count for a hypothesis, pixels of an image
            of `reference_side`. SIFT keypoints of that size are right to about half a pixel.
        refinements: Gauss-Newton steps of the best hypothesis, on the observations that it fits.
        least_depth: depth, relative to the distance of a track's cameras, from which a point is in front of a camera;
            two rays from one centre meet in it, and that says nothing.
        far: distance of a point that counts as infinitely far, in units of the spread of the camera centres.
    """

    hypotheses: int = 6
    threshold_px: float = 4.0
    refinements: int = 3
    least_depth: float = 0.02
    far: float = 1e4


DEFAULT = TriangulationOptions()
_QUARTERS = ((0, 4), (0, 2), (2, 4), (1, 3), (0, 1), (1, 4))  # of a track, between which pairs span: wide ones first
REFERENCE_SIDE = 640  # pixels along the longer side of an image that thresholds are given for


class Observations(NamedTuple):
    """Observations of tracks by the frames whose poses are asked about, sorted by track.

    Attributes:
        frame: of each, index among the poses.
        track: of each, ascending from 0 without gaps.
        pixels: where the lens shows it.
        tracks: number of tracks.
    """

    frame: Int[Tensor, " observations"]
    track: Int[Tensor, " observations"]
    pixels: Float[Tensor, "observations 2"]
    tracks: int

    def select(self, chosen: Bool[Tensor, " observations"]) -> Observations:
        """Some of the observations, of those tracks that two or more of them are left of."""
        enough = torch.bincount(self.track[chosen], minlength=self.tracks) >= 2
        chosen = chosen & enough[self.track]
        number = enough.long().cumsum(0) - 1
        return Observations(self.frame[chosen], number[self.track[chosen]], self.pixels[chosen], int(enough.sum()))


def observations_of(tracks: Tracks, frames: list[int]) -> Observations:
    """Tracks as some frames of the scene see them, numbered by their place among these."""
    seen = tracks.select_frames(frames)
    return Observations(seen.frame, seen.track, seen.pixels.double(), seen.count)


def choose_tracks(observations: Observations, count: int) -> Observations:
    """Those of so many tracks that most frames see."""
    if observations.tracks <= count:
        return observations
    views = torch.bincount(observations.track, minlength=observations.tracks)
    kept = torch.zeros(observations.tracks, dtype=torch.bool)
    kept[torch.argsort(views, descending=True, stable=True)[:count]] = True
    return observations.select(kept[observations.track])


class Triangulated(NamedTuple):
    """Tracks under poses.

    Attributes:
        points: in the world, one per track.
        error_px: reprojection error of each observation, pixels of the images; infinite for points that are not in
            front of the camera.
    """

    points: Float[Tensor, "tracks 3"]
    error_px: Float[Tensor, " observations"]


def pixel_scale(intrinsics: Intrinsics) -> float:
    """Pixels of these images per pixel of an image whose longer side is `REFERENCE_SIDE`."""
    return max(intrinsics.width, intrinsics.height) / REFERENCE_SIDE


def view_rays(
    observations: Observations, poses: Float[Tensor, "frames 3 4"], intrinsics: Intrinsics
) -> tuple[Float[Tensor, "observations 3"], Float[Tensor, "observations 3"]]:
    """Camera centre and unit direction in the world of each observation's ray, in double precision."""
    frame = observations.frame
    lens = intrinsics[frame]
    plane = normalised_points(
        observations.pixels.double()[:, None],
        lens.focal.double(),
        lens.centre.double(),
        lens.distortion.double() if intrinsics.distorted else None,
    )[:, 0]
    direction = torch.nn.functional.pad(plane, (0, 1), value=1.0)
    direction = rotate(poses[frame, :, :3].double().mT, direction / direction.norm(dim=-1, keepdim=True))
    return camera_centre(poses.double())[frame], direction


@torch.no_grad()
def triangulate(
    observations: Observations,
    poses: Float[Tensor, "frames 3 4"],
    intrinsics: Intrinsics,
    options: TriangulationOptions = DEFAULT,
) -> Triangulated:
    r"""The point of each track that most of its observations fit, and how far each observation is from it.

    Hypotheses are the points nearest to both rays of a pair of observations, and the point at infinity in the mean
    direction. The one with the least sum of errors, each bounded by the threshold, is refined on what it fits by
    steps that minimise

    .. math:: \sum_i \frac{\| (I - d_i d_i^\top)(x - o_i) \|^2}{\|x - o_i\|^2}

    with the denominator held. Two rays that are parallel, or from one centre, give the point at infinity.

    Args:
        observations: at least two for each track, in different frames.
        poses: world-to-camera.
        intrinsics: of the same frames.
        options: thresholds.
    Reference:
        Hartley & Sturm, Triangulation, 1997; the hypotheses are those of RANSAC, chosen without chance.
    """
    origin, direction = view_rays(observations, poses, intrinsics)
    track, count = observations.track, observations.tracks
    threshold = options.threshold_px * pixel_scale(intrinsics)
    spread = (origin - origin.mean(dim=0)).norm(dim=-1).mean().clamp(min=1e-9)
    best = _point_at_infinity(origin, direction, track, count, spread * options.far)
    bounded = reprojection_errors(observations, best, poses, intrinsics, spread, options)
    score = _sum_by_track(bounded.clamp(max=threshold), track, count)
    for points, valid in _pair_hypotheses(origin, direction, track, count, options):
        error = reprojection_errors(observations, points, poses, intrinsics, spread, options)
        found = _sum_by_track(error.clamp(max=threshold), track, count)
        better = valid & (found < score)
        best, score = torch.where(better[:, None], points, best), torch.where(better, found, score)
    error = reprojection_errors(observations, best, poses, intrinsics, spread, options)
    for _ in range(options.refinements):
        refined = _refine(best, origin, direction, track, count, error < threshold)
        again = reprojection_errors(observations, refined, poses, intrinsics, spread, options)
        found = _sum_by_track(again.clamp(max=threshold), track, count)
        better = found < score
        best, score = torch.where(better[:, None], refined, best), torch.where(better, found, score)
        error = torch.where(better[track], again, error)
    return Triangulated(best, error)


def reprojection_errors(
    observations: Observations,
    points: Float[Tensor, "tracks 3"],
    poses: Float[Tensor, "frames 3 4"],
    intrinsics: Intrinsics,
    spread: Float[Tensor, ""],
    options: TriangulationOptions = DEFAULT,
) -> Float[Tensor, " observations"]:
    """Distance in pixels between where each observation is and where its point is seen; infinite behind the camera.

    `spread` is the mean distance of the camera centres from their middle, scene units: the unit of the least depth.
    """
    frame = observations.frame
    lens = intrinsics[frame]
    seen, depth = project(
        points[observations.track][:, None],
        poses[frame].double(),
        lens.focal.double(),
        lens.centre.double(),
        lens.distortion.double() if intrinsics.distorted else None,
    )
    error = (seen[:, 0] - observations.pixels).norm(dim=-1)
    return torch.where(depth[:, 0] > options.least_depth * spread, error, torch.inf)


def _sum_by_track(values: Tensor, track: Tensor, count: int) -> Tensor:
    return values.new_zeros(count, *values.shape[1:]).index_add_(0, track, values)


def _point_at_infinity(origin: Tensor, direction: Tensor, track: Tensor, count: int, far: Tensor) -> Tensor:
    mean = _sum_by_track(direction, track, count)
    mean = mean / mean.norm(dim=-1, keepdim=True).clamp(min=1e-12)
    views = torch.bincount(track, minlength=count)[:, None].clamp(min=1)
    return _sum_by_track(origin, track, count) / views + far * mean


def _pair_hypotheses(
    origin: Tensor, direction: Tensor, track: Tensor, count: int, options: TriangulationOptions
) -> list[tuple[Float[Tensor, "tracks 3"], Bool[Tensor, " tracks"]]]:
    """For each of several rules one pair of every track's observations: the point nearest to both rays."""
    views = torch.bincount(track, minlength=count)
    first = views.cumsum(0) - views
    found = []
    for index in range(options.hypotheses):
        begin, end = _QUARTERS[index % len(_QUARTERS)]
        one = torch.div(views * begin, 4, rounding_mode="floor")
        other = torch.div((views - 1) * end + 3, 4, rounding_mode="floor").minimum(views - 1)
        valid = (one < other) & (views >= 2)
        if index and not bool(valid.any()):
            continue
        a = first + torch.minimum(one, views - 1).clamp(min=0)
        b = first + other.clamp(min=0)
        points, meets = nearest_points(origin[a], direction[a], origin[b], direction[b])
        found.append((points, valid & meets))
    return found


def nearest_points(
    origin: Float[Tensor, "*batch 3"],
    direction: Float[Tensor, "*batch 3"],
    other_origin: Float[Tensor, "*batch 3"],
    other_direction: Float[Tensor, "*batch 3"],
) -> tuple[Float[Tensor, "*batch 3"], Bool[Tensor, "*batch"]]:
    """The points halfway between pairs of lines where these are nearest; False for lines that are parallel.

    Directions need no length of one; the points of parallel lines are finite, and otherwise arbitrary.
    """
    baseline = other_origin - origin
    aa, bb = direction.square().sum(-1), other_direction.square().sum(-1)
    ab = (direction * other_direction).sum(-1)
    ac, bc = (direction * baseline).sum(-1), (other_direction * baseline).sum(-1)
    determinant = aa * bb - ab * ab
    valid = determinant > 1e-12 * aa * bb
    safe = torch.where(valid, determinant, torch.ones_like(determinant))
    along = (ac * bb - bc * ab) / safe
    other_along = (ac * ab - bc * aa) / safe
    near = origin + along[..., None] * direction
    other_near = other_origin + other_along[..., None] * other_direction
    return (near + other_near) / 2, valid


def _refine(points: Tensor, origin: Tensor, direction: Tensor, track: Tensor, count: int, fits: Tensor) -> Tensor:
    """One step of each track's point on the observations that fit it; damped, so that one ray alone moves nothing."""
    offset = points[track] - origin
    weight = fits / offset.square().sum(-1).clamp(min=1e-12)
    across = torch.eye(3, dtype=points.dtype, device=points.device) - direction[:, :, None] * direction[:, None]
    matrix = _sum_by_track(weight[:, None, None] * across, track, count)
    gradient = _sum_by_track(weight[:, None] * (across @ offset[..., None])[..., 0], track, count)
    trace = matrix.diagonal(dim1=-2, dim2=-1).sum(-1)
    damping = torch.where(trace > 0, 1e-9 * trace, torch.ones_like(trace))
    matrix = matrix + damping[:, None, None] * torch.eye(3, dtype=points.dtype, device=points.device)
    return points - torch.linalg.solve(matrix, gradient[..., None])[..., 0]
