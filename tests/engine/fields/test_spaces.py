"""Rays of the world are straight lines in the voxels, and positions along them have the depth that they say."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.fields.spaces import BoxSpace, ProjectiveSpace

SHAPE = (9, 12, 17)
seeds = st.integers(0, 10_000)


def facing_rays(seed, count=20):
    generator = torch.Generator().manual_seed(seed)
    origins = 0.3 * torch.randn(count, 3, generator=generator, dtype=torch.float64).clamp(-1, 1)
    directions = 0.3 * torch.randn(count, 3, generator=generator, dtype=torch.float64).clamp(-2, 2)
    directions[:, 2] = 1.0
    return origins, directions


def surrounding_rays(seed, count=20):
    """Towards the box from outside."""
    generator = torch.Generator().manual_seed(seed)
    origins = (
        torch.nn.functional.normalize(torch.randn(count, 3, generator=generator, dtype=torch.float64), dim=-1) * 6
    )
    towards = 0.4 * torch.randn(count, 3, generator=generator, dtype=torch.float64).clamp(-1, 1) - origins
    return origins, towards


def places(lines, s):
    return lines.start + s[:, None] * lines.step


@given(seeds, st.floats(0.0, 0.95))
def test_a_point_on_a_projective_ray_lies_where_its_voxel_is(seed, where):
    space, (origins, directions) = ProjectiveSpace((0.9, 0.7)), facing_rays(seed)
    s = torch.full((20,), where, dtype=torch.float64)
    voxel = places(space.lines(origins, directions, SHAPE), s)
    point = origins + space.depth(s, origins, directions)[:, None] * directions
    x, y, z = point.unbind(-1)
    depth, height, width = SHAPE
    torch.testing.assert_close(voxel[:, 2], (depth - 1) / z)  # plane 0 infinitely far, the last at z = 1
    torch.testing.assert_close(voxel[:, 0], (x / z / 0.9 + 1) / 2 * (width - 1))
    torch.testing.assert_close(voxel[:, 1], (y / z / 0.7 + 1) / 2 * (height - 1))


@given(seeds, st.floats(0.0, 1.0))
def test_a_point_on_a_ray_through_a_box_lies_where_its_voxel_is(seed, where):
    space, (origins, directions) = BoxSpace((0.2, -0.1, 0.3), 2.0), surrounding_rays(seed)
    shape = space.shape(3, 11)
    s = torch.full((20,), where, dtype=torch.float64)
    voxel = places(space.lines(origins, directions, shape), s)
    point = origins + space.depth(s, origins, directions)[:, None] * directions
    corner = torch.tensor([0.2, -0.1, 0.3], dtype=torch.float64) - 2.0
    torch.testing.assert_close(voxel, (point - corner) / 4.0 * 10)
    assert (voxel > -1e-6).all()
    assert (voxel < 10 + 1e-6).all()


def test_the_ends_of_a_ray_lie_on_the_boxs_faces():
    space, (origins, directions) = BoxSpace((0.0, 0.0, 0.0), 1.0), surrounding_rays(3)
    lines = space.lines(origins, directions, (5, 5, 5))
    for s in (0.0, 1.0):
        voxel = places(lines, torch.full((20,), s, dtype=torch.float64))
        on_a_face = torch.minimum(voxel.abs(), (voxel - 4).abs()).amin(dim=-1)
        assert on_a_face.max() < 1e-6


def test_a_ray_that_misses_the_box_has_no_optical_length():
    space = BoxSpace((0.0, 0.0, 0.0), 1.0)
    origins = torch.tensor([[0.0, 0, -5], [0.0, 0, -5], [0.0, 0, 5], [0, 3.0, -5]])
    directions = torch.tensor([[0.0, 0, 1], [0.0, 0.5, 1], [0.0, 0, 1], [0.0, 0, 1]])
    lines = space.lines(origins, directions, (11, 11, 11))
    assert lines.optical_length[0] == pytest.approx(10)
    assert (lines.optical_length[1:] == 0).all()
    assert torch.isfinite(lines.start).all()


def test_a_ray_from_inside_starts_at_its_origin():
    space = BoxSpace((0.0, 0.0, 0.0), 1.0)
    origins, directions = torch.tensor([[0.5, 0.0, 0.0]]), torch.tensor([[1.0, 0.0, 0.0]])
    lines = space.lines(origins, directions, (11, 11, 11))
    torch.testing.assert_close(lines.start, torch.tensor([[7.5, 5.0, 5.0]]))
    assert lines.optical_length[0] == pytest.approx(2.5)


def test_depths_are_the_inverse_of_positions():
    space, (origins, directions) = ProjectiveSpace((0.9, 0.7)), facing_rays(1)
    wanted = torch.linspace(1.6, 40, 20, dtype=torch.float64)
    z = origins[:, 2] + wanted * directions[:, 2]
    torch.testing.assert_close(space.depth(1 - 1 / z, origins, directions), wanted)


def test_points_at_infinity_have_finite_coordinates():
    space, (origins, directions) = ProjectiveSpace((0.9, 0.7)), facing_rays(1)
    assert torch.isfinite(space.depth(torch.ones(20, dtype=torch.float64), origins, directions)).all()


@pytest.mark.parametrize(("extent", "wanted"), [((1.0, 0.5), (7, 20, 40)), ((0.5, 1.0), (7, 40, 20))])
def test_projective_grids_have_the_images_proportions(extent, wanted):
    assert ProjectiveSpace(extent).shape(7, 40) == wanted


def test_a_box_is_a_cube_of_voxels():
    assert BoxSpace((0.0, 0.0, 0.0), 1.0).shape(7, 40) == (40, 40, 40)


@pytest.mark.parametrize("space", [ProjectiveSpace((0.9, 0.7)), BoxSpace((0.0, 0.0, 0.0), 2.0)])
def test_lines_are_differentiable_in_the_rays(space):
    origins, directions = facing_rays(5) if isinstance(space, ProjectiveSpace) else surrounding_rays(5)
    origins.requires_grad_(True)
    directions.requires_grad_(True)
    lines = space.lines(origins, directions, SHAPE)
    (lines.start.square().sum() + lines.step.square().sum()).backward()
    for given_rays in (origins, directions):
        assert torch.isfinite(given_rays.grad).all()
        assert given_rays.grad.abs().max() > 0
