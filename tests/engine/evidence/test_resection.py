"""One more photo, located by what the others know of its points."""

import pytest
import torch

from engine.evidence.resection import find_known_points, locate_frame
from engine.geometry import se3
from tests.support.strategies import normal
from tests.support.worlds.tracked import as_tracks, cameras, fisheye, lens, observe


@pytest.mark.parametrize("kind", ["forward", "object"])
@pytest.mark.parametrize("wrong", [0.0, 0.15])
def test_a_photo_is_located_from_other_cameras_poses(kind, wrong):
    poses = cameras(kind)
    observations, _ = observe(poses, lens(8), tracks=400, noise=0.4, wrong=wrong)
    others = [frame for frame in range(8) if frame != 3]
    known = find_known_points(as_tracks(observations), 3, others, poses[others], lens(8))
    found = locate_frame(known, poses[others])
    assert found is not None
    assert torch.rad2deg(se3.rotation_angle(found[:, :3] @ poses[3, :, :3].mT)) < 0.2
    assert (se3.camera_centre(found) - se3.camera_centre(poses[3])).norm() < 0.02
    assert known.cost(found) < known.cost(poses[2])


def test_a_photo_of_a_fisheye_is_located():
    """At its border a pixel is a long way on the plane z = 1; errors are still those in pixels."""
    poses, intrinsics = cameras("object"), fisheye(8)
    observations, _ = observe(poses, intrinsics, tracks=400, noise=0.4, wrong=0.1)
    others = [frame for frame in range(8) if frame != 3]
    known = find_known_points(as_tracks(observations), 3, others, poses[others], intrinsics)
    assert known.plane.norm(dim=-1).max() > 2
    assert known.errors(poses[3][None]).median() < 1
    found = locate_frame(known, poses[others])
    assert found is not None
    assert torch.rad2deg(se3.rotation_angle(found[:, :3] @ poses[3, :, :3].mT)) < 0.2


def test_points_are_those_of_the_photo_and_not_of_others():
    poses = cameras("object")
    observations, points = observe(poses, lens(8), tracks=300)
    others = [0, 1, 2, 4, 6]
    known = find_known_points(as_tracks(observations), 5, others, poses[others], lens(8))
    assert len(known.points) > 20
    assert torch.cdist(known.points, points).amin(dim=1).max() < 1e-3
    assert known.errors(poses[5][None]).max() < 0.05


def test_too_few_matches_locate_nothing():
    poses = cameras("object")
    observations, _ = observe(poses, lens(8), tracks=12)
    known = find_known_points(as_tracks(observations), 5, [0, 1, 2], poses[:3], lens(8))
    assert locate_frame(known, poses[:3]) is None


def test_matches_of_another_place_locate_nothing():
    poses = cameras("object")
    observations, _ = observe(poses, lens(8), tracks=300)
    elsewhere = observations.pixels.clone()
    at = observations.frame == 5
    elsewhere[at] = elsewhere[at][torch.randperm(int(at.sum()), generator=torch.Generator().manual_seed(0))]
    others = [0, 1, 2, 3, 4, 6, 7]
    known = find_known_points(as_tracks(observations._replace(pixels=elsewhere)), 5, others, poses[others], lens(8))
    assert locate_frame(known, poses[others]) is None


def test_starts_behind_the_scene_do_no_harm():
    poses = cameras("object")
    observations, _ = observe(poses, lens(8), tracks=300)
    others = [0, 1, 2, 3, 4, 6, 7]
    known = find_known_points(as_tracks(observations), 5, others, poses[others], lens(8))
    starts = torch.cat([poses[others], se3.compose(se3.exponential(3.0 * normal(3, 6, seed=0)), poses[others][:3])])
    found = locate_frame(known, starts)
    assert found is not None
    assert (se3.camera_centre(found) - se3.camera_centre(poses[5])).norm() < 0.01
