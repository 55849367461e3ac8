import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.autograd import gradcheck

from engine.config.methods import METHODS
from engine.fields.mlp.encoding import band_weights, bands_open, encode, encoded_size

bands = st.integers(1, 10)


def values(seed: int = 0) -> torch.Tensor:
    return torch.rand(7, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 2 - 1


@given(bands)
def test_closed_bands_leave_the_values_and_zeros(count):
    encoded = encode(values(), count, band_weights(0.0, count))
    assert encoded.shape == (7, encoded_size(3, count))
    assert (encoded[:, :3] == values()).all()
    assert (encoded[:, 3:] == 0).all()


@given(bands)
def test_all_open_is_the_plain_encoding(count):
    assert (band_weights(float(count), count) == 1).all()
    torch.testing.assert_close(encode(values(), count, band_weights(float(count), count)), encode(values(), count))


def test_the_plain_encoding_is_nerfs():
    encoded = encode(values(), 4)
    waves = encoded[:, 3:].unflatten(-1, (2, 3, 4))
    for k in range(4):
        torch.testing.assert_close(waves[:, 0, :, k], torch.sin(2**k * math.pi * values()))
        torch.testing.assert_close(waves[:, 1, :, k], torch.cos(2**k * math.pi * values()))


def test_no_bands_are_raw_coordinates():
    assert (encode(values(), 0) == values()).all()
    assert encoded_size(3, 0) == 3


@given(bands, st.floats(0, 1))
def test_weights_open_in_order_and_smoothly(count, fraction):
    alpha = fraction * count
    weights, later = band_weights(alpha, count), band_weights(alpha + 1e-3, count)
    assert ((weights >= 0) & (weights <= 1)).all()
    assert (weights.diff() <= 0).all()
    assert (later >= weights).all()
    assert (later - weights).max() <= math.pi / 2 * 1e-3 + 1e-6  # the steepest that the cosine gets


def test_the_published_weight():
    expected = [1.0, 1.0, (1 - math.cos(0.3 * math.pi)) / 2, 0.0]
    torch.testing.assert_close(band_weights(2.3, 4), torch.tensor(expected))


@pytest.mark.parametrize("method", ["l2g", "barf"])
def test_registration_opens_between_a_tenth_and_half_of_the_run(method):
    assert [bands_open(METHODS[method].bands, fraction, 10) for fraction in (0.0, 0.1, 0.5, 1.0)] == [0, 0, 10, 10]
    assert bands_open(METHODS[method].bands, 0.3, 10) == pytest.approx(5)


@pytest.mark.parametrize(("method", "alpha"), [("naive", 8.0), ("reference", 8.0), ("no-encoding", 0.0)])
def test_the_other_methods_open_nothing_as_they_run(method, alpha):
    assert {bands_open(METHODS[method].bands, fraction, 8) for fraction in (0.0, 0.2, 1.0)} == {alpha}


def test_gradients():
    weights = band_weights(1.6, 3).double()
    assert gradcheck(lambda x: encode(x, 3, weights), (values().requires_grad_(),))


def test_a_closed_band_has_no_gradient():
    x = values().requires_grad_()
    encode(x, 6, band_weights(0.0, 6)).sum().backward()
    assert x.grad is not None
    torch.testing.assert_close(x.grad, torch.ones_like(x))
