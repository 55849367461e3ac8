import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from engine.fields.rendering import composite, transmittance_weights


def media(seed: int, samples: int, scale: float) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    density = torch.rand(5, samples, generator=generator, dtype=torch.float64) * scale
    return density, torch.rand(5, samples, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("samples", [1, 2, 7, 100])
def test_constant_density_is_beers_law_whatever_the_samples(samples):
    edges = torch.linspace(0, 3, samples + 1).double().square() / 3
    _, left = transmittance_weights(torch.full((1, samples), 0.7).double(), edges.diff()[None])
    assert left.item() == pytest.approx(math.exp(-0.7 * 3))


def test_two_slabs_in_closed_form():
    density, lengths = torch.tensor([[0.5, 0.0, 2.0]]).double(), torch.tensor([[1.0, 3.0, 0.25]]).double()
    weights, left = transmittance_weights(density, lengths)
    first, last = 1 - math.exp(-0.5), math.exp(-0.5) * (1 - math.exp(-0.5))
    torch.testing.assert_close(weights, torch.tensor([[first, 0.0, last]]).double())
    colours = torch.tensor([[[1.0, 0, 0], [0, 1, 0], [0, 0, 1]]]).double()
    seen = composite(weights, colours, torch.tensor([[0.5, 2.5, 4.1]]).double(), torch.ones(3).double(), end=9.0)
    behind = math.exp(-1)
    torch.testing.assert_close(seen.colour, torch.tensor([[first + behind, behind, last + behind]]).double())
    assert left.item() == pytest.approx(behind)
    assert seen.opacity.item() == pytest.approx(1 - behind)
    assert seen.position.item() == pytest.approx(first * 0.5 + last * 4.1 + behind * 9)


def test_splitting_an_interval_changes_nothing():
    density, lengths = media(0, 6, 5.0)
    weights, left = transmittance_weights(density, lengths)
    halves, same = transmittance_weights(density.repeat_interleave(2, -1), lengths.repeat_interleave(2, -1) / 2)
    torch.testing.assert_close(halves.unflatten(-1, (6, 2)).sum(-1), weights)
    torch.testing.assert_close(same, left)


@given(st.integers(0, 1000), st.integers(1, 40), st.sampled_from([1e-6, 1.0, 1e3, 1e12]))
def test_weights_and_transmittance_sum_to_one(seed, samples, scale):
    density, lengths = media(seed, samples, scale)
    weights, left = transmittance_weights(density.float(), lengths.float())
    assert (weights >= 0).all()
    assert (left >= 0).all()
    torch.testing.assert_close(weights.sum(-1) + left, torch.ones(5), atol=2e-6, rtol=0)


@given(st.integers(0, 1000), st.integers(2, 20))
def test_denser_in_front_leaves_less_behind(seed, samples):
    density, lengths = media(seed, samples, 3.0)
    weights, left = transmittance_weights(density, lengths)
    denser = density.clone()
    denser[:, 0] += 1
    shadowed, less = transmittance_weights(denser, lengths)
    assert (less <= left).all()
    assert (shadowed[:, 0] >= weights[:, 0]).all()
    assert (shadowed[:, 1:] <= weights[:, 1:]).all()


def test_thin_media_are_computed_precisely():
    weights, _ = transmittance_weights(torch.tensor([[1e-9]]), torch.tensor([[1.0]]))
    assert weights.item() == pytest.approx(1e-9)


@pytest.mark.parametrize("density", [0.0, 1e30, math.inf])
@pytest.mark.parametrize("length", [0.0, 1e30, math.inf])
def test_values_and_gradients_are_finite_at_the_ends_of_the_range(density, length):
    sigma = torch.full((2, 4), density, requires_grad=True)
    delta = torch.full((2, 4), length, requires_grad=True)
    weights, left = transmittance_weights(sigma, delta)
    (weights.square().sum() + left.sum()).backward()
    for tensor in (weights, left, sigma.grad, delta.grad):
        assert tensor is not None
        assert tensor.isfinite().all()


def test_nan_reaches_the_result():
    weights, left = transmittance_weights(torch.tensor([[1.0, math.nan]]), torch.ones(1, 2))
    assert weights[0, 1].isnan()
    assert left.isnan().all()


@pytest.mark.parametrize("with_background", [True, False])
def test_gradients(with_background):
    density, lengths = media(3, 5, 2.0)
    colours, positions = torch.rand(5, 5, 3).double(), torch.rand(5, 5).double()
    background = torch.rand(3).double() if with_background else None

    def render(density, lengths, colours, positions):
        weights, left = transmittance_weights(density, lengths)
        return *composite(weights, colours, positions, background), left

    inputs = [tensor.requires_grad_() for tensor in (density, lengths, colours, positions)]
    assert gradcheck(render, inputs)
