import pytest
import roma
import torch
from hypothesis import assume, given
from torch.autograd import gradcheck

from engine.geometry import se3
from engine.geometry.procrustes import special_procrustes
from engine.geometry.rays import rays_through
from engine.geometry.rigid import solve_rigid
from tests.support.strategies import batches, dtypes, normal, poses, seeds, tolerance


def _with_singular_values(*values: float, seed: int = 0) -> torch.Tensor:
    left, right = poses(1, seed=seed)[..., :3], poses(1, angle=2.0, seed=seed + 50)[..., :3]
    return left @ torch.diag(torch.tensor(values, dtype=torch.float64)) @ right


@given(batches, dtypes, seeds)
def test_recovers_the_pose(batch, dtype, seed):
    pose, points = poses(*batch, angle=2.0, seed=seed, dtype=dtype), normal(*batch, 12, 3, seed=seed, dtype=dtype)
    fitted = solve_rigid(points, se3.transform(pose[..., None, :, :], points))
    assert fitted.dtype == dtype
    torch.testing.assert_close(fitted, pose, atol=5 * tolerance(dtype), rtol=0)


@given(dtypes, seeds)
def test_agrees_with_roma(dtype, seed):
    source, pose = normal(7, 20, 3, seed=seed, dtype=dtype), poses(7, seed=seed, dtype=dtype)
    target = se3.transform(pose[:, None], source) + 0.3 * normal(7, 20, 3, seed=seed + 1, dtype=dtype)
    weights = normal(7, 20, seed=seed + 2, dtype=dtype).square()
    for shares in (None, weights):
        rotation, translation = roma.rigid_points_registration(source, target, shares)
        expected = torch.cat([rotation, translation[..., None]], dim=-1)
        torch.testing.assert_close(solve_rigid(source, target, shares), expected, atol=5 * tolerance(dtype), rtol=0)


def test_points_of_weight_zero_are_ignored():
    source, target = normal(3, 10, 3), normal(3, 10, 3, seed=1)
    weights = torch.ones(3, 10, dtype=torch.float64)
    weights[:, 6:] = 0
    expected = solve_rigid(source[:, :6], target[:, :6])
    target[:, 6:] = 1e6
    torch.testing.assert_close(solve_rigid(source, target, weights), expected)


def test_a_weight_of_two_is_a_point_twice():
    source, target = normal(3, 10, 3), normal(3, 10, 3, seed=1)
    weights = torch.ones(3, 10, dtype=torch.float64)
    weights[:, :4] = 2
    twice = [torch.cat([points, points[:, :4]], dim=1) for points in (source, target)]
    torch.testing.assert_close(solve_rigid(source, target, weights), solve_rigid(*twice))


def test_pixels_that_agree_fit_their_pose():
    pose, plane = poses(5), normal(5, 30, 2)
    origin, direction = rays_through(pose[:, None], plane)
    on_plane = torch.cat([plane, torch.ones(5, 30, 1).double()], dim=-1)
    in_world, in_camera = torch.cat([origin + direction, origin], 1), torch.cat([on_plane, 0 * on_plane], 1)
    torch.testing.assert_close(solve_rigid(in_world, in_camera), pose)


def test_noise_moves_the_fit_little():
    source, pose = normal(20, 500, 3), poses(20)
    target = se3.transform(pose[:, None], source) + 0.01 * normal(20, 500, 3, seed=3)
    error = se3.logarithm(se3.compose(solve_rigid(source, target), se3.invert(pose)))
    assert error.abs().max() < 0.005


@pytest.mark.parametrize(
    "values",
    [(3, 2, 1), (1, 1, 1), (2, 2, 1), (2, 1, 1), (2, 1, 0), (1, 1, 0), (3, 2, -1), (2, 2, -1), (1e-4, 1e-4, 5e-5)],
    ids=str,
)
def test_gradient_of_procrustes(values):
    matrix = _with_singular_values(*values).requires_grad_()
    scale = max(values)
    assert gradcheck(
        lambda relative: special_procrustes(relative * scale), matrix.detach().div(scale).requires_grad_()
    )
    assert gradcheck(special_procrustes, matrix, eps=1e-6 * scale)


@pytest.mark.parametrize(
    "values", [(1, 0, 0), (0, 0, 0), (2, 1, -1), (1, 1, -1), (1, 1e-9, 0), (1e-25, 0, 0), (1e20, 1, 0)], ids=str
)
def test_undetermined_rotations_have_finite_gradients(values):
    for dtype in (torch.float32, torch.float64):
        matrix = _with_singular_values(*values).to(dtype).requires_grad_()
        rotation = special_procrustes(matrix)
        rotation.backward(normal(1, 3, 3).to(dtype))
        assert torch.linalg.det(rotation).item() == pytest.approx(1, abs=1e-5)
        assert matrix.grad is not None
        assert matrix.grad.isfinite().all()


@given(batches, dtypes, seeds)
def test_procrustes_agrees_with_roma(batch, dtype, seed):
    matrix = normal(*batch, 3, 3, seed=seed, dtype=dtype)
    singular = torch.linalg.svdvals(matrix.double())
    gap = singular[..., 1] + torch.linalg.det(matrix.double()).sign() * singular[..., 2]
    assume(bool((gap > 1e-3 * singular[..., 0]).all()))
    rotation = special_procrustes(matrix)
    assert rotation.dtype == dtype
    expected = roma.special_procrustes(matrix.double())
    small = 1e-6 if dtype == torch.float32 else 1e-12
    torch.testing.assert_close(rotation.double(), expected, atol=small, rtol=0)
    unit = torch.eye(3, dtype=torch.float64).expand_as(expected)
    torch.testing.assert_close(rotation.double() @ rotation.double().mT, unit, atol=small, rtol=0)


@pytest.mark.parametrize(("gap", "error"), [(1e-3, 1e-11), (1e-5, 1e-9), (1e-7, 1e-7), (0.0, 0.0)])
def test_nearly_undetermined_rotations_are_as_exact_as_rounding_allows(gap, error):
    """Singular values 1, gap, 0: the first axis is right to rounding, the others to rounding over the gap."""
    left, right = poses(200)[..., :3], poses(200, angle=2.0, seed=50)[..., :3]
    matrix = left * torch.tensor([1.0, gap, 0.0], dtype=torch.float64) @ right
    rotation = special_procrustes(matrix)
    torch.testing.assert_close(torch.linalg.det(rotation), torch.ones(200, dtype=torch.float64))
    axis = (rotation @ right[:, 0, :, None])[..., 0]
    torch.testing.assert_close(axis, left[:, :, 0], atol=1e-12, rtol=0)
    if gap > 0:
        torch.testing.assert_close(rotation, left @ right, atol=error, rtol=0)


def test_gradients_near_an_undetermined_axis_are_those_of_the_decomposition():
    """Sums of singular values far above the damping: the differential is that of U S Z V^T."""
    matrix, wanted = _with_singular_values(1.0, 3e-4, 2e-4).requires_grad_(), normal(1, 3, 3, seed=9)
    (special_procrustes(matrix) * wanted).sum().backward()
    left, singular, right = torch.linalg.svd(matrix.detach())
    flip = torch.diag(torch.tensor([1.0, 1.0, float(torch.linalg.det(left @ right))], dtype=torch.float64))
    left, singular = left @ flip, singular @ flip
    inner = left.mT @ wanted @ right.mT
    expected = left @ ((inner - inner.mT) / (singular[..., :, None] + singular[..., None, :])) @ right
    torch.testing.assert_close(matrix.grad, expected, rtol=1e-4, atol=1e-6)


def test_the_zero_matrix_gives_the_identity():
    torch.testing.assert_close(special_procrustes(torch.zeros(2, 3, 3)), torch.eye(3).expand(2, 3, 3))


def test_not_finite_stays_in_its_frame():
    matrix = torch.eye(3).repeat(3, 1, 1)
    matrix[1, 0, 0] = torch.nan
    matrix[2, 0, 0] = torch.inf
    rotation = special_procrustes(matrix)
    assert rotation[0].isfinite().all()
    assert rotation[1:].isnan().all()


@pytest.mark.parametrize("rank", [3, 2])
def test_gradient_of_the_solver(rank):
    source, target = normal(2, 6, 3), normal(2, 6, 3, seed=1)
    source[..., rank:] = 0
    weights = normal(2, 6, seed=2).square() + 0.1
    inputs = [tensor.requires_grad_() for tensor in (source, target, weights)]
    assert gradcheck(solve_rigid, inputs)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_degenerate_points_are_finite(dtype):
    line = normal(6, 1, dtype=dtype) * normal(1, 3, seed=1, dtype=dtype)
    point = torch.ones(6, 3, dtype=dtype)
    mirrored = normal(6, 3, seed=2, dtype=dtype)
    cases = [
        (line, line),
        (point, point),
        (point, line),
        (mirrored, -mirrored),
        (line[:1], line[:1]),
        (line[:0], line[:0]),
        (line[:2], point[:2]),
    ]
    for source, target in cases:
        source, target = source.clone().requires_grad_(), target.clone().requires_grad_()
        weights = torch.ones(len(source), dtype=dtype, requires_grad=True)
        for shares in (None, weights, weights * 0):
            pose = solve_rigid(source, target, shares)
            assert pose.isfinite().all()
            grads = torch.autograd.grad(pose.square().sum() + pose.sum(), [source, target])
            assert all(grad.isfinite().all() for grad in grads)
    torch.testing.assert_close(solve_rigid(mirrored, mirrored, weights.new_zeros(6)), se3.identity(dtype=dtype))
