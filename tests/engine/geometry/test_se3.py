import math

import pytest
import roma
import torch
from hypothesis import given
from torch.autograd import gradcheck, gradgradcheck

from engine.geometry import se3
from tests.support.strategies import angles, batches, dtypes, normal, poses, seeds, tolerance, twists

ANGLES = [0.0, 1e-9, 1e-4, 0.3, 0.999, 1.001, 2.0, 3.1]


@given(batches, dtypes, seeds, angles)
def test_exponential_gives_proper_poses(batch, dtype, seed, angle):
    pose = se3.exponential(twists(*batch, angle=angle, seed=seed, dtype=dtype))
    assert pose.shape == (*batch, 3, 4)
    assert pose.dtype == dtype
    rotation = pose[..., :3]
    eye = torch.eye(3, dtype=dtype).expand_as(rotation)
    torch.testing.assert_close(rotation @ rotation.mT, eye, atol=tolerance(dtype), rtol=0)
    torch.testing.assert_close(
        torch.linalg.det(rotation), torch.ones(batch, dtype=dtype), atol=tolerance(dtype), rtol=0
    )


@given(batches, dtypes, seeds, angles)
def test_logarithm_undoes_exponential(batch, dtype, seed, angle):
    angle = min(angle, 3.14)  # at half a turn the rotation vector has two values
    twist = twists(*batch, angle=angle, seed=seed, dtype=dtype)
    back = se3.logarithm(se3.exponential(twist))
    torch.testing.assert_close(back, twist, atol=50 * tolerance(dtype), rtol=0)


@given(batches, dtypes, seeds, angles)
def test_exponential_undoes_logarithm(batch, dtype, seed, angle):
    pose = poses(*batch, angle=angle, seed=seed, dtype=dtype)
    torch.testing.assert_close(se3.exponential(se3.logarithm(pose)), pose, atol=5 * tolerance(dtype), rtol=0)


def test_logarithm_at_exactly_half_a_turn():
    for axis in torch.cat([torch.eye(3), -torch.eye(3), torch.ones(1, 3) / math.sqrt(3)]).double():
        rotation = 2 * axis[:, None] * axis - torch.eye(3, dtype=torch.float64)
        pose = torch.cat([rotation, torch.ones(3, 1, dtype=torch.float64)], dim=-1)
        torch.testing.assert_close(se3.exponential(se3.logarithm(pose)), pose)
        assert se3.logarithm(pose)[:3].norm().item() == pytest.approx(math.pi)


@given(batches, dtypes, seeds)
def test_group(batch, dtype, seed):
    a, b = poses(*batch, seed=seed, dtype=dtype), poses(*batch, angle=2.0, seed=seed + 9, dtype=dtype)
    points = normal(*batch, 3, seed=seed, dtype=dtype)
    close = {"atol": tolerance(dtype), "rtol": 0}
    neutral = se3.identity(*batch, dtype=dtype)
    torch.testing.assert_close(se3.compose(a, se3.invert(a)), neutral, **close)
    torch.testing.assert_close(se3.compose(neutral, a), a, **close)
    torch.testing.assert_close(se3.compose(a, neutral), a, **close)
    both = se3.transform(se3.compose(a, b), points)
    torch.testing.assert_close(both, se3.transform(a, se3.transform(b, points)), **close)
    torch.testing.assert_close(se3.transform(a, se3.camera_centre(a)), torch.zeros_like(points), **close)
    torch.testing.assert_close(se3.rotate(a, points), se3.transform(a, points) - a[..., 3], **close)


def test_one_pose_per_frame_moves_many_points():
    pose, points = poses(4), normal(4, 7, 3)
    expected = points @ pose[..., :3].mT + pose[:, None, :, 3]
    torch.testing.assert_close(se3.transform(pose[:, None], points), expected)


@given(seeds, angles, dtypes)
def test_rotation_against_roma(seed, angle, dtype):
    twist = twists(6, angle=angle, seed=seed, dtype=dtype)
    rotation = se3.exponential(twist)[..., :3]
    torch.testing.assert_close(rotation, roma.rotvec_to_rotmat(twist[:, :3]), atol=tolerance(dtype), rtol=0)


def test_exponential_against_the_matrix_exponential():
    twist = twists(8, angle=2.5)
    generator = torch.zeros(8, 4, 4, dtype=torch.float64)
    generator[:, :3, :3] = torch.linalg.cross(twist[:, None, :3], torch.eye(3).double()[None]).mT
    generator[:, :3, 3] = twist[:, 3:]
    torch.testing.assert_close(se3.exponential(twist), torch.linalg.matrix_exp(generator)[:, :3])


@pytest.mark.parametrize("angle", [0.0, 1e-12, 1e-8, 1e-5, 1e-3, 0.5, 3.0, math.pi - 1e-3, math.pi - 1e-6])
def test_rotation_angle(angle):
    for dtype in (torch.float32, torch.float64):
        rotation = poses(20, angle=angle, dtype=dtype)[..., :3]
        error = (se3.rotation_angle(rotation) - angle).abs().max().item()
        assert error < (1e-6 if dtype == torch.float32 else 1e-14)
        if angle:  # the tiny ones are relatively accurate too
            assert error < angle * (1e-5 if dtype == torch.float32 else 1e-10)


def test_rotation_angle_of_a_rotation_that_is_not_quite_one():
    rotation = torch.eye(3) * (1 + 3e-7)
    rotation.requires_grad_()
    angle = se3.rotation_angle(rotation)
    angle.backward()
    assert angle.item() == 0
    assert rotation.grad is not None
    assert rotation.grad.isfinite().all()


def test_orthonormalise():
    rotation = poses(9)[..., :3]
    torch.testing.assert_close(se3.orthonormalise(rotation), rotation)
    nearby = se3.orthonormalise(1.3 * rotation + 1e-3 * normal(9, 3, 3))
    assert se3.rotation_angle(nearby.mT @ rotation).max() < 5e-3


@pytest.mark.parametrize("angle", ANGLES)
def test_gradients_of_exponential(angle):
    twist = twists(2, angle=angle).requires_grad_()
    assert gradcheck(se3.exponential, twist)
    assert gradgradcheck(se3.exponential, twist)


@pytest.mark.parametrize("angle", [*ANGLES, 0.1, 0.199, 0.201])
def test_gradients_of_logarithm(angle):
    pose = poses(2, angle=angle).requires_grad_()
    assert gradcheck(se3.logarithm, pose)
    assert gradgradcheck(se3.logarithm, pose)


def test_derivatives_at_zero_in_single_precision():
    twist = torch.zeros(3, 6, requires_grad=True)
    pose = se3.exponential(twist)
    (first,) = torch.autograd.grad((pose * normal(3, 3, 4, dtype=torch.float32)).sum(), twist, create_graph=True)
    (second,) = torch.autograd.grad(first.square().sum(), twist)
    assert first.isfinite().all()
    assert second.isfinite().all()
    assert first.abs().min() > 0
