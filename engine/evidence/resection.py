"""The pose of one more photo from its matches with photos whose poses are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from engine.evidence.tracks import Tracks
from engine.evidence.triangulation import Observations, pixel_scale, triangulate
from engine.geometry import se3
from engine.geometry.distortion import distortion_jacobian
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.rays import differentiate_projection, normalised_points


@dataclass(frozen=True)
class ResectionOptions:
    """How a photo is located.

    Attributes:
        known_px: reprojection error up to which a track's point is known by the other photos, pixels of an image of
            640.
        fits_px: error up to which an observation of the photo fits, likewise.
        scales_px: robust scales, one after the other, likewise: wide ones first.
        steps: Gauss-Newton steps at each scale.
        damping: relative to the diagonal.
        least_observations: that fit, for the photo to be located.
        rise, chance: of the mean robust cost, to be worse: `rise`, and `chance` by the number of observations.
    """

    known_px: float = 2.0
    fits_px: float = 3.0
    scales_px: tuple[float, ...] = (128.0, 32.0, 8.0, 2.0, 1.0)
    steps: int = 8
    damping: float = 1e-4
    least_observations: int = 15
    rise: float = 0.05
    chance: float = 60.0


DEFAULT = ResectionOptions()
LEAST_DEPTH = 1e-6  # scene units; nearer points count as behind the camera


class KnownPoints(NamedTuple):
    """Points that one photo sees and others know.

    Attributes:
        points: in the world, double precision.
        plane: where the photo sees them, on its normalised image plane.
        focal: mean focal length of the photo, pixels.
        unit: pixels of the photo per pixel of an image of 640.
        bend: derivatives of the lens's distortion there: distances on the plane times it are in focal lengths, as the
            photo shows them. None for an ideal pinhole.
    """

    points: Float[Tensor, "points 3"]
    plane: Float[Tensor, "points 2"]
    focal: float
    unit: float
    bend: Float[Tensor, "points 2 2"] | None = None

    def errors(self, poses: Float[Tensor, "poses 3 4"]) -> Float[Tensor, "poses points"]:
        """Reprojection errors under poses of the photo, pixels of an image of 640; infinite behind the camera."""
        camera = se3.transform(poses[:, None].double().cpu(), self.points)
        ahead = camera[..., 2] > LEAST_DEPTH
        seen = camera[..., :2] / camera[..., 2:].clamp(min=LEAST_DEPTH)
        error = self.measure(seen - self.plane).norm(dim=-1) * self.focal / self.unit
        return torch.where(ahead, error, torch.inf)

    def measure(self, difference: Float[Tensor, "*batch points 2"]) -> Float[Tensor, "*batch points 2"]:
        """Differences on the plane as the photo shows them, in focal lengths."""
        return difference if self.bend is None else (self.bend @ difference[..., None])[..., 0]

    def worse(
        self, pose: Float[Tensor, "3 4"], than: Float[Tensor, "3 4"], options: ResectionOptions = DEFAULT
    ) -> bool:
        """Whether a pose fits the observations worse than another one, by more than chance explains."""
        return self.cost(pose) - self.cost(than) > options.rise + options.chance / max(len(self.points), 1)

    def cost(self, pose: Float[Tensor, "3 4"]) -> float:
        """Mean robust cost of the observations under a pose."""
        return float(torch.log1p(self.errors(pose[None]).clamp(max=1e3).square()).mean())


def find_known_points(
    tracks: Tracks,
    frame: int,
    others: list[int],
    poses: Float[Tensor, "others 3 4"],
    intrinsics: Intrinsics,
    options: ResectionOptions = DEFAULT,
) -> KnownPoints:
    """The points of the tracks of one frame of a scene, triangulated from other frames alone.

    Args:
        tracks: of the scene.
        frame: of the scene, whose pose is asked for.
        others: frames of the scene that are known.
        poses: world-to-camera, of the others.
        intrinsics: of all frames of the scene.
    """
    of_frame = tracks.frame == frame
    pixel_of = torch.full((tracks.count, 2), torch.nan, dtype=torch.float64)
    pixel_of[tracks.track[of_frame]] = tracks.pixels[of_frame].double()
    place = torch.full((max([int(tracks.frame.max()), *others]) + 1 if len(tracks.frame) else 1,), -1)
    place[torch.tensor(others)] = torch.arange(len(others))
    kept = (place[tracks.frame] >= 0) & pixel_of[tracks.track, 0].isfinite() & ~of_frame
    enough = torch.bincount(tracks.track[kept], minlength=tracks.count) >= 2
    kept &= enough[tracks.track]
    number = enough.long().cumsum(0) - 1
    seen = Observations(
        place[tracks.frame[kept]], number[tracks.track[kept]], tracks.pixels[kept].double(), int(enough.sum())
    )
    lens = intrinsics[torch.tensor(others)]
    found = triangulate(seen, poses.double().cpu(), lens.to("cpu"))
    unit = pixel_scale(intrinsics)
    worst = torch.zeros(seen.tracks, dtype=torch.float64)
    worst.scatter_reduce_(0, seen.track, found.error_px, "amax")
    known = worst < options.known_px * unit
    pixels = pixel_of[enough][known]
    of = intrinsics[torch.tensor([frame])].to("cpu")
    distortion = of.distortion.double() if intrinsics.distorted else None
    plane = normalised_points(pixels[None], of.focal.double(), of.centre.double(), distortion)[0]
    bend = None if distortion is None else distortion_jacobian(plane, distortion)
    return KnownPoints(found.points[known], plane, float(of.focal.mean()), unit, bend)


def find_sharing_frames(tracks: Tracks, frame: int, others: list[int], most: int) -> list[int]:
    """Those of the others that share most tracks with a frame, the most first; none that shares none."""
    seen = torch.zeros(tracks.count, dtype=torch.bool)
    seen[tracks.track[tracks.frame == frame]] = True
    shared = torch.bincount(tracks.frame[seen[tracks.track]], minlength=max([*others, 0]) + 1)
    sharing = [other for other in others if int(shared[other])]
    return sorted(sharing, key=lambda other: -int(shared[other]))[:most]


@torch.no_grad()
def locate_frame(
    known: KnownPoints, starts: Float[Tensor, "starts 3 4"], options: ResectionOptions = DEFAULT
) -> Float[Tensor, "3 4"] | None:
    r"""The pose under which most of the known points are seen where the photo has them; None where too few are.

    .. math:: \arg\min_T \sum_i \log(1 + \| \pi(T x_i) - u_i \|^2 / \sigma^2)

    by damped Gauss-Newton from every start, for one robust scale :math:`\sigma` after the other.

    Args:
        known: of `find_known_points`.
        starts: world-to-camera poses to begin from.
        options: of the solver.
    """
    if len(known.points) < options.least_observations:
        return None
    poses = starts.double().cpu()
    for scale in options.scales_px:
        for _ in range(options.steps):
            poses = _step(known, poses, scale * known.unit / known.focal, options.damping)
    error = known.errors(poses)
    fits = (error < options.fits_px).sum(dim=-1)
    best = int(torch.where(fits == fits.max(), error.clamp(max=options.fits_px).sum(-1), torch.inf).argmin())
    return poses[best] if int(fits[best]) >= options.least_observations else None


def _step(known: KnownPoints, poses: Tensor, scale: float, damping: float) -> Tensor:
    camera = se3.transform(poses[:, None], known.points)
    x, y, z = camera.unbind(-1)
    ahead, inverse = z > LEAST_DEPTH, 1 / z.clamp(min=LEAST_DEPTH)
    residual = known.measure(torch.stack([x * inverse, y * inverse], dim=-1) - known.plane)
    weight = ahead / (1 + residual.square().sum(-1) / scale**2)
    by_camera = differentiate_projection(camera, camera.new_ones(2), None, LEAST_DEPTH)
    if known.bend is not None:
        by_camera = known.bend @ by_camera
    turn = torch.linalg.cross(camera[..., None, :].expand_as(by_camera), by_camera, dim=-1)
    jacobian = torch.cat([turn, by_camera], dim=-1)
    matrix = torch.einsum("spci,sp,spcj->sij", jacobian, weight, jacobian)
    gradient = torch.einsum("spci,sp,spc->si", jacobian, weight, residual)
    diagonal = matrix.diagonal(dim1=-2, dim2=-1)
    matrix = matrix + torch.diag_embed(damping * diagonal + 1e-9 * diagonal.mean(-1, keepdim=True) + 1e-12)
    step = -torch.linalg.solve(matrix, gradient[..., None])[..., 0]
    step = step * (0.5 / step[:, :3].norm(dim=-1, keepdim=True).clamp(min=0.5))  # radians
    return se3.compose(se3.exponential(step), poses)
