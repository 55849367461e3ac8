"""Triangulation of tracks, against points that are known and against pycolmap."""

import pycolmap
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.evidence.triangulation import Observations, nearest_points, triangulate
from tests.support.strategies import normal, seeds
from tests.support.worlds.tracked import FOCAL, HEIGHT, WIDTH, cameras, lens, observe


@pytest.mark.parametrize("kind", ["forward", "object"])
@pytest.mark.parametrize("radial", [0.0, -0.08])
def test_exact_observations_give_the_points_back(kind, radial):
    poses, intrinsics = cameras(kind), lens(8, radial)
    observations, points = observe(poses, intrinsics)
    found = triangulate(observations, poses, intrinsics)
    assert found.error_px.max() < 1e-4
    assert (found.points - points).norm(dim=-1).median() < 1e-5


@given(seed=seeds, wrong=st.sampled_from([0.05, 0.15]))
@settings(max_examples=10, deadline=None)
def test_wrong_observations_harm_the_others_little(seed, wrong):
    poses, intrinsics = cameras("object"), lens(8)
    observations, _ = observe(poses, intrinsics, wrong=wrong, seed=seed % 1000)
    exact, _ = observe(poses, intrinsics, seed=seed % 1000)
    right = (observations.pixels == exact.pixels).all(-1)
    error = triangulate(observations, poses, intrinsics).error_px
    views = torch.bincount(observations.track)[observations.track]
    good = right & (views >= 4)  # of two observations none is known to be the wrong one
    assert (error[good] < 1).double().mean() > 0.9
    assert (error[~right] > 3).double().mean() > 0.8


def test_noisy_points_are_those_of_pycolmap():
    poses, intrinsics = cameras("object"), lens(8)
    observations, points = observe(poses, intrinsics, tracks=40, noise=0.4)
    ours = triangulate(observations, poses, intrinsics).points
    camera = pycolmap.Camera(model="SIMPLE_PINHOLE", width=WIDTH, height=HEIGHT, params=[FOCAL, WIDTH / 2, HEIGHT / 2])
    for track in range(0, observations.tracks, 4):
        chosen = observations.track == track
        rigid = [pycolmap.Rigid3d(pose.numpy()) for pose in poses[observations.frame[chosen]]]
        theirs = pycolmap.estimate_triangulation(
            observations.pixels[chosen].numpy(), rigid, [camera] * int(chosen.sum())
        )
        assert theirs is not None
        difference = torch.as_tensor(theirs["xyz"]) - ours[track]
        assert difference.norm() < 0.3 * (points[track] - ours[track]).norm() + 2e-3


def test_one_centre_sees_nothing_that_fits():
    poses = torch.eye(3, 4, dtype=torch.float64).repeat(2, 1, 1)
    pixels = torch.tensor([[100.0, 100.0], [160.0, 100.0], [300.0, 200.0], [300.0, 200.0]], dtype=torch.float64)
    frame, track = torch.tensor([0, 1, 0, 1]), torch.tensor([0, 0, 1, 1])
    error = triangulate(Observations(frame, track, pixels, 2), poses, lens(2)).error_px
    assert (error[:2] > 20).all()  # they are 60 pixels apart: 30 for each, at the best place
    assert (error[2:] < 1e-3).all()  # infinitely far away, or anywhere else


def test_points_behind_the_cameras_do_not_fit():
    poses = cameras("forward", 4)
    observations, _ = observe(poses, lens(4))
    turned = poses.clone()
    turned[..., 3] = -turned[..., 3]  # baselines reversed: the same rays meet behind
    assert (triangulate(observations, turned, lens(4)).error_px < 2).double().mean() < 0.3


@given(seed=seeds, angle=st.sampled_from([0.0, 1e-9, 1e-3, 1.0]))
def test_nearest_points_of_lines(seed, angle):
    origin, direction, other = (normal(5, 3, seed=seed + index) for index in range(3))
    other_direction = direction + angle * normal(5, 3, seed=seed + 3)
    found, meets = nearest_points(origin, direction, other, other_direction)
    assert found.isfinite().all()
    if angle >= 1e-3:
        assert meets.all()
        normals = torch.linalg.cross(direction, other_direction)
        to_first, to_second = found - origin, found - other
        # Halfway: as far from one line as from the other, along their common normal.
        one = torch.linalg.cross(to_first, direction).norm(dim=-1) / direction.norm(dim=-1)
        two = torch.linalg.cross(to_second, other_direction).norm(dim=-1) / other_direction.norm(dim=-1)
        gap = ((other - origin) * normals).sum(-1).abs() / normals.norm(dim=-1)
        torch.testing.assert_close(one, gap / 2, rtol=1e-4, atol=1e-6)
        torch.testing.assert_close(two, gap / 2, rtol=1e-4, atol=1e-6)
    if angle == 0:
        assert not meets.any()
