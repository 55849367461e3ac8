from dataclasses import replace

import pytest
import torch

from engine.evaluation.held_out import Scores, evaluate_held_out, spread_evenly, summarise
from engine.evaluation.initial_poses import (
    align_reference_poses,
    interpolate_neighbours,
    interpolate_pose,
    list_candidate_poses,
)
from engine.evidence.tracks import Tracks
from engine.fields.field import Rendering
from engine.geometry.rays import project
from engine.geometry.se3 import camera_centre, compose, exponential, identity
from engine.geometry.similarity import Similarity
from tests.support.worlds.analytic import Wall, cameras, photographed

GAUGE = Similarity(
    torch.tensor(2.5), exponential(torch.tensor([0.3, -0.5, 0.2, 0, 0, 0]))[:, :3], torch.tensor([1.0, -2.0, 0.5])
)


class Shifted(Wall):
    """A field that stands beside where the photos show it."""

    def render(self, origins: torch.Tensor, directions: torch.Tensor, generator: object = None) -> Rendering:
        return super().render(origins + torch.tensor([0.1, 0.0, 0.0]), directions, generator)


def test_aligned_poses_come_from_the_training_cameras() -> None:
    """References in another gauge come back to where the photos were taken."""
    poses = cameras(8)
    scene = photographed(poses, (2, 6), seen_from=GAUGE.apply_to_poses(poses))
    fitted = poses[list(scene.training_frames)]
    aligned = align_reference_poses(scene, fitted)
    assert aligned is not None
    torch.testing.assert_close(aligned, poses[[2, 6]], atol=1e-5, rtol=0)


def test_held_out_frames_of_a_perfect_run_are_rendered_perfectly() -> None:
    poses = cameras(8)
    scene = photographed(poses, (2, 6), seen_from=GAUGE.apply_to_poses(poses))
    frames = list(evaluate_held_out(Wall(), scene, poses[list(scene.training_frames)], refine=False))
    assert [frame.frame for frame in frames] == [2, 6]
    assert [frame.name for frame in frames] == ["photo_2.png", "photo_6.png"]
    for frame in frames:
        assert frame.scores.psnr > 50
        assert (frame.scores.ssim or 0) > 0.999


def test_refinement_corrects_poses_that_differ_from_the_references() -> None:
    poses = cameras(8)
    noise = torch.randn(8, 6, generator=torch.Generator().manual_seed(4)) * 0.01
    scene = photographed(poses, (2, 6), seen_from=compose(exponential(noise), poses))
    fitted = poses[list(scene.training_frames)]
    plain = list(evaluate_held_out(Wall(), scene, fitted, refine=False))
    refined = list(evaluate_held_out(Wall(), scene, fitted))
    for before, after in zip(plain, refined, strict=True):
        assert after.scores.psnr > before.scores.psnr + 6


def test_without_references_refinement_starts_between_the_neighbours() -> None:
    """Cameras along a path: the frame between two others is found from them."""
    path = exponential(torch.linspace(-1, 1, 9)[:, None] * torch.tensor([0.05, 0.1, 0.0, 0.3, 0.1, 0.05]))
    scene = photographed(path, (4, 8), references=False)
    frames = list(evaluate_held_out(Wall(), scene, path[list(scene.training_frames)]))
    assert len(frames) == 2
    for frame in frames:
        assert frame.scores.psnr > 38


def test_a_single_frame_without_a_reference_is_registered_too() -> None:
    path = exponential(torch.linspace(-1, 1, 9)[:, None] * torch.tensor([0.05, 0.1, 0.0, 0.3, 0.1, 0.05]))
    known = path.clone()
    known[[2, 4]] = torch.nan
    scene = photographed(path, (4, 8), seen_from=known)
    frames = list(evaluate_held_out(Wall(), scene, path[list(scene.training_frames)], refine=False))
    assert [frame.scores.psnr > 38 for frame in frames] == [True, True]


def test_without_held_out_frames_there_is_nothing() -> None:
    poses = cameras(4)
    for references in (True, False):
        frames = list(evaluate_held_out(Wall(), photographed(poses, (), references), poses))
        assert frames == []
    assert summarise([]).psnr is None
    assert summarise([]).frames == 0


def test_the_runs_own_intrinsics_are_used() -> None:
    poses = cameras(5)
    scene = photographed(poses, (4,))
    wrong = replace(scene, intrinsics=replace(scene.intrinsics, focal=scene.intrinsics.focal * 1.3))
    [blind] = evaluate_held_out(Wall(), wrong, poses[:4], refine=False)
    [right] = evaluate_held_out(Wall(), wrong, poses[:4], refine=False, intrinsics=scene.intrinsics)
    assert right.scores.psnr > blind.scores.psnr + 15


def test_neighbouring_poses() -> None:
    path = exponential(torch.linspace(0, 1, 6)[:, None] * torch.tensor([0.2, -0.3, 0.1, 1.0, 0.5, -0.2]))
    scene = photographed(path, (0, 2, 3, 5))
    fitted = path[[1, 4]]
    torch.testing.assert_close(interpolate_neighbours(scene, fitted, 0), path[1])
    torch.testing.assert_close(interpolate_neighbours(scene, fitted, 2), path[2], atol=1e-5, rtol=0)
    torch.testing.assert_close(interpolate_neighbours(scene, fitted, 3), path[3], atol=1e-5, rtol=0)
    torch.testing.assert_close(interpolate_neighbours(scene, fitted, 5), path[4])
    assert len(list_candidate_poses(scene, fitted, 2)) == 3


def test_candidates_of_a_large_scene_are_few_and_hold_the_next_cameras() -> None:
    path = exponential(torch.linspace(0, 1, 201)[:, None] * torch.tensor([0.0, 0.0, 0.0, 1.0, 0.0, 0.0]))
    scene = photographed(path, (103,))
    candidates = list_candidate_poses(scene, path[list(scene.training_frames)], 103)
    assert len(candidates) <= 25
    nearest = (camera_centre(candidates)[:, 0] - camera_centre(path[103])[0]).abs().sort().values
    torch.testing.assert_close(nearest[:3], torch.tensor([0.0, 0.005, 0.005]), atol=1e-5, rtol=0)


def test_interpolation_starts_and_ends_at_the_given_poses() -> None:
    start, end = identity(), exponential(torch.tensor([0.4, 0.1, -0.2, 1.0, 2.0, 3.0]))
    torch.testing.assert_close(interpolate_pose(start, end, 0.0), start)
    torch.testing.assert_close(interpolate_pose(start, end, 1.0), end, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("count", "limit", "expected"),
    [(3, None, [0, 1, 2]), (3, 5, [0, 1, 2]), (5, 3, [0, 2, 4]), (0, 3, []), (9, 1, [0]), (4, 0, [])],
)
def test_spread_evenly(count: int, limit: int | None, expected: list[int]) -> None:
    assert spread_evenly(count, limit) == expected


def test_summaries_average_the_known_scores() -> None:
    summary = summarise([Scores(20.0, 0.5, None), Scores(30.0, None, None)])
    assert (summary.psnr, summary.ssim, summary.lpips, summary.frames) == (25.0, 0.5, None, 2)


def test_a_held_out_frame_begins_at_its_matches_and_is_not_led_away_from_them():
    poses = cameras(7)
    scene = photographed(poses, (3,), references=False)
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(200, 3, generator=generator) * torch.tensor([2.0, 1.4, 1.5]) + torch.tensor([-1.0, -0.7, 2.0])
    of = scene.intrinsics
    pixels, depth = project(points[None].expand(7, -1, -1), poses, of.focal, of.centre)
    size = torch.tensor([of.width, of.height])
    inside = (depth > 0) & (pixels > 0).all(-1) & (pixels < size).all(-1)
    inside[:, inside.sum(0) < 3] = False
    track, frame = inside.T.nonzero(as_tuple=True)
    number = (inside.any(0).long().cumsum(0) - 1)[track]
    tracks = Tracks(frame, number, pixels[frame, track], torch.full((int(inside.any(0).sum()), 3), torch.nan))
    fitted = poses[list(scene.training_frames)]
    (alone,) = evaluate_held_out(Shifted(), scene, fitted)
    (found,) = evaluate_held_out(Shifted(), replace(scene, tracks=tracks), fitted)
    assert (camera_centre(alone.pose) - camera_centre(poses[3])).norm() > 0.05
    torch.testing.assert_close(found.pose, poses[3], atol=5e-3, rtol=0)
