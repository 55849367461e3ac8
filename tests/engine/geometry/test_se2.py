import math

import pytest
import torch
from hypothesis import given
from torch.autograd import gradcheck, gradgradcheck

from engine.geometry import se2, se3
from engine.geometry.rigid import solve_rigid, solve_rigid_planar
from tests.support.strategies import angles, batches, dtypes, normal, seeds, tolerance


def _twists(*batch: int, angle: float, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    twist = normal(*batch, 3, seed=seed, dtype=dtype)
    twist[..., 0] = angle
    return twist


@given(batches, dtypes, seeds, angles)
def test_exponential_and_logarithm(batch, dtype, seed, angle):
    for signed in (angle, -angle):
        twist = _twists(*batch, angle=signed, seed=seed, dtype=dtype)
        motion = se2.exponential(twist)
        assert motion.shape == (*batch, 2, 3)
        assert motion.dtype == dtype
        torch.testing.assert_close(se2.exponential(se2.logarithm(motion)), motion, atol=5 * tolerance(dtype), rtol=0)
        if angle < 3.141:
            torch.testing.assert_close(se2.logarithm(motion), twist, atol=5 * tolerance(dtype), rtol=0)


@given(seeds, angles)
def test_is_space_seen_from_above(seed, angle):
    twist = _twists(4, angle=angle, seed=seed)
    flat = torch.zeros(4, 6, dtype=torch.float64)
    flat[:, [2, 3, 4]] = twist
    expected = se3.exponential(flat)[:, :2][..., [0, 1, 3]]
    torch.testing.assert_close(se2.exponential(twist), expected, atol=1e-12, rtol=0)


@given(batches, dtypes, seeds)
def test_group(batch, dtype, seed):
    a = se2.exponential(normal(*batch, 3, seed=seed, dtype=dtype))
    b = se2.exponential(normal(*batch, 3, seed=seed + 1, dtype=dtype))
    points = normal(*batch, 2, seed=seed, dtype=dtype)
    close = {"atol": 5 * tolerance(dtype), "rtol": 0}
    neutral = se2.identity(*batch, dtype=dtype)
    torch.testing.assert_close(se2.compose(a, se2.invert(a)), neutral, **close)
    torch.testing.assert_close(se2.compose(a, neutral), a, **close)
    both = se2.transform(se2.compose(a, b), points)
    torch.testing.assert_close(both, se2.transform(a, se2.transform(b, points)), **close)


@pytest.mark.parametrize("angle", [0.0, 1e-9, -0.4, 0.999, 1.001, 3.0])
def test_gradients(angle):
    twist = _twists(2, angle=angle).requires_grad_()
    motion = se2.exponential(twist).detach().requires_grad_()
    assert gradcheck(se2.exponential, twist)
    assert gradgradcheck(se2.exponential, twist)
    assert gradcheck(se2.logarithm, motion)
    assert gradgradcheck(se2.logarithm, motion)


@given(batches, dtypes, seeds)
def test_solver_recovers_the_motion(batch, dtype, seed):
    motion = se2.exponential(normal(*batch, 3, seed=seed, dtype=dtype))
    points = normal(*batch, 9, 2, seed=seed, dtype=dtype)
    fitted = solve_rigid_planar(points, se2.transform(motion[..., None, :, :], points))
    torch.testing.assert_close(fitted, motion, atol=5 * tolerance(dtype), rtol=0)


def test_solver_agrees_with_the_one_in_space():
    source, target = normal(5, 8, 2), normal(5, 8, 2, seed=1)
    weights = normal(5, 8, seed=2).square()
    lift = torch.zeros(5, 8, 1, dtype=torch.float64)
    # a large third singular value keeps the rotation in space in the plane
    posts = torch.cat([torch.zeros(5, 2, 2).double(), torch.tensor([[1e3], [-1e3]]).double().expand(5, 2, 1)], dim=-1)
    mean = (weights[..., None] * source).sum(1, keepdim=True) / weights.sum(1)[:, None, None]
    goal = (weights[..., None] * target).sum(1, keepdim=True) / weights.sum(1)[:, None, None]
    flat_mean, flat_goal = (torch.nn.functional.pad(centroid, (0, 1)) for centroid in (mean, goal))
    in_space = solve_rigid(
        torch.cat([torch.cat([source, lift], dim=-1), flat_mean + posts], dim=1),
        torch.cat([torch.cat([target, lift], dim=-1), flat_goal + posts], dim=1),
        torch.cat([weights, torch.ones(5, 2).double()], dim=1),
    )
    expected = in_space[:, :2][..., [0, 1, 3]]
    torch.testing.assert_close(solve_rigid_planar(source, target, weights), expected, atol=1e-6, rtol=0)


def test_gradient_of_the_solver():
    inputs = (normal(2, 5, 2), normal(2, 5, 2, seed=1), normal(2, 5).square() + 0.1)
    assert gradcheck(solve_rigid_planar, [tensor.requires_grad_() for tensor in inputs])
    line = torch.cat([normal(5, 1), torch.zeros(5, 1).double()], dim=-1).requires_grad_()
    assert gradcheck(lambda points: solve_rigid_planar(points, points * 2), line)


def test_degenerate_points_are_finite():
    point, square = torch.ones(4, 2), torch.tensor([[1.0, 1], [1, -1], [-1, -1], [-1, 1]])
    for source, target in [(point, square), (square, point), (square, square * torch.tensor([1.0, -1.0]))]:
        source, target = source.clone().requires_grad_(), target.clone().requires_grad_()
        motion = solve_rigid_planar(source, target)
        motion.sum().backward()
        torch.testing.assert_close(motion[:, :2], torch.eye(2))
        assert source.grad is not None
        assert source.grad.isfinite().all()
    no_weight = solve_rigid_planar(square, square + 1, torch.zeros(4))
    torch.testing.assert_close(no_weight, se2.identity())


def test_angle_is_signed():
    motion = se2.exponential(torch.tensor([[-3.0, 0, 0], [1e-8, 0, 0]]).double())
    assert se2.rotation_angle(motion).tolist() == pytest.approx([-3.0, 1e-8])
    assert se2.rotation_angle(torch.eye(2) * -1).abs().item() == pytest.approx(math.pi)
