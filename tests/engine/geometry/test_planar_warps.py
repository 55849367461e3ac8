from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from engine.geometry import planar_warps
from engine.geometry.homography import apply_homography
from engine.geometry.planar_warps import DEGREES
from engine.geometry.warp_names import PlanarWarp
from tests.support.strategies import batches, normal, seeds

FAMILIES = get_args(PlanarWarp)
families = st.sampled_from(FAMILIES)


def grid(side: int = 5, extent: float = 0.8) -> torch.Tensor:
    axis = torch.linspace(-extent, extent, side, dtype=torch.float64)
    return torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1).flatten(0, 1)


@given(families, batches, seeds)
def test_solving_undoes_warping(family, batch, seed):
    warp = planar_warps.exponential(family, 0.3 * normal(*batch, DEGREES[family], seed=seed))
    points = grid().expand(*batch, -1, -1)
    solved = planar_warps.solve(family, points, apply_homography(warp, points))
    torch.testing.assert_close(solved / solved[..., 2:, 2:], warp / warp[..., 2:, 2:], atol=1e-8, rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_fit_to_points_that_no_warp_of_the_family_explains_is_nearer_than_its_neighbours(family):
    points, target = grid(4), grid(4) + 0.1 * normal(16, 2)
    fitted = planar_warps.solve(family, points, target)

    def error(warp: torch.Tensor) -> float:
        return float((apply_homography(warp, points) - target).square().sum())

    if family != "homography":  # whose least squares are algebraic
        for direction in torch.eye(DEGREES[family], dtype=torch.float64):
            for sign in (-1e-3, 1e-3):
                assert error(fitted) <= error(planar_warps.exponential(family, sign * direction) @ fitted)
    assert error(fitted) < error(torch.eye(3, dtype=torch.float64))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("size", [0.0, 1e-4, 0.5])
def test_gradients_of_the_solvers_on_square_grids(family, size):
    warp = planar_warps.exponential(family, size * normal(DEGREES[family]))
    target = apply_homography(warp, grid(3)).requires_grad_(True)
    assert gradcheck(lambda points: planar_warps.solve(family, grid(3), points), (target,), atol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_velocities_are_what_small_warps_do(family):
    points, vector = normal(6, 2), 1e-6 * normal(DEGREES[family], seed=1)
    moved = apply_homography(planar_warps.exponential(family, vector), points)
    expected = points + (
        vector[:, None] * planar_warps.velocities(planar_warps.generators(family).double(), points)
    ).sum(dim=-2)
    torch.testing.assert_close(moved, expected, atol=1e-10, rtol=0)
