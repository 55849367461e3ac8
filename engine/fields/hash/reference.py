"""The hash encoding in torch: what the kernels are tested against, and what a GPU uses that has none of them."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from engine.fields.hash.options import HashOptions
from engine.fields.hash.tables import Tables
from engine.geometry.numerics import make_constant

_CORNERS = tuple(number >> axis & 1 for number in range(8) for axis in range(3))  # of a cell, (x, y, z) of each
_PRIMES = (1, 2654435761, 805459861)  # of instant-ngp's hash, arXiv 2201.05989, equation 4


def _entries(tables: Tables, level: int, corner: Int64[Tensor, "*batch 3"]) -> Int64[Tensor, "*batch"]:
    """The entries of lattice points (x, y, z) of a level."""
    wide, high, _ = tables.levels.sizes[level]
    first, end = tables.levels.offsets[level : level + 2]
    x, y, z = corner.unbind(-1)
    if not tables.levels.is_hashed(level):
        return (z * high + y) * wide + x + first
    return ((x * _PRIMES[0] ^ y * _PRIMES[1] ^ z * _PRIMES[2]) & (end - first - 1)) + first


def encode(
    points: Float[Tensor, "points 3"], tables: Tables, weights: Float[Tensor, " open"], gathers: bool
) -> Float[Tensor, "points features"]:
    """The features of the first levels, interpolated trilinearly, each level's times its weight.

    Beyond the border of a lattice they are constant.

    Args:
        points: in the unit cube; differentiable.
        tables: their `gradient` grows when the result is differentiated, if `gathers`.
        weights: of the levels that are open, from the coarsest on; on the device of the points.
        gathers: whether entries get gradients.
    Returns:
        `len(weights)` times the features of an entry.
    Reference:
        instant-ngp, arXiv 2201.05989, section 3.
    """
    values = tables.values.detach()
    if gathers:
        values = values.requires_grad_()
        values.register_post_accumulate_grad_hook(lambda leaf: _hand_over(leaf, tables))
    columns = []
    for level in range(len(weights)):
        size = make_constant(tables.levels.sizes[level], points)
        scaled = points * make_constant(tables.levels.scales[level], points)
        inner = scaled.clamp(torch.zeros_like(scaled), size - 1)
        lower = torch.minimum(inner.detach().nan_to_num(0.0).floor(), size - 2).long()
        corners = make_constant(_CORNERS, lower).view(8, 3)
        fraction = (inner - lower)[:, None]
        x, y, z = torch.where(corners > 0, fraction, 1 - fraction).unbind(-1)
        entries = _entries(tables, level, lower[:, None] + corners)
        found = values.index_select(0, entries.flatten()).view(len(points), 8, -1)
        # Not `prod`, which asks a GPU for zeros when it is differentiated.
        columns.append(weights[level] * ((x * y * z)[..., None] * found).sum(1))
    return torch.cat(columns, dim=-1)


def _hand_over(leaf: Tensor, tables: Tables) -> None:
    """Adds a gradient of the entries to the buffer of the tables."""
    assert leaf.grad is not None
    tables.gradient += leaf.grad
    leaf.grad = None


@torch.no_grad()
def optimise(tables: Tables, rate: float, open_levels: int, options: HashOptions) -> None:
    """One Adam step on the entries that have a gradient; gradients are cleared.

    The others keep value and moments, as in instant-ngp: an entry that few rays see must not drift on old moments. A
    gradient that is not finite counts as zero: to look for one, the host would wait for a GPU.

    Args:
        tables: changed in place.
        rate: learning rate.
        open_levels: entries of the levels behind these have no gradients.
        options: Adam's betas and epsilon.
    """
    tables.steps += 1
    end = tables.levels.offsets[open_levels]
    values, gradient, first, second = (
        part[:end] for part in (tables.values, tables.gradient, tables.first, tables.second)
    )
    gradient.nan_to_num_(0.0, 0.0, 0.0)
    touched = (gradient != 0).any(dim=-1, keepdim=True)  # all are computed: to list these, the host would wait
    first.copy_(torch.where(touched, torch.lerp(first, gradient, 1 - options.beta1), first))
    second.copy_(torch.where(touched, torch.lerp(second, gradient**2, 1 - options.beta2), second))
    root = (second / (1 - options.beta2**tables.steps)).sqrt()
    values -= touched * (rate / (1 - options.beta1**tables.steps)) * first / (root + options.epsilon)
    gradient.zero_()
