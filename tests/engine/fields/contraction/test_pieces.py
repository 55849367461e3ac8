"""Rays in contracted space: their pieces follow the contraction of points, in torch and compiled, with their
gradients."""

import pytest
import torch
from torch import Tensor

from engine.fields.contraction import compiled, pieces
from engine.fields.contraction.kernels import BEYOND, PIECES
from engine.fields.contraction.mapping import contract, expand
from engine.fields.contraction.pieces import Pieces

OUTER = pytest.mark.parametrize("outer", [0.5, 1.0])
RAYS = 300


def rays(seed: int, spread: float = 1.5) -> tuple[Tensor, Tensor]:
    """From inside and outside the box, in all directions."""
    generator = torch.Generator().manual_seed(seed)
    return tuple(  # type: ignore[return-value]
        torch.randn(2, RAYS, 3, generator=generator, dtype=torch.float64) * torch.tensor([[[spread]], [[1.0]]])
    )


def on_pieces(made: Pieces, s: Tensor) -> tuple[Tensor, Tensor]:
    """Places in the cube and depths at s, by the docstring of `Pieces` alone."""
    places, depths = [], []
    for ray in range(len(s)):
        piece = int((s[ray] > made.ends[ray]).sum())
        stop = min(float(made.ends[ray, piece]), 1.0)
        begin = float(made.ends[ray, piece - 1]) if piece else 0.0
        along = (s[ray] - begin) / (stop - begin)
        places.append(made.start[ray, piece] + s[ray] * made.step[ray, piece])
        depths.append(
            made.first[ray, piece] + made.rate[ray, piece] * along / (1 - along + made.ratio[ray, piece] * along)
        )
    return torch.stack(places), torch.stack(depths)


@OUTER
def test_a_point_of_the_box_stays_and_all_others_fit_into_the_cube(outer):
    points = torch.randn(500, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 3
    placed = contract(points, outer)
    inside = points.abs().amax(-1) <= 1
    assert torch.equal(placed[inside], points[inside])
    assert placed.abs().max() < 1 + outer
    torch.testing.assert_close(expand(placed, outer), points)
    far = contract(points[~inside] * 1e9, outer)
    torch.testing.assert_close(far.abs().amax(-1), torch.full_like(far[:, 0], 1 + outer))


@OUTER
@pytest.mark.parametrize("nearest", [0.0, 0.4])
@pytest.mark.parametrize("where", [0.0, 0.1, 0.37, 0.5, 0.83, 0.99])
def test_places_on_the_pieces_are_contracted_points_of_the_ray(outer, nearest, where):
    origins, directions = rays(1)
    made = pieces.cut(origins, directions, nearest, outer)
    place, depth = on_pieces(made, torch.full((RAYS,), where, dtype=torch.float64))
    torch.testing.assert_close(place, contract(origins + depth[:, None] * directions, outer), rtol=1e-6, atol=1e-6)
    assert (depth >= nearest - 1e-9).all()


@OUTER
def test_samples_even_in_s_are_even_in_the_cube(outer):
    origins, directions = rays(2)
    made = pieces.cut(origins, directions, 0.0, outer)
    used = torch.cat([torch.ones(RAYS, 1, dtype=torch.bool), made.ends[:, :-1] < 1], dim=-1)
    speed = made.step.norm(dim=-1)[used]
    torch.testing.assert_close(speed, made.length[:, None].expand(-1, PIECES)[used])
    assert (made.ends[:, -1] == BEYOND).all()


@pytest.mark.parametrize(
    ("origin", "direction"),
    [
        ((0.0, 0.0, -3.0), (0.0, 0.0, 1.0)),  # along an axis, through the middle
        ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),  # from the middle through a corner
        ((-5.0, 2.0, 2.0), (1.0, 0.0, 0.0)),  # beside the box
        ((2.0, 2.0, 2.0), (1.0, 1.0, 1.0)),  # along an edge between regions
        ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),  # along a face of the box
        ((40.0, 0.0, 0.0), (1.0, 0.001, 0.0)),  # away from far outside
    ],
)
def test_rays_in_special_places_reach_infinity(origin, direction):
    one = torch.tensor([origin]), torch.tensor([direction])
    for made in (pieces.cut(*one, 0.0, 0.5), compiled.cut(*one, 0.0, 0.5)):
        for values in made:
            assert torch.isfinite(values).all()
        place, _ = on_pieces(made, torch.ones(1))
        assert float(place.abs().max()) == pytest.approx(1.5, abs=1e-5)


@OUTER
def test_the_compiled_pieces_are_those_of_torch(outer):
    origins, directions = rays(3)
    exact, made = (
        pieces.cut(origins, directions, 0.2, outer),
        compiled.cut(origins.float(), directions.float(), 0.2, outer),
    )
    for where in torch.linspace(0.01, 0.99, 23):
        s = torch.full((RAYS,), float(where), dtype=torch.float64)
        for ours, theirs in zip(on_pieces(made, s.float()), on_pieces(exact, s), strict=True):
            torch.testing.assert_close(ours.double(), theirs, rtol=2e-4, atol=1e-5)
    torch.testing.assert_close(made.length.double(), exact.length, rtol=1e-5, atol=1e-5)


@OUTER
def test_both_have_the_same_gradients(outer):
    origins, directions = rays(4)
    weights = torch.randn(2, RAYS, PIECES, 3, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    found = []
    for cut, kind in ((pieces.cut, torch.float64), (compiled.cut, torch.float32)):
        rows = [values.detach().clone().to(kind).requires_grad_(True) for values in (origins, directions)]
        made = cut(*rows, 0.2, outer)
        used = torch.cat([torch.ones(RAYS, 1), made.ends[:, :-1] < 1], dim=-1)[..., None]
        ((made.start * weights[0].to(kind) + made.step * weights[1].to(kind)) * used).sum().backward()
        found.append([values.grad.double() for values in rows])
    for exact, ours in zip(*found, strict=True):
        torch.testing.assert_close(ours, exact, rtol=1e-3, atol=1e-3 * float(exact.abs().max()))


@OUTER
def test_gradients_of_a_place_are_those_of_its_contracted_point(outer):
    """Along the ray a place may slide, because the depths of a piece's ends are held; across it must follow the
    ray."""
    origins, directions = (values.requires_grad_(True) for values in rays(6))
    made = pieces.cut(origins, directions, 0.0, outer)
    place, depth = on_pieces(made, torch.full((RAYS,), 0.7, dtype=torch.float64))
    with torch.no_grad():
        piece = (made.ends < 0.7).sum(-1)
        tangent = torch.nn.functional.normalize(made.step[torch.arange(RAYS), piece], dim=-1)
        across = torch.linalg.cross(tangent, torch.randn(RAYS, 3, dtype=torch.float64))
    slopes = torch.autograd.grad((place * across).sum(), (origins, directions))
    point = contract(origins + depth.detach()[:, None] * directions, outer)
    expected = torch.autograd.grad((point * across).sum(), (origins, directions))
    for ours, theirs in zip(slopes, expected, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-7)


def test_a_ray_of_nan_stays_nan_and_touches_no_other():
    origins, directions = (values.float() for values in rays(7))
    healthy = compiled.cut(origins, directions, 0.0, 0.5)
    broken = origins.clone()
    broken[5, 1] = torch.nan
    made = compiled.cut(broken, directions, 0.0, 0.5)
    assert made.start[5].isnan().any()
    others = torch.arange(RAYS) != 5
    for ours, theirs in zip(made, healthy, strict=True):
        assert torch.equal(ours[others], theirs[others])
