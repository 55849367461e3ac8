"""The encoding: compiled kernels against the reference in torch, which is checked against finite differences."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numba
import pytest
import torch
from torch import Tensor

from engine.fields.hash import compiled, reference
from engine.fields.hash.decoder import spherical_harmonics
from engine.fields.hash.options import DEFAULT
from engine.fields.hash.tables import Tables, make_levels, make_tables

WEIGHTS = torch.tensor([1.0, 1.0, 0.3])  # the fourth level is closed
BACKENDS = pytest.mark.parametrize("backend", [compiled, reference], ids=["compiled", "torch"])


def tables(reach: float = 1.0) -> Tables:
    """Four levels, the last two of them hashed; as many cells along each axis as along no other."""
    levels = make_levels((40, 33, 26), reach, count=4, table=1024)
    return make_tables(levels, DEFAULT.features, 1.0, torch.Generator().manual_seed(0))


def points(count: int = 500, beyond: float = 0.2) -> Tensor:
    """Some of them outside of the unit cube."""
    return torch.rand(count, 3, generator=torch.Generator().manual_seed(1)) * (1 + 2 * beyond) - beyond


@contextmanager
def threads(count: int) -> Iterator[None]:
    before = numba.get_num_threads()
    numba.set_num_threads(count)
    try:
        yield
    finally:
        numba.set_num_threads(before)


def gradients(backend, made: Tables, at: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Features; gradients of a weighted sum of them by the points and by the entries."""
    at = at.clone().requires_grad_()
    features = backend.encode(at, made, WEIGHTS, gathers=True)
    weights = torch.randn(features.shape, generator=torch.Generator().manual_seed(2))
    (features * weights.to(features)).sum().backward()
    assert at.grad is not None
    return features.detach(), at.grad, made.gradient.clone()


def test_levels_halve_their_cells_and_share_entries_where_there_are_more_points() -> None:
    levels = tables().levels
    assert levels.sizes == ((6, 5, 4), (11, 9, 7), (21, 17, 14), (41, 34, 27))
    assert [levels.is_hashed(level) for level in range(4)] == [False, False, True, True]
    assert levels.offsets == (0, 120, 813, 1837, 2861)


def test_lattices_reach_beyond_the_volume_where_a_world_may_grow() -> None:
    made = tables(reach=2.0)
    assert made.levels.sizes[0] == (6, 5, 7)
    inside, outside = (reference.encode(torch.tensor([[0.5, 0.5, z]]), made, torch.ones(1), False) for z in (1.0, 1.4))
    assert not torch.allclose(inside, outside)


@pytest.mark.parametrize("reach", [1.0, 2.0])
def test_kernels_are_the_reference(reach: float) -> None:
    for one, other in zip(
        gradients(compiled, tables(reach), points()), gradients(reference, tables(reach), points()), strict=True
    ):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@BACKENDS
def test_at_a_lattice_point_the_features_are_its_entry(backend) -> None:
    made = tables()
    x, y, z = 3, 2, 1  # of the coarsest level, of 6 x 5 x 4 points
    entry = made.values[(z * 5 + y) * 6 + x]
    found = backend.encode(torch.tensor([[x / 5, y / 4, z / 3]]), made, torch.tensor([0.5]), False)
    torch.testing.assert_close(found[0], 0.5 * entry)


def test_the_reference_has_the_derivatives_that_it_says() -> None:
    made = tables()
    made.values, made.gradient = made.values.double(), made.gradient.double()
    at = points(20, beyond=-0.01).double()
    assert torch.autograd.gradcheck(lambda p: reference.encode(p, made, WEIGHTS, False), at.requires_grad_())
    # Features are linear in the entries, so that the gradient tells the whole function.
    features, _, gradient = gradients(reference, made, at.detach())
    weights = torch.randn(features.shape, generator=torch.Generator().manual_seed(2)).double()
    torch.testing.assert_close((gradient * made.values).sum(), (features * weights).sum())


@BACKENDS
def test_nothing_is_gathered_unless_it_is_asked_for(backend) -> None:
    made, at = tables(), points().requires_grad_()
    backend.encode(at, made, WEIGHTS, gathers=False).sum().backward()
    assert at.grad is not None
    assert at.grad.abs().sum() > 0
    assert made.gradient.abs().sum() == 0


@BACKENDS
def test_entries_learn_from_points_that_do_not(backend) -> None:
    both, alone = tables(), tables()
    for made, at in ((both, points().requires_grad_()), (alone, points())):
        backend.encode(at, made, WEIGHTS, gathers=True).square().sum().backward()
    assert alone.gradient.abs().sum() > 0
    torch.testing.assert_close(alone.gradient, both.gradient)


@BACKENDS
def test_a_number_that_is_none_is_seen(backend) -> None:
    features = backend.encode(torch.tensor([[0.5, torch.nan, 0.5]]), tables(), WEIGHTS, False)
    assert features.isnan().any()


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one thread only")
def test_it_is_the_same_to_the_bit_with_any_number_of_threads() -> None:
    results = []
    for count in (1, 2):
        with threads(count):
            made = tables()
            found = gradients(compiled, made, points(3000))
            compiled.optimise(made, 0.1, 3, DEFAULT)
            results.append((*found, made.values))
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)


def test_a_step_of_adam_is_that_of_the_reference_and_leaves_the_rest_alone() -> None:
    one, other, before = tables(), tables(), tables()
    for step in range(3):
        for made, backend in ((one, compiled), (other, reference)):
            gradients(backend, made, points(40 + step))
            untouched = (made.gradient == 0).all(dim=-1)
            still = made.values[untouched].clone()
            backend.optimise(made, 0.1, 3, DEFAULT)
            assert torch.equal(made.values[untouched], still)
            assert made.gradient.abs().sum() == 0
    for name in ("values", "first", "second"):
        torch.testing.assert_close(getattr(one, name), getattr(other, name), rtol=1e-3, atol=1e-5)
    assert (one.values - before.values).abs().max() > 0.1


def test_a_gradient_that_is_not_finite_counts_as_zero_in_plain_torch_for_no_gpu_is_asked() -> None:
    one, other = tables(), tables()
    for made in (one, other):
        made.gradient.copy_(torch.linspace(-1, 1, made.gradient.numel()).view_as(made.gradient))
    one.gradient[7, 2], one.gradient[9] = torch.nan, torch.inf
    other.gradient[7, 2], other.gradient[9] = 0.0, 0.0
    for made in (one, other):
        reference.optimise(made, 0.1, 3, DEFAULT)
    assert torch.equal(one.values, other.values)
    assert torch.equal(one.second, other.second)


def test_harmonics_are_orthogonal_on_the_sphere() -> None:
    directions = torch.randn(200_000, 3, generator=torch.Generator().manual_seed(0))
    values = spherical_harmonics(torch.nn.functional.normalize(directions, dim=-1))
    values = values / values.square().mean(0).sqrt()
    assert values.mean(0).abs().max() < 0.01
    torch.testing.assert_close(values.T @ values / len(values), torch.eye(15), atol=0.02, rtol=0.0)
