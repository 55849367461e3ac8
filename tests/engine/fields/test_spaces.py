"""Rays of the world are straight lines in the voxels, and positions along them have the depth that they say."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.fields.contraction.mapping import contract, expand
from engine.fields.spaces import BoxSpace, ProjectiveSpace, UnboundedSpace
from engine.fields.voxel_grid import reference
from engine.fields.voxel_grid.state import make_state

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


@given(seeds, st.floats(0.0, 0.99))
def test_a_point_on_an_unbounded_ray_lies_where_its_voxel_is(seed, where):
    space, (origins, directions) = UnboundedSpace((0.3, -0.2, 0.1), 2.5, nearest=0.4), surrounding_rays(seed)
    s = torch.full((20,), where, dtype=torch.float64)
    lines = space.lines(origins, directions, (33, 33, 33))
    depth = space.depth(s, origins, directions)
    point = (origins + depth[:, None] * directions - origins.new_tensor(space.centre)) / space.half_extent
    expected = (contract(point, space.outer) + 1 + space.outer) * 32 / (2 * (1 + space.outer))
    torch.testing.assert_close(lines.at(s[:, None])[:, 0], expected, rtol=1e-5, atol=1e-5)
    assert (depth > 0.399).all()


def test_an_unbounded_ray_ends_far_away_and_all_of_it_lies_in_the_cube():
    space, (origins, directions) = UnboundedSpace((0.3, -0.2, 0.1), 2.5), surrounding_rays(0)
    depth = space.depth(torch.ones(20, dtype=torch.float64), origins, directions)
    assert torch.isfinite(depth).all()
    assert (depth > 500 * space.half_extent / directions.abs().amax(dim=-1)).all()
    s = torch.linspace(0, 1, 50, dtype=torch.float64).expand(20, -1)
    places = space.lines(origins, directions, (33, 33, 33)).at(s)
    assert places.min() > -1e-3
    assert places.max() < 32.001
    assert ((places[:, -1] < 1e-3) | (places[:, -1] > 31.999)).any(dim=-1).all()  # infinity is a face of the cube


def test_a_change_of_pose_changes_unbounded_pictures_as_their_gradient_says():
    """Against finite differences of whole renderings of an opaque ball before a coloured sky, in double precision."""
    generator = torch.Generator().manual_seed(8)
    space = UnboundedSpace((0.3, -0.2, 0.1), 2.5, nearest=0.4)
    axis = torch.linspace(-1 - space.outer, 1 + space.outer, 48, dtype=torch.float64)
    places = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1).flip(-1)
    points = expand(places * 0.9999, space.outer)
    directed = points / points.norm(dim=-1, keepdim=True).clamp(min=1.0)
    colours = torch.sin(directed @ torch.randn(3, 3, generator=generator, dtype=torch.float64))
    inside = torch.sigmoid((0.7 - points.norm(dim=-1, keepdim=True)) * 12)
    state = make_state(torch.cat([12 * inside - 12, colours], dim=-1))
    origins, directions = surrounding_rays(3, count=60)
    edges = torch.linspace(0, 1, 600, dtype=torch.float64).expand(60, -1)
    length = space.lines(
        origins, directions, state.shape
    ).optical_length  # what density counts per is not differentiated

    def picture(origins: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
        lines = space.lines(origins, directions, state.shape)._replace(optical_length=length)
        black = torch.zeros(3, dtype=torch.float64)
        return reference.march(state, lines, directions, edges, True, black, False)[0].sum()

    rows = [values.clone().requires_grad_(True) for values in (origins, directions)]
    slopes = torch.autograd.grad(picture(*rows), rows)
    for number, slope in enumerate(slopes):
        for axis_number in range(3):
            shift = torch.zeros(3, dtype=torch.float64)
            shift[axis_number] = 1e-4
            there, back = (
                picture(*(rays + side * shift * (number == n) for n, rays in enumerate((origins, directions))))
                for side in (1, -1)
            )
            measured = float((there - back) / 2e-4)
            allowed = 0.08 * float(slope[:, axis_number].abs().sum())
            assert float(slope[:, axis_number].sum()) == pytest.approx(measured, abs=allowed)
