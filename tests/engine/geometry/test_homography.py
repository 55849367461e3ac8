from contextlib import nullcontext

import numpy as np
import pycolmap
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage.transform import ProjectiveTransform
from torch.autograd import gradcheck

from engine.geometry import sl3
from engine.geometry.homography import apply_homography, solve_homography
from tests.support.pretend_cuda import cuda_devices
from tests.support.strategies import batches, dtypes, normal, seeds, tolerance


def _grid(side: int = 4, extent: float = 1.0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    axis = torch.linspace(-extent, extent, side, dtype=dtype)
    return torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1).flatten(0, 1)


SQUARE = _grid(2)


@given(batches, dtypes, seeds, st.sampled_from([0.0, 1e-6, 0.03, 0.2]), st.sampled_from([2, 5]))
def test_recovers_the_homography(batch, dtype, seed, strength, side):
    homography = sl3.exponential(strength * normal(*batch, 8, seed=seed, dtype=dtype))
    grid = _grid(side, dtype=dtype).expand(*batch, -1, -1)
    fitted = solve_homography(grid, apply_homography(homography, grid))
    assert fitted.dtype == dtype
    assert fitted.shape == (*batch, 3, 3)
    torch.testing.assert_close(fitted, homography, atol=50 * tolerance(dtype), rtol=0)


@pytest.mark.filterwarnings("ignore:.*estimate:FutureWarning")  # its successor is too new
@pytest.mark.parametrize("noise", [0.0, 0.01, 0.3])
def test_agrees_with_scikit_image(noise):
    homography = sl3.exponential(0.2 * normal(8))
    source = 100 + 50 * normal(20, 2)
    target = 80 + 40 * apply_homography(homography, (source - 100) / 50) + noise * 10 * normal(20, 2, seed=1)
    reference = ProjectiveTransform()
    assert reference.estimate(source.numpy(), target.numpy())
    expected = reference.params / np.cbrt(np.linalg.det(reference.params))
    np.testing.assert_allclose(solve_homography(source, target).numpy(), expected, atol=1e-8, rtol=1e-7)


def test_agrees_with_colmap():
    homography = sl3.exponential(0.1 * normal(8, seed=3))
    source = _grid(6) * 100 + 200
    target = 100 * apply_homography(homography, (source - 200) / 100) + 200
    report = pycolmap.estimate_homography_matrix(source.numpy(), target.numpy())
    assert report is not None
    expected = report["H"] / np.cbrt(np.linalg.det(report["H"]))
    np.testing.assert_allclose(solve_homography(source, target).numpy(), expected, rtol=1e-5, atol=1e-5)


def test_determinant_is_one_even_for_reflections():
    grid = _grid()
    mirror = torch.tensor([-1.0, 1.0], dtype=torch.float64)
    fitted = solve_homography(grid, grid * mirror)
    assert torch.linalg.det(fitted).item() == pytest.approx(1)
    torch.testing.assert_close(apply_homography(fitted, grid), grid * mirror)


def test_points_of_weight_zero_are_ignored():
    source, target = normal(3, 12, 2), normal(3, 12, 2, seed=1)
    weights = torch.ones(3, 12, dtype=torch.float64)
    weights[:, 8:] = 0
    expected = solve_homography(source[:, :8], target[:, :8])
    target[:, 8:] = 1e4
    torch.testing.assert_close(solve_homography(source, target, weights), expected)


def test_a_weight_of_two_is_a_point_twice():
    source, target = normal(3, 10, 2), normal(3, 10, 2, seed=1)
    weights = torch.ones(3, 10, dtype=torch.float64)
    weights[:, :4] = 2
    twice = [torch.cat([points, points[:, :4]], dim=1) for points in (source, target)]
    torch.testing.assert_close(solve_homography(source, target, weights), solve_homography(*twice))


def test_noise_moves_the_fit_little():
    grid, homography = _grid(20).expand(10, -1, -1), sl3.exponential(0.1 * normal(10, 8))
    target = apply_homography(homography, grid)
    fitted = solve_homography(grid, target + 0.01 * normal(10, 400, 2, seed=5))
    assert (apply_homography(fitted, grid) - target).norm(dim=-1).mean() < 0.003


@pytest.mark.parametrize(
    "twist",
    [
        [0.0] * 8,
        [1e-9, 0, 0, 0, 0, 0, 1e-9, 0],
        [0.3, -0.2, 0, 0, 0.4, -0.2, 0, 0],
        [0, 0, -0.5, 0.5, 0, 0, 0, 0],
        [0.1, 0.2, 0.3, -0.1, 0.2, 0.1, 0.2, -0.1],
    ],
    ids=["identity", "nearly the identity", "similarity", "rotation", "far"],
)
@pytest.mark.parametrize("side", [2, 3])
def test_gradient_on_square_grids(twist, side):
    source = _grid(side).requires_grad_()
    target = apply_homography(sl3.exponential(torch.tensor(twist, dtype=torch.float64)), source)
    target = target.detach().requires_grad_()
    weights = torch.ones(side * side, dtype=torch.float64, requires_grad=True)
    assert gradcheck(solve_homography, (source, target, weights), atol=1e-5)
    inconsistent = (target.detach() + 0.1 * normal(side * side, 2)).requires_grad_()
    assert gradcheck(solve_homography, (source, inconsistent, weights), atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_single_precision_gradients_match_double(dtype):
    grid = _grid(8).to(dtype)
    target = (1.1 * grid + 0.05).requires_grad_()
    solve_homography(grid, target).mul(normal(3, 3, dtype=dtype)).sum().backward()
    exact = (1.1 * grid.double() + 0.05).requires_grad_()
    solve_homography(grid.double(), exact).mul(normal(3, 3)).sum().backward()
    assert target.grad is not None
    torch.testing.assert_close(target.grad.double(), exact.grad, atol=1e-5, rtol=1e-4)


LINE = torch.linspace(-1, 1, 6, dtype=torch.float64)[:, None] * torch.tensor([0.6, 0.8], dtype=torch.float64)
POINT = torch.full((6, 2), 0.7, dtype=torch.float64)
DEGENERATE = {
    "line to line": (LINE, 2 * LINE + 0.3),
    "line to grid": (LINE, _grid(3)[:6]),
    "grid to line": (_grid(3)[:6], LINE),
    "grid to point": (_grid(3)[:6], POINT),
    "point to grid": (POINT, _grid(3)[:6]),
    "point to point": (POINT, -POINT),
    "three points": (SQUARE[:3], 2 * SQUARE[:3] + 1),
    "two points": (SQUARE[:2], SQUARE[1:3]),
    "one point": (SQUARE[:1], SQUARE[1:2]),
    "no points": (SQUARE[:0], SQUARE[:0]),
    "three on a line": (torch.cat([LINE[:3], SQUARE[:1]]), torch.cat([2 * LINE[:3], SQUARE[:1]])),
    "folded": (SQUARE, SQUARE[[0, 1, 3, 2]]),
    "opposite": (_grid(3), _grid(3).flip(0)),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("case", DEGENERATE)
def test_degenerate_points_are_finite(case, dtype):
    for weighting in (None, 1.0, 0.0):
        source, target = (points.to(dtype).clone().requires_grad_() for points in DEGENERATE[case])
        weights = None if weighting is None else torch.full_like(source[:, 0].detach(), weighting)
        fitted = solve_homography(source, target, weights)
        assert fitted.isfinite().all()
        assert torch.linalg.det(fitted.double()).item() == pytest.approx(1, rel=1e-3)
        (fitted.square().sum() + fitted.sum()).backward()
        assert source.grad is not None
        assert target.grad is not None
        assert source.grad.isfinite().all()
        assert target.grad.isfinite().all()
        if weighting == 0:
            torch.testing.assert_close(fitted, torch.eye(3, dtype=dtype))


def _fit(device: str, points: tuple[torch.Tensor, torch.Tensor]) -> list[torch.Tensor]:
    """A homography, and the gradients of the sum of its entries weighted by numbers."""
    source, target = (part.detach().clone().to(device).requires_grad_() for part in points)
    fitted = solve_homography(source, target)
    (fitted * normal(3, 3, seed=7).to(device)).sum().backward()
    assert source.grad is not None
    assert target.grad is not None
    return [fitted.detach().cpu(), source.grad.cpu(), target.grad.cpu()]


@pytest.mark.parametrize("device", cuda_devices())
def test_a_gpu_fits_what_a_cpu_does(device):
    """Well determined: exact, noisy, square grids, several at once."""
    exact = apply_homography(sl3.exponential(0.2 * normal(3, 8)), _grid(4).expand(3, -1, -1))
    cases = [(_grid(4).expand(3, -1, -1), exact), (SQUARE, 1.1 * SQUARE + 0.05), (_grid(3), _grid(3).flip(0))]
    cases += [
        (_grid(4).expand(3, -1, -1), exact + 0.05 * normal(3, 16, 2, seed=1)),
        (normal(9, 2), normal(9, 2, seed=2)),
    ]
    for points in cases:
        with device():
            found = _fit("cuda", points)
        for one, other in zip(found, _fit("cpu", points), strict=True):
            torch.testing.assert_close(one, other, atol=1e-7, rtol=1e-5)


@pytest.mark.parametrize("device", cuda_devices())
def test_degenerate_points_are_finite_on_a_gpu_too(device):
    for source, target in DEGENERATE.values():
        with device():
            found = _fit("cuda", (source, target))
        assert all(bool(part.isfinite().all()) for part in found)
        assert torch.linalg.det(found[0]).item() == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("case", ["line to line", "three points", "two points", "one point", "point to point"])
def test_fallback_is_the_similarity(case):
    source, target = DEGENERATE[case]
    fitted = solve_homography(source, target)
    torch.testing.assert_close(apply_homography(fitted, source), target, atol=1e-5, rtol=0)
    elsewhere = fitted[2, :2].abs().max() / fitted[2, 2].abs()
    assert elsewhere < 1e-3
    linear = fitted[:2, :2]
    torch.testing.assert_close(linear[0, 0], linear[1, 1], atol=1e-3, rtol=0)
    torch.testing.assert_close(linear[0, 1], -linear[1, 0], atol=1e-3, rtol=0)


def test_not_finite_stays_in_its_patch():
    source, target = SQUARE.repeat(2, 1, 1), SQUARE.repeat(2, 1, 1)
    target[1, 0, 0] = torch.nan
    fitted = solve_homography(source, target)
    assert fitted[0].isfinite().all()
    assert fitted[1].isnan().all()


def test_horizon_is_finite():
    homography = torch.tensor([[1.0, 0, 0], [0, 1, 0], [1, 0, 0]])
    points = torch.tensor([[0.0, 1.0], [-0.0, 0.0]], requires_grad=True)
    mapped = apply_homography(homography, points)
    mapped.sum().backward()
    assert mapped.isfinite().all()
    assert points.grad is not None
    assert points.grad.isfinite().all()


@given(batches, dtypes, seeds)
def test_sl3(batch, dtype, seed):
    vector = 0.3 * normal(*batch, 8, seed=seed, dtype=dtype)
    homography = sl3.exponential(vector)
    assert homography.shape == (*batch, 3, 3)
    torch.testing.assert_close(torch.linalg.det(homography), torch.ones(batch, dtype=dtype))
    neutral = torch.eye(3, dtype=dtype).expand_as(homography)
    torch.testing.assert_close(homography @ sl3.exponential(-vector), neutral, atol=10 * tolerance(dtype), rtol=0)


def test_sl3_basis_and_gradient():
    shift = sl3.exponential(torch.tensor([0.3, -0.2, 0, 0, 0, 0, 0, 0]).double())
    torch.testing.assert_close(apply_homography(shift, SQUARE), SQUARE + torch.tensor([0.3, -0.2]))
    assert (sl3.exponential(torch.zeros(8)) == torch.eye(3)).all()
    for scale in (0.0, 0.5):
        assert gradcheck(sl3.exponential, (scale * normal(2, 8)).requires_grad_())


@pytest.mark.parametrize("device", cuda_devices())
def test_a_gpu_takes_the_exponential_that_a_cpu_does(device):
    vectors = torch.cat([scale * normal(4, 8, seed=3) for scale in (0.0, 1e-3, 0.3, 3.0)])
    expected, with_gradient = sl3.exponential(vectors), vectors.clone().requires_grad_()
    sl3.exponential(with_gradient).square().sum().backward()
    with device() as cuda:
        there = vectors.clone().to("cuda").requires_grad_()
        with cuda.watched() if cuda is not None else nullcontext([]) as waits:
            found = sl3.exponential(there)
            found.square().sum().backward()
        assert there.grad is not None
        found, gradient = found.detach().cpu(), there.grad.cpu()
    assert waits == []
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(gradient, with_gradient.grad, rtol=1e-8, atol=1e-8)
