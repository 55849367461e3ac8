"""Linear layers whose initial weights come from a given generator, so that runs are repeatable."""

from __future__ import annotations

import torch
from torch import Generator, nn


def make_linear(inputs: int, outputs: int, generator: Generator) -> nn.Linear:
    """A linear layer with torch's default initialisation: uniform within 1 / sqrt(inputs)."""
    layer = nn.Linear(inputs, outputs)
    bound = inputs**-0.5
    with torch.no_grad():
        layer.weight.uniform_(-bound, bound, generator=generator)
        layer.bias.uniform_(-bound, bound, generator=generator)
    return layer
