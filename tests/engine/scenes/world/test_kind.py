"""The kind of a scene, from cameras, points and background."""

from __future__ import annotations

import pytest
import torch

from engine.scenes.world.axes import camera_centres
from engine.scenes.world.kind import classify_scene, is_border_blank, looks_forward
from tests.support.scenes.synthetic import forward_poses, looking_at, object_poses, scattered_points

MIDDLE = torch.zeros(3, dtype=torch.float64)


def _arc(half_angle_deg: float) -> torch.Tensor:
    angles = torch.linspace(-half_angle_deg, half_angle_deg, 9, dtype=torch.float64).deg2rad()
    centres = 4 * torch.stack([angles.sin(), -angles.cos(), torch.zeros(9, dtype=torch.float64)], dim=-1)
    return looking_at(centres, torch.zeros(3, dtype=torch.float64))


def _fan(half_angle_deg: float) -> torch.Tensor:
    """Cameras that stand close together and look in different directions."""
    poses = _arc(half_angle_deg)
    centres = camera_centres(_arc(10)) * torch.tensor([-0.3, 0.3, 0.3])
    return torch.cat([poses[:, :, :3], -poses[:, :, :3] @ centres[..., None]], dim=-1)


@pytest.mark.parametrize(
    ("poses", "kind"),
    [
        (object_poses(), "unbounded"),
        (forward_poses(), "forward-facing"),
        (_arc(15), "forward-facing"),
        (_arc(50), "unbounded"),
        (_fan(40), "forward-facing"),
        (_fan(80), "unbounded"),
    ],
)
def test_kinds_by_cameras_alone(poses: torch.Tensor, kind: str) -> None:
    assert classify_scene(poses) == kind
    assert looks_forward(poses) == (kind == "forward-facing")


def test_an_object_has_a_blank_background_and_its_points_in_its_box() -> None:
    poses, points, box = object_poses(), scattered_points(MIDDLE), (MIDDLE, 1.5)
    assert classify_scene(poses, points, lambda: True, box) == "object"
    assert classify_scene(poses, None, lambda: True) == "object"
    assert classify_scene(poses, points, lambda: False, box) == "unbounded"
    room = torch.cat([points, 6 * torch.nn.functional.normalize(points[: len(points) // 4], dim=-1)])
    assert classify_scene(poses, room, lambda: True, box) == "unbounded"


def test_the_background_is_not_looked_at_where_cameras_look_forward() -> None:
    def fail() -> bool:
        raise AssertionError

    assert classify_scene(forward_poses(), None, fail) == "forward-facing"


def test_cameras_that_pass_what_they_see_are_not_forward_facing() -> None:
    """Parallel cameras, so that axes alone would say forward-facing."""
    poses = torch.eye(3, 4, dtype=torch.float64).repeat(9, 1, 1)
    points = scattered_points(torch.tensor([0.0, 0.0, 6.0], dtype=torch.float64))
    poses[:, 0, 3] = torch.linspace(-1, 1, 9)
    assert classify_scene(poses, points) == "forward-facing"
    along_a_wall = poses.clone()
    along_a_wall[:, 0, 3] *= 8
    assert classify_scene(along_a_wall, points) == "unbounded"
    down_a_street = torch.eye(3, 4, dtype=torch.float64).repeat(9, 1, 1)
    down_a_street[:, 2, 3] = -torch.linspace(0, 7, 9)
    assert classify_scene(down_a_street, points) == "unbounded"


def test_borders_of_one_colour_are_blank() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (5, 60, 80, 3), generator=generator, dtype=torch.uint8)
    assert not is_border_blank(images)
    plain = torch.full_like(images, 250)
    plain[:, 15:45, 20:60] = images[:, 15:45, 20:60]
    noisy = (plain.int() + torch.randint(-4, 5, plain.shape, generator=generator)).clamp(0, 255).to(torch.uint8)
    assert is_border_blank(noisy)
    noisy[0] = images[0]  # one of them is of another place
    assert is_border_blank(noisy)
    each_its_own = torch.stack([torch.full((60, 80, 3), 50 * n, dtype=torch.uint8) for n in range(5)])
    assert not is_border_blank(each_its_own)
