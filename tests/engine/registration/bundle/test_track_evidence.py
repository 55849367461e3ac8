"""Tracks beside colours in a surface bundle adjustment."""

from dataclasses import replace

import pytest
import torch

from engine.evidence.tracks import Tracks
from engine.geometry import rays
from engine.geometry.pose_errors import pose_errors
from engine.registration.bundle import adjustment
from engine.registration.bundle.adjustment import Adjustment
from engine.registration.bundle.surface_points import SurfacePoints
from engine.registration.bundle.track_evidence import gather_evidence
from engine.registration.lens import FreeLens
from tests.support.worlds.relief import cameras, intrinsics, moved

FRAMES = 7


def exact_tracks(poses: torch.Tensor, count: int = 200, wrong: float = 0.0) -> Tracks:
    """Of points before the cameras, in pixels of images twice as large as the adjustment's."""
    generator = torch.Generator().manual_seed(0)
    size = torch.tensor([1.2, 0.8, 1.5])
    points = torch.rand(count, 3, generator=generator) * size + torch.tensor([-0.6, -0.4, 2.0])
    of = intrinsics(FRAMES, scale=2.0)
    pixels, _ = rays.project(points[None].expand(FRAMES, -1, -1), poses, of.focal, of.centre)
    pixels = pixels.transpose(0, 1).reshape(-1, 2)
    anywhere = torch.rand(len(pixels), generator=generator) < wrong
    pixels[anywhere] = torch.rand(int(anywhere.sum()), 2, generator=generator) * 60
    track = torch.arange(count).repeat_interleave(FRAMES)
    return Tracks(torch.arange(FRAMES).repeat(count), track, pixels, torch.full((count, 3), torch.nan))


def misleading(poses: torch.Tensor) -> tuple[torch.Tensor, SurfacePoints]:
    """Photos whose contents say nothing of the cameras, and points that all of them see."""
    of = intrinsics(FRAMES)
    generator = torch.Generator().manual_seed(3)
    images = torch.rand(FRAMES, 3, of.height, of.width, generator=generator)
    images = torch.nn.functional.avg_pool2d(images, 5, stride=1, padding=2)
    points = torch.rand(120, 3, generator=generator) + torch.tensor([-0.5, -0.5, 2.5])
    return images, SurfacePoints(points, torch.ones(FRAMES, 120, dtype=torch.bool))


def adjust(made: Adjustment, most: int = 12) -> Adjustment:
    for _ in range(most):
        if not made.improve():
            break
    return made


@pytest.mark.parametrize("wrong", [0.0, 0.1])
def test_tracks_hold_poses_that_light_would_spoil(wrong):
    true, of = cameras(FRAMES), intrinsics(FRAMES)
    images, surface = misleading(true)
    evidence = gather_evidence(exact_tracks(true, wrong=wrong), true, of, 2)
    assert evidence is not None
    alone = adjust(adjustment.start_from_surface(images, of, true, surface))
    held = adjust(adjustment.start_from_surface(images, of, true, surface, tracks=evidence))
    spoiled, kept = pose_errors(alone.poses, true), pose_errors(held.poses, true)
    assert spoiled.rotation_deg.mean() > 0.05
    assert kept.rotation_deg.mean() < 0.3 * spoiled.rotation_deg.mean()


def test_tracks_alone_bring_poses_back():
    true, of = cameras(FRAMES), intrinsics(FRAMES)
    start = moved(true, degrees=0.1, distance=0.002)
    images, surface = torch.full((FRAMES, 3, of.height, of.width), 0.5), misleading(true)[1]
    evidence = gather_evidence(exact_tracks(true), start, of, 2)
    made = adjust(adjustment.start_from_surface(images, of, start, surface, tracks=evidence), 30)
    before, after = pose_errors(start, true), pose_errors(made.poses, true)
    assert after.relative_rotation_deg.mean() < 0.2 * before.relative_rotation_deg.mean()
    assert after.translation.mean() < 0.5 * before.translation.mean()


def test_a_lens_that_may_change_lets_the_tracks_fit():
    true, of = cameras(FRAMES), intrinsics(FRAMES)
    images, surface = torch.full((FRAMES, 3, of.height, of.width), 0.5), misleading(true)[1]
    longer = type(of)(of.focal * 1.1, of.centre, of.distortion, of.width, of.height)
    evidence = gather_evidence(exact_tracks(true), true, longer, 2)
    cost = {}
    for focal in (False, True):
        made = adjustment.start_from_surface(images, longer, true, surface, FreeLens(focal=focal), replace(evidence))
        adjust(made, 30)
        cost[focal] = made.tracks.cost(made.poses, made.tracks.points, made.intrinsics)
    assert cost[True] <= cost[False]
    assert cost[True] < 0.05 * evidence.cost(true, evidence.points, longer)


def test_tracks_that_fit_nowhere_are_no_evidence():
    true = cameras(FRAMES)
    tracks = exact_tracks(true, wrong=1.0)
    none = Tracks(tracks.frame[:0], tracks.track[:0], tracks.pixels[:0], tracks.points[:0])
    assert gather_evidence(none, true, intrinsics(FRAMES), 2) is None
