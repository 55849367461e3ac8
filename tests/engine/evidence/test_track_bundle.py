"""Bundle adjustment of tracks: its equations, where it ends, and pycolmap beside it."""

import dataclasses

import numpy as np
import pycolmap
import pytest
import torch
from hypothesis import given, settings

from engine.evidence.track_bundle import TrackBundle, TrackBundleOptions
from engine.evidence.track_equations import linearise, pairs_within_tracks, residuals
from engine.evidence.triangulation import Observations, triangulate
from engine.geometry import se3
from engine.geometry.pose_errors import pose_errors
from tests.support.strategies import normal, seeds
from tests.support.worlds.tracked import FOCAL, HEIGHT, WIDTH, cameras, fisheye, lens, observe


def solve(bundle: TrackBundle) -> TrackBundle:
    for _ in bundle.rounds():
        pass
    return bundle


@given(seed=seeds)
@settings(max_examples=5, deadline=None)
def test_eliminating_the_points_changes_no_solution(seed):
    """Against the whole system, built by automatic differentiation."""
    poses, intrinsics = cameras("object", 4), lens(4)
    observations, points = observe(poses, intrinsics, tracks=12, noise=2.0, seed=seed % 1000)
    weight = torch.rand(len(observations.frame), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    focal = torch.tensor([[1.0]], dtype=torch.float64)

    def whole(unknowns: torch.Tensor) -> torch.Tensor:
        twist, shift = unknowns[:24].view(4, 6), unknowns[25:].view(-1, 3)
        moved = se3.compose(se3.exponential(twist), poses)
        residual, camera = residuals(observations, points + shift, moved, intrinsics)
        plane = camera[:, :2] / camera[:, 2:] * FOCAL
        return ((residual + unknowns[24] * plane) * weight.sqrt()[:, None]).reshape(-1)

    start = torch.zeros(25 + points.numel(), dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(whole, start)
    hessian, gradient = jacobian.mT @ jacobian, jacobian.mT @ whole(start)
    residual, camera = residuals(observations, points, poses, intrinsics)
    by_lens = (camera[:, :2] / camera[:, 2:] * FOCAL * focal)[..., None]
    equations = linearise(observations, camera, residual, weight, poses, intrinsics, by_lens)
    torch.testing.assert_close(equations.cameras, hessian[:25, :25], rtol=1e-8, atol=1e-6)
    torch.testing.assert_close(equations.camera_gradient, gradient[:25], rtol=1e-8, atol=1e-6)
    reduced = equations.reduce(0.1)
    diagonal = torch.cat([torch.zeros(25, dtype=torch.float64), hessian.diagonal()[25:]])
    damped = hessian + torch.diag(0.1 * diagonal + 1e-6)  # the floor of the points' blocks is as small
    held = torch.eye(25, dtype=torch.float64) * 50.0
    step = -torch.linalg.solve(reduced.matrix + held, reduced.gradient)
    everything = damped.clone()
    everything[:25, :25] += held
    expected = -torch.linalg.solve(everything, gradient)
    torch.testing.assert_close(step, expected[:25], rtol=1e-3, atol=1e-7)
    torch.testing.assert_close(equations.point_steps(step, 0.1).reshape(-1), expected[25:], rtol=1e-3, atol=1e-6)


def test_pairs_within_tracks():
    one, other = pairs_within_tracks(torch.tensor([0, 0, 1, 2, 2, 2]))
    pairs = set(zip(one.tolist(), other.tolist(), strict=True))
    assert pairs == {(a, b) for g in ((0, 1), (2,), (3, 4, 5)) for a in g for b in g}
    assert len(one) == 4 + 1 + 9


@pytest.mark.parametrize("kind", ["forward", "object"])
def test_it_ends_where_pycolmap_ends(kind):
    poses, intrinsics = cameras(kind), lens(8)
    observations, points = observe(poses, intrinsics, noise=0.5)
    started = se3.compose(se3.exponential(0.004 * normal(8, 6, seed=1)), poses)
    ours = solve(TrackBundle(observations, intrinsics, started, points, TrackBundleOptions(scales_px=(4.0, 1.0))))
    theirs = adjust_by_pycolmap(observations, started, points)
    ours_error, theirs_error = (pose_errors(found, poses) for found in (ours.poses, theirs))
    assert ours_error.rotation_deg.mean() < 1.2 * theirs_error.rotation_deg.mean() + 1e-3
    assert pose_errors(ours.poses, theirs).rotation_deg.max() < 0.03


def adjust_by_pycolmap(observations: Observations, poses: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Poses of pycolmap's bundle adjustment with Cauchy's robust cost, the lens fixed."""
    reconstruction = pycolmap.Reconstruction()
    camera = pycolmap.Camera(
        model="SIMPLE_PINHOLE", width=WIDTH, height=HEIGHT, params=[FOCAL, WIDTH / 2, HEIGHT / 2], camera_id=1
    )
    reconstruction.add_camera_with_trivial_rig(camera)
    for frame, pose in enumerate(poses):
        seen = observations.pixels[observations.frame == frame].numpy()
        image = pycolmap.Image(name=str(frame), keypoints=seen.astype(np.float64), camera_id=1, image_id=frame + 1)
        reconstruction.add_image_with_trivial_frame(image, pycolmap.Rigid3d(pose.numpy()))
    number = torch.zeros(len(observations.frame), dtype=torch.long)
    for frame in range(len(poses)):
        chosen = observations.frame == frame
        number[chosen] = torch.arange(int(chosen.sum()))
    for track in range(observations.tracks):
        elements = [
            pycolmap.TrackElement(int(observations.frame[index]) + 1, int(number[index]))
            for index in (observations.track == track).nonzero()[:, 0]
        ]
        reconstruction.add_point3D(points[track].numpy(), pycolmap.Track(elements))
    options = pycolmap.BundleAdjustmentOptions(
        refine_focal_length=False, refine_principal_point=False, refine_extra_params=False, print_summary=False
    )
    options.ceres.loss_function_type = pycolmap.LossFunctionType.CAUCHY
    options.ceres.loss_function_scale = 1.0
    pycolmap.bundle_adjustment(reconstruction, options)
    return torch.stack(
        [torch.tensor(reconstruction.image(f + 1).cam_from_world().matrix()) for f in range(len(poses))]
    )


@pytest.mark.parametrize("kind", ["forward", "object"])
def test_a_fisheye_is_as_good_as_any_lens(kind):
    poses, intrinsics = cameras(kind), fisheye(8)
    observations, points = observe(poses, intrinsics, noise=0.3)
    assert len(points) > 60
    started = se3.compose(se3.exponential(0.01 * normal(8, 6, seed=1)), poses)
    found = solve(TrackBundle(observations, intrinsics, started, points))
    before, after = pose_errors(started, poses), pose_errors(found.poses, poses)
    assert after.relative_rotation_deg.mean() < 0.1 * before.relative_rotation_deg.mean()
    error = triangulate(observations, found.poses, intrinsics).error_px
    assert error.median() < 0.6


def test_a_wrong_focal_length_of_a_fisheye_is_found():
    poses, intrinsics = cameras("object"), fisheye(8)
    observations, points = observe(poses, intrinsics, tracks=300)
    wrong = dataclasses.replace(intrinsics, focal=intrinsics.focal * 1.05)
    found = solve(TrackBundle(observations, wrong, poses, points, frees_focal=True))
    assert float((found.intrinsics.focal / intrinsics.focal).mean()) == pytest.approx(1.0, abs=2e-3)


def test_cameras_that_all_begin_at_one_pose_come_apart():
    poses, intrinsics = cameras("forward", 10), lens(10)
    observations, _ = observe(poses, intrinsics, tracks=300, noise=0.5, wrong=0.05)
    start = torch.eye(3, 4, dtype=torch.float64).repeat(10, 1, 1)
    points = torch.zeros(observations.tracks, 3, dtype=torch.float64)
    points[:, 2] = 2.0
    bundle = solve(TrackBundle(observations, intrinsics, start, points))
    assert pose_errors(bundle.poses, poses).rotation_deg.mean() < 0.2
    error = triangulate(observations, bundle.poses, intrinsics).error_px
    assert (error < 2).double().mean() > 0.85
