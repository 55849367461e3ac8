"""Positional encoding whose frequencies open from coarse to fine (BARF, arXiv 2104.06405, section 3.3)."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from engine.config.methods import Bands

OPENING = (0.1, 0.5)  # the part of the run over which the bands open, as in BARF's and L2G-NeRF's code


def encoded_size(channels: int, bands: int) -> int:
    """How many numbers `encode` makes of `channels`."""
    return channels * (1 + 2 * bands)


def bands_open(which: Bands, fraction: float, bands: int, opening: tuple[float, float] = OPENING) -> float:
    """How many bands are open, alpha in [0, bands], when `fraction` in [0, 1] of the run is done.

    Args:
        which: `coarse-to-fine` opens them one after the other over `opening`; `all` or `none` are open throughout.
        fraction: of the run that is done, in [0, 1].
        bands: how many there are.
        opening: the part of the run over which they open.
    """
    if which == "none":
        return 0.0
    if which == "all":
        return float(bands)
    first, last = opening
    return min(max((fraction - first) / (last - first), 0.0), 1.0) * bands


def band_weights(alpha: float, bands: int, device: torch.device | str | None = None) -> Float[Tensor, " bands"]:
    r"""The weight of every band.

    .. math:: w_k(\alpha) = (1 - \cos(\pi \, clamp(\alpha - k, 0, 1))) / 2

    Args:
        alpha: in [0, bands]: 0 closes all bands, `bands` opens all.
    Returns:
        weights in [0, 1], not increasing with k.
    Reference:
        BARF, equation 14.
    """
    opened = (alpha - torch.arange(bands, dtype=torch.float32, device=device)).clamp(0, 1)
    return (1 - torch.cos(math.pi * opened)) / 2


def encode(
    values: Float[Tensor, "*batch channels"], bands: int, weights: Float[Tensor, " bands"] | None = None
) -> Float[Tensor, "*batch encoded"]:
    r"""The values themselves, then their sines, then their cosines at rising frequencies.

    .. math:: \gamma(x) = [x, w_k \sin(2^k \pi x), w_k \cos(2^k \pi x)], \quad k = 0 \dots bands - 1

    The weight also scales the gradient with respect to the values: a closed band does not pull at a pose.

    Args:
        values: around 1 in size, for the lowest band to vary slowly over the scene.
        bands: number of frequencies; 0 gives the values back.
        weights: of the bands; None for 1.
    Returns:
        `encoded_size(channels, bands)` numbers, bands fastest.
    """
    if bands == 0:
        return values
    frequencies = math.pi * 2.0 ** torch.arange(bands, dtype=values.dtype, device=values.device)
    angles = values[..., None] * frequencies
    waves = torch.stack([torch.sin(angles), torch.cos(angles)], dim=-3)
    if weights is not None:
        waves = waves * weights.to(waves)
    return torch.cat([values, waves.flatten(-3)], dim=-1)


def count_open(alpha: float, bands: int) -> int:
    """How many of the bands are open at all: the first so many; see `bands_open`."""
    return min(math.ceil(alpha), bands)


def encode_open(
    values: Float[Tensor, "*batch channels"], weights: Float[Tensor, " open"]
) -> Float[Tensor, "*batch encoded"]:
    """`encode`, but only of the bands that are open at all, and band by band.

    What is left out is zero: a layer takes the first columns of its weights, and a coarse stage costs less.

    Args:
        values: as in `encode`.
        weights: the first `count_open` of `band_weights`.
    Returns:
        `encoded_size(channels, len(weights))` numbers: the values, then sines and cosines of each band.
    """
    count = len(weights)
    if count == 0:
        return values
    frequencies = math.pi * 2.0 ** torch.arange(count, dtype=values.dtype, device=values.device)
    angles = frequencies[:, None] * values[..., None, :]
    waves = torch.stack([torch.sin(angles), torch.cos(angles)], dim=-2) * weights.to(values)[:, None, None]
    return torch.cat([values, waves.flatten(-3)], dim=-1)
