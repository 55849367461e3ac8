"""The near part of an unbounded scene, and its upright world."""

from __future__ import annotations

import pytest
import torch

from engine.scenes.world.near_box import find_near_box, find_upright_rotation
from tests.support.scenes.synthetic import looking_at, object_poses, scattered_points

MEETING = torch.tensor([0.2, -0.1, 0.3], dtype=torch.float64)  # where the cameras of `object_poses` look, 4 away


def test_the_box_holds_what_the_cameras_look_at() -> None:
    points = scattered_points(MEETING)
    wall = MEETING + 30 * torch.nn.functional.normalize(points[: len(points) // 20] - MEETING, dim=-1)
    centre, half = find_near_box(object_poses(), torch.cat([points, wall]))
    torch.testing.assert_close(centre, MEETING, atol=1e-6, rtol=0)
    assert 1.2 <= half <= 2
    inside = ((points - centre).abs() <= half).all(dim=-1).double().mean()
    assert inside > 0.75


def test_the_box_keeps_away_from_the_cameras_and_is_not_tiny() -> None:
    far = MEETING + 100 * torch.randn(500, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert find_near_box(object_poses(), far)[1] == pytest.approx(2.0, rel=0.01)
    assert find_near_box(object_poses(), MEETING.repeat(50, 1))[1] == pytest.approx(1.2, rel=0.01)
    assert find_near_box(object_poses(), None)[1] == pytest.approx(2.0, rel=0.01)


def test_where_axes_do_not_meet_the_points_are_the_middle() -> None:
    poses = torch.eye(3, 4, dtype=torch.float64).repeat(9, 1, 1)
    poses[:, 0, 3] = torch.linspace(-6, 6, 9)
    poses[:, 2, :3] = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    away = looking_at(torch.eye(3, dtype=torch.float64), 5 * torch.ones(3, dtype=torch.float64))
    outward = away.clone()
    outward[:, :, :3] = looking_at(torch.zeros(3, 3, dtype=torch.float64), 9 * torch.eye(3, dtype=torch.float64))[
        ..., :3
    ]
    points = scattered_points(torch.tensor([0.0, 0.0, 6.0], dtype=torch.float64))
    centre, half = find_near_box(outward, points)
    torch.testing.assert_close(centre, points.median(dim=0).values)
    assert half > 0


def test_a_facade_along_which_somebody_walked_is_the_near_part() -> None:
    """Axes that are nearly parallel meet far behind what is photographed."""
    x = torch.linspace(-5, 5, 9, dtype=torch.float64)
    centres = torch.stack([x, torch.full_like(x, -3.5), torch.full_like(x, 1.6)], dim=-1)
    meeting = torch.tensor([0.0, 300.0, 1.6], dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    wall = torch.rand(400, 3, generator=generator, dtype=torch.float64) * torch.tensor([14.0, 0.3, 3.0])
    wall -= torch.tensor([7.0, 0.0, 0.0])
    centre, half = find_near_box(looking_at(centres, meeting), wall)
    assert (centre - wall.mean(dim=0)).norm() < 1.5
    assert 3 < half < 10


def test_the_upright_world_has_the_cameras_up_along_z() -> None:
    poses = object_poses()
    rotation = find_upright_rotation(poses)
    torch.testing.assert_close(rotation @ rotation.mT, torch.eye(3, dtype=torch.float64))
    assert torch.linalg.det(rotation) == pytest.approx(1)
    up = rotation @ -poses[:, 1, :3].mean(dim=0)
    torch.testing.assert_close(up / up.norm(), torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64))
    down = torch.diag(torch.tensor([1.0, -1.0, -1.0], dtype=torch.float64))
    for turn in (rotation, down @ rotation):  # a world that is upright already, and one that is upside down
        turned = poses[:, :, :3] @ turn.mT
        again = find_upright_rotation(torch.cat([turned, poses[:, :, 3:]], dim=-1))
        up = again @ -turned[:, 1].mean(dim=0)
        assert up[2] / up.norm() == pytest.approx(1)
