"""Cameras aligned with their photos, in analytic scenes."""

import math
from itertools import pairwise

import pytest
import torch

from engine.geometry import rays, se3
from engine.registration.relocalisation import photometric_alignment as alignment
from tests.support.worlds.relief import (
    blob,
    cameras,
    intrinsics,
    looking_at_blob,
    moved,
    photos,
    plane_points,
    relief,
)


def by_differences(field, poses, points, step=2e-3):
    """The Jacobian by central differences of exp(twist) T."""
    columns = []
    for axis in range(6):
        seen = []
        for sign in (1, -1):
            twist = torch.zeros(6)
            twist[axis] = sign * step
            turned = se3.compose(se3.exponential(twist), poses)
            origins, directions = rays.rays_through(turned[:, None], points[None])
            with torch.no_grad():
                colour = field.render(origins.expand_as(directions).reshape(-1, 3), directions.reshape(-1, 3)).colour
            seen.append(colour.view(poses.shape[0], -1, 3))
        columns.append((seen[0] - seen[1]) / (2 * step))
    return torch.stack(columns, dim=-1)


def some_points(count=200, seed=3):
    flat = plane_points(intrinsics(1)).reshape(-1, 2)
    return flat[torch.randperm(len(flat), generator=torch.Generator().manual_seed(seed))[:count]]


@pytest.mark.parametrize(
    ("field", "poses", "kept"),
    [(relief(), cameras(3), 0.99), (blob(), looking_at_blob(3), 0.95)],
    ids=["projective", "box"],
)
def test_the_jacobian_is_that_of_central_differences(field, poses, kept):
    points = some_points()
    colour, jacobian = alignment.colour_jacobian(field, poses, points)
    expected = by_differences(field, poses, points)
    assert colour.shape == (3, 200, 3)
    assert jacobian.shape == (3, 200, 3, 6)
    assert not jacobian.requires_grad
    for axis in range(6):
        found, wanted = jacobian[..., axis].flatten(), expected[..., axis].flatten()
        assert torch.dot(found, wanted) / (found.norm() * wanted.norm()) > kept  # voxel borders are kinks
        assert found.norm() == pytest.approx(float(wanted.norm()), rel=0.1)


def test_a_jacobian_leaves_no_gradient_in_the_field():
    field = relief(samples=16)
    alignment.colour_jacobian(field, cameras(2), some_points(50))
    assert not field.grid.gradient.any()
    assert not field.grid.touched.any()


def align(field, true, start, steps=20, points=600):
    made = alignment.start(start)
    image = photos(field, true[None])[0]
    flat = plane_points(intrinsics(1)).reshape(-1, 2)
    chosen = torch.randperm(len(flat), generator=torch.Generator().manual_seed(0))[:points]
    for _ in range(steps):
        alignment.improve(made, field, flat[chosen], image.flatten(1).T[chosen])
    return made


def pose_error(pose, true):
    """Rotation in degrees and distance of the centres."""
    rotation = math.degrees(float(se3.rotation_angle(pose[:, :3] @ true[:, :3].mT)))
    return rotation, float((se3.camera_centre(pose) - se3.camera_centre(true)).norm())


def test_a_perturbed_camera_is_recovered():
    field, true = relief(samples=32), cameras(1)[0]
    start = moved(true[None], degrees=3.0, distance=0.08)
    made = align(field, true, start)
    rotation, distance = pose_error(made.best, true)
    assert rotation < 0.03
    assert distance < 0.002


def test_the_better_of_two_hypotheses_wins():
    field, true = relief(samples=32), cameras(1)[0]
    near, far = moved(true[None], 1.0, 0.02), moved(true[None], 25.0, 0.8)
    made = align(field, true, torch.cat([far, near]), steps=8)
    assert made.cost[1] < made.cost[0]
    assert torch.equal(made.best, made.poses[1])
    assert pose_error(made.best, true)[0] < 0.1


def test_no_step_raises_a_cost():
    field, true = relief(samples=16), cameras(1)[0]
    made = alignment.start(moved(true.expand(4, 3, 4), 6.0, 0.2))
    image, flat = photos(field, true[None])[0].flatten(1).T, plane_points(intrinsics(1)).reshape(-1, 2)
    costs = []
    for _ in range(6):
        before, damping = made.poses.clone(), made.damping.clone()
        better = alignment.improve(made, field, flat[::9], image[::9])
        assert torch.equal(made.poses[~better], before[~better])
        assert (made.damping[better] < damping[better]).all()
        costs.append(made.cost.clone())
    assert all((later <= earlier + 1e-6).all() for earlier, later in pairwise(costs))


def test_a_photo_without_contrast_moves_no_camera_far():
    field = relief(samples=16)
    field.grid.voxels[..., 1:] = 0.0
    poses = cameras(2)
    made = alignment.start(poses)
    alignment.improve(made, field, some_points(), torch.full((200, 3), 0.5))
    assert torch.isfinite(made.poses).all()
    assert (made.poses - poses).abs().max() < 0.05


def test_what_is_not_a_number_has_infinite_cost():
    residual = torch.zeros(2, 5, 3)
    residual[1, 2, 0] = math.nan
    cost = alignment._cost(residual)
    assert cost[0] == 0
    assert cost[1] == math.inf
    field, poses = relief(samples=16), cameras(2)
    made = alignment.start(poses)
    better = alignment.improve(made, field, some_points(), torch.full((200, 3), math.nan))
    assert not better.any()
    assert torch.equal(made.poses, poses)
    assert (made.cost == math.inf).all()
