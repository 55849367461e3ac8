"""Box and depths of a scene, from its cameras."""

from __future__ import annotations

import math

import pytest
import roma
import torch

from engine.geometry.intrinsics import Intrinsics
from engine.scenes.world.average_camera import centre_on, find_average_camera
from engine.scenes.world.axes import camera_centres, convert_from_llff, convert_from_opengl, invert_pose, optical_axes
from engine.scenes.world.extent import (
    find_box_depths,
    find_nearest_point_to_axes,
    guess_depths,
    measure_depths_in_view,
)
from engine.scenes.world.split import list_remaining, take_every_eighth, take_last_tenth
from tests.support.scenes.synthetic import (
    FOCAL,
    HEIGHT,
    WIDTH,
    forward_poses,
    object_poses,
    opengl_camera_to_world,
    scattered_points,
)


def intrinsics(frames: int) -> Intrinsics:
    focal = torch.full((frames, 2), FOCAL)
    centre = torch.tensor([[WIDTH / 2, HEIGHT / 2]]).repeat(frames, 1)
    return Intrinsics(focal, centre, torch.zeros(frames, 4), WIDTH, HEIGHT)


def test_axes_of_the_files_agree() -> None:
    poses = object_poses()
    opengl = opengl_camera_to_world(poses)[:, :3]
    torch.testing.assert_close(convert_from_opengl(opengl), poses)
    right, up, back, centre = opengl.unbind(dim=-1)
    torch.testing.assert_close(convert_from_llff(torch.stack([-up, right, back, centre], dim=-1)), poses)
    torch.testing.assert_close(invert_pose(invert_pose(poses)), poses)
    torch.testing.assert_close(optical_axes(poses), -back)
    torch.testing.assert_close(camera_centres(poses), centre)


def test_axes_meet_where_the_cameras_look() -> None:
    meeting = torch.tensor([0.2, -0.1, 0.3], dtype=torch.float64)
    torch.testing.assert_close(find_nearest_point_to_axes(object_poses()), meeting, atol=1e-9, rtol=0)


def test_parallel_axes_do_not_break_the_meeting_point() -> None:
    poses = torch.eye(3, 4, dtype=torch.float64).repeat(5, 1, 1)
    poses[:, 0, 3] = torch.arange(5)
    assert bool(torch.isfinite(find_nearest_point_to_axes(poses)).all())
    near, far = guess_depths(poses)
    assert 2 < near < 100
    assert far == math.inf


def test_depths_of_points_in_view() -> None:
    poses = object_poses()
    points = scattered_points(torch.tensor([0.2, -0.1, 0.3], dtype=torch.float64))
    near, far = measure_depths_in_view(points, poses, intrinsics(10)) or (0, 0)
    assert near == pytest.approx(3.6, abs=0.02)
    assert far == pytest.approx(4.4, abs=0.02)
    assert measure_depths_in_view(points[:0], poses, intrinsics(10)) is None
    behind = 2 * camera_centres(poses)[:1] - points
    assert measure_depths_in_view(behind, poses[:1], intrinsics(1)) is None


def test_depths_of_a_box_around_the_cameras_stay_positive() -> None:
    near, far = find_box_depths(object_poses(), torch.tensor([0.2, -0.1, 0.3], dtype=torch.float64), 10.0)
    assert near == pytest.approx(0.05 * 4)
    assert far > 20


def test_the_average_camera_becomes_the_identity() -> None:
    poses = forward_poses()
    centred = centre_on(poses, find_average_camera(poses))
    torch.testing.assert_close(find_average_camera(centred), torch.eye(3, 4, dtype=torch.float64), atol=1e-12, rtol=0)
    torch.testing.assert_close(
        centred[:, :, :3] @ centred[0, :, :3].T, poses[:, :, :3] @ poses[0, :, :3].T, atol=1e-12, rtol=0
    )
    turned = centre_on(poses, poses[3])
    torch.testing.assert_close(turned[3], torch.eye(3, 4, dtype=torch.float64), atol=1e-12, rtol=0)
    angle = roma.rotmat_geodesic_distance(centred[:, :, :3], torch.eye(3, dtype=torch.float64))
    assert angle.max().item() < 0.3


@pytest.mark.parametrize(("frames", "held_out"), [(2, 0), (4, 0), (5, 1), (19, 1), (20, 2), (62, 6)])
def test_the_last_tenth(frames: int, held_out: int) -> None:
    assert take_last_tenth(frames) == tuple(range(frames - held_out, frames))
    assert list_remaining(frames, take_last_tenth(frames)) == tuple(range(frames - held_out))


@pytest.mark.parametrize(("frames", "held_out"), [(2, ()), (4, ()), (5, (0,)), (17, (0, 8, 16))])
def test_every_eighth(frames: int, held_out: tuple[int, ...]) -> None:
    assert take_every_eighth(frames) == held_out
