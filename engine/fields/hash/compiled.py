"""The hash encoding on a CPU: the compiled kernels as a differentiable function of torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from engine.fields.hash import kernels
from engine.fields.hash.options import HashOptions
from engine.fields.hash.tables import Tables


def are_loaded() -> bool:
    """Whether the kernels were compiled, or loaded from Numba's cache, in this process; the first step does it."""
    return bool(kernels.adam.signatures)


class _Encode(torch.autograd.Function):
    """Features at points; the gradients of the entries are added to the buffer of the tables."""

    @staticmethod
    def forward(ctx: Any, points: Tensor, _: Tensor, tables: Tables, weights: Tensor, gathers: bool) -> Tensor:
        places = points.detach().contiguous().numpy()
        arrays = (*(part.numpy() for part in tables.lattices), weights.numpy())
        count = len(weights)
        features = torch.empty(len(places), count * kernels.FEATURES)
        slopes = np.empty((len(places) if ctx.needs_input_grad[0] else 0, count, 3, kernels.FEATURES), np.float32)
        kernels.encode(places, tables.values.numpy(), *arrays, features.numpy(), slopes)
        ctx.kept = (places, tables, arrays, slopes, gathers)
        return features

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor | None, ...]:
        places, tables, arrays, slopes, gathers = ctx.kept
        by_features = gradients[0].contiguous().numpy()
        if gathers:
            kernels.scatter(places, by_features, *arrays, tables.gradient.numpy())
        if not ctx.needs_input_grad[0]:
            return (None,) * 5
        by_points = torch.empty(len(slopes), 3)
        kernels.point_gradient(slopes, by_features, by_points.numpy())
        return by_points, None, None, None, None


def encode(
    points: Float[Tensor, "points 3"], tables: Tables, weights: Float[Tensor, " open"], gathers: bool
) -> Float[Tensor, "points features"]:
    """The features of the first levels, each level's times its weight; differentiable (see `reference.encode`)."""
    learner = torch.empty(0, requires_grad=gathers)  # autograd calls `backward` only if an input needs a gradient
    return _Encode.apply(points, learner, tables, weights, gathers)


def optimise(tables: Tables, rate: float, open_levels: int, options: HashOptions) -> None:
    """One Adam step (see `reference.optimise`)."""
    tables.steps += 1
    kernels.adam(
        *(tensor.numpy() for tensor in (tables.values, tables.gradient, tables.first, tables.second)),
        tables.levels.offsets[open_levels],
        np.float32(rate / (1 - options.beta1**tables.steps)),
        np.float32(options.beta1),
        np.float32(options.beta2),
        np.float32(1 / (1 - options.beta2**tables.steps)),
        np.float32(options.epsilon),
    )
