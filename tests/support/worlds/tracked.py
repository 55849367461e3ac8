"""Points of a room as cameras see them: tracks whose every number is known."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.evidence.tracks import Tracks
from engine.evidence.triangulation import Observations
from engine.geometry import rays
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.lens_models import LensModel, make_row, stack_distortions
from tests.support.scenes.synthetic import forward_poses, object_poses

WIDTH, HEIGHT, FOCAL = 640, 480, 600.0


def lens(
    frames: int, radial: float = 0.0, focal: float = FOCAL, model: LensModel = LensModel.PERSPECTIVE
) -> Intrinsics:
    """The same for all frames."""
    return Intrinsics(
        torch.full((frames, 2), focal),
        torch.tensor([[WIDTH / 2, HEIGHT / 2]]).repeat(frames, 1),
        stack_distortions([make_row([radial], model)] * frames),
        WIDTH,
        HEIGHT,
    )


def fisheye(frames: int) -> Intrinsics:
    """A lens that shows 76 degrees from the axis in the corners; with k1 = 0.02."""
    return lens(frames, 0.02, 290.0, LensModel.FISHEYE)


def cameras(kind: str = "forward", frames: int = 8) -> Tensor:
    """World-to-camera poses, double precision."""
    return (forward_poses(frames) if kind == "forward" else object_poses(frames)).double()


def observe(
    poses: Tensor,
    intrinsics: Intrinsics,
    tracks: int = 150,
    noise: float = 0.0,
    wrong: float = 0.0,
    seed: int = 0,
) -> tuple[Observations, Tensor]:
    """What the cameras see of points before them; and the points.

    Args:
        poses: world-to-camera.
        intrinsics: of the cameras.
        tracks: how many points; those that two cameras see stay.
        noise: standard deviation of the pixels.
        wrong: share of the observations that are anywhere in the picture.
        seed: of everything random.
    """
    generator = torch.Generator().manual_seed(seed)
    frames = len(poses)
    pixels = torch.rand(tracks, 2, generator=generator, dtype=torch.float64) * torch.tensor([WIDTH, HEIGHT])
    depth = 3.5 + 2.5 * torch.rand(tracks, generator=generator, dtype=torch.float64)
    first = torch.arange(tracks) % frames
    plane = rays.normalised_points(
        pixels[:, None],
        intrinsics.focal[first].double(),
        intrinsics.centre[first].double(),
        intrinsics.distortion[first].double(),
    )
    origin, direction = rays.rays_through(poses[first], plane[:, 0])
    points = origin + depth[:, None] * direction
    seen, z = rays.project(
        points[None].expand(frames, -1, -1),
        poses,
        intrinsics.focal.double(),
        intrinsics.centre.double(),
        intrinsics.distortion.double(),
    )
    inside = (z > 0.5) & (seen > 0).all(-1) & (seen < torch.tensor([WIDTH, HEIGHT])).all(-1)
    kept = inside.sum(0) >= 2
    inside, seen, points = inside[:, kept], seen[:, kept], points[kept]
    track, frame = inside.T.nonzero(as_tuple=True)
    observed = seen[frame, track]
    observed = observed + noise * torch.randn(observed.shape, generator=generator, dtype=torch.float64)
    anywhere = torch.rand(len(observed), generator=generator) < wrong
    random = torch.rand(observed.shape, generator=generator, dtype=torch.float64) * torch.tensor([WIDTH, HEIGHT])
    observed = torch.where(anywhere[:, None], random, observed)
    return Observations(frame, track, observed, len(points)), points


def as_tracks(observations: Observations) -> Tracks:
    """The same, as a scene has them."""
    unknown = torch.full((observations.tracks, 3), torch.nan)
    return Tracks(observations.frame, observations.track, observations.pixels.float(), unknown)
