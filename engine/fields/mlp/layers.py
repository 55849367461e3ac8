"""Layers that are drawn from a generator of our own, so that a run is the same each time."""

from __future__ import annotations

import torch
from torch import Generator, nn


def linear(inputs: int, outputs: int, generator: Generator) -> nn.Linear:
    """A layer with torch's default initialisation, drawn from our own generator."""
    layer = nn.Linear(inputs, outputs)
    bound = inputs**-0.5
    with torch.no_grad():
        layer.weight.uniform_(-bound, bound, generator=generator)
        layer.bias.uniform_(-bound, bound, generator=generator)
    return layer
