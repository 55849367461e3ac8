"""When matched rays meet, and what their distance says."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.evidence.ray_meeting import ray_gaps, robust_mean
from tests.support.strategies import normal, poses, seeds


def meeting_rays(seed: int, count: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    """Pairs of rays that meet in front of both origins."""
    origins = normal(count, 2, 3, seed=seed)
    points = normal(count, 1, 3, seed=seed + 1) + torch.tensor([0.0, 0.0, 8.0], dtype=torch.float64)
    depth = 0.5 + torch.rand(count, 2, 1, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return origins, (points - origins) * depth


@given(seed=seeds)
def test_rays_that_meet_have_no_gap(seed):
    assert ray_gaps(*meeting_rays(seed)).max() < 1e-6


@given(seed=seeds, size=st.sampled_from([1e-3, 1e-2]))
def test_the_gap_is_about_the_angle_that_rays_are_off(seed, size):
    origins, directions = meeting_rays(seed)
    off = torch.nn.functional.normalize(torch.linalg.cross(directions[:, 0], origins[:, 1] - origins[:, 0]), dim=-1)
    turned = directions.clone()
    turned[:, 0] += size * directions[:, 0].norm(dim=-1, keepdim=True) * off
    gaps = ray_gaps(origins, turned)
    assert (gaps < 1.01 * size).all()  # shared between both rays: at most the whole angle
    assert (gaps > 0.3 * size).all()


@given(seed=seeds, scale=st.sampled_from([1e-3, 1.0, 1e4]))
def test_it_depends_neither_on_the_world_nor_on_its_unit(seed, scale):
    origins, directions = normal(6, 2, 3, seed=seed), normal(6, 2, 3, seed=seed + 1)
    turn = poses(angle=1.0, seed=seed)
    moved = scale * (origins @ turn[:, :3].mT + turn[:, 3])
    torch.testing.assert_close(
        ray_gaps(origins, directions), ray_gaps(moved, directions @ turn[:, :3].mT), rtol=1e-4, atol=1e-6
    )


def test_without_a_baseline_it_is_the_distance_of_the_directions():
    directions = normal(9, 2, 3, seed=3)
    unit = torch.nn.functional.normalize(directions, dim=-1)
    ahead = (unit[:, 0] * unit[:, 1]).sum(-1) > 0
    gaps = ray_gaps(torch.zeros(9, 2, 3, dtype=torch.float64), directions)
    expected = (unit[:, 0] - unit[:, 1]).norm(dim=-1) / 2**0.5
    torch.testing.assert_close(gaps[ahead], expected[ahead], rtol=1e-6, atol=1e-6)


def test_rays_that_meet_behind_have_a_gap():
    origins, directions = meeting_rays(5)
    assert ray_gaps(origins, -directions).min() > 0.01


@given(seed=seeds)
@settings(max_examples=20, deadline=None)
def test_gradients(seed):
    """Where the depths are held: by finite differences of the whole, which has the same gradient at a minimum."""
    origins, directions = meeting_rays(seed, count=1)
    directions = directions + 0.3 * normal(1, 2, 3, seed=seed + 7)
    arguments = (origins.requires_grad_(), directions.requires_grad_())
    gap = ray_gaps(*arguments)
    if float(gap.detach()) < 1e-2:
        return
    assert torch.autograd.gradcheck(lambda o, d: ray_gaps(o, d), arguments, atol=1e-3, rtol=1e-2)


def test_equal_and_opposite_rays_have_finite_gradients():
    origins = torch.zeros(4, 2, 3, dtype=torch.float64, requires_grad=True)
    directions = torch.tensor(
        [[[0, 0, 1], [0, 0, 1]], [[0, 0, 1], [0, 0, -1]], [[1, 0, 0], [0, 1, 0]], [[0, 0, 5], [0, 0, 1e-3]]],
        dtype=torch.float64,
        requires_grad=True,
    )
    gaps = ray_gaps(origins, directions, 0.1)
    gaps.sum().backward()
    assert gaps.isfinite().all()
    assert origins.grad is not None
    assert origins.grad.isfinite().all()
    assert directions.grad is not None
    assert directions.grad.isfinite().all()


def test_wrong_matches_pull_less_the_farther_they_are_off():
    gaps = torch.tensor([0.001, 0.01, 0.1, 1.0], dtype=torch.float64, requires_grad=True)
    robust_mean(gaps, torch.ones(4, dtype=torch.float64), 0.01).backward()
    assert gaps.grad is not None
    assert gaps.grad[1] > gaps.grad[0] > 0
    assert gaps.grad[1] > 4 * gaps.grad[2] > 16 * gaps.grad[3] > 0
    assert float(robust_mean(gaps.detach(), torch.zeros(4, dtype=torch.float64), 0.01)) == 0.0
