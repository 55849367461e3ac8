"""The hash encoding on CUDA: the kernels as a differentiable function of torch (see `engine.fields.cuda_launch`)."""

from __future__ import annotations

import sys
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from engine.fields.cuda_launch import compare_with_plain, have_kernels, launch_in_layers
from engine.fields.hash import cuda_kernels as kernels
from engine.fields.hash import reference
from engine.fields.hash.options import DEFAULT, HashOptions
from engine.fields.hash.tables import Tables, make_levels, make_tables


@cache
def choose_backend() -> ModuleType:
    """This module where its kernels work, else `reference`; tried once on tiny tables."""
    return sys.modules[__name__] if have_kernels(_try_kernels) else reference


def _try_kernels(device: torch.device) -> None:
    """Encodes a few points of two levels, with all gradients, and takes a step.

    Raises:
        RuntimeError: the result is not that of `reference`.
    """

    def compute(backend: ModuleType) -> Tensor:
        tables = make_tables(make_levels((4, 4, 4), 1.0, 2, 32), kernels.FEATURES, 1.0, torch.Generator(), device)
        points = torch.linspace(0, 1, 9, device=device).view(3, 3).requires_grad_()
        features = backend.encode(points, tables, torch.tensor([1.0, 0.5], device=device), True)
        features.square().sum().backward()
        assert points.grad is not None
        gradients = [points.grad.flatten(), tables.gradient.flatten()]
        backend.optimise(tables, 0.1, 2, DEFAULT)
        return torch.cat([features.flatten(), *gradients, tables.values.flatten()])

    compare_with_plain(compute, sys.modules[__name__], reference, "the hash encoding of three points")


class _Encode(torch.autograd.Function):
    """Features at points; the gradients of the entries are added to the buffer of the tables."""

    @staticmethod
    def forward(ctx: Any, points: Tensor, _: Tensor, tables: Tables, weights: Tensor, gathers: bool) -> Tensor:
        points, weights = points.detach().contiguous(), weights.contiguous()
        count, levels, sloped = len(points), len(weights), bool(ctx.needs_input_grad[0])
        features = points.new_empty(count, levels * kernels.FEATURES)
        slopes = points.new_empty(count if sloped else 1, levels, kernels.AXES, kernels.FEATURES)
        launch_in_layers(
            kernels.encode,
            *(count * kernels.FEATURES, levels),
            *(points, tables.values, *tables.lattices, weights, features, sloped, slopes),
        )
        ctx.kept = (points, tables, weights, slopes, gathers)
        return features

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor | None, ...]:
        points, tables, weights, slopes, gathers = ctx.kept
        by_features = gradients[0].contiguous()
        if gathers:
            launch_in_layers(
                kernels.scatter,
                *(by_features.numel() // len(weights), len(weights)),
                *(points, by_features, *tables.lattices, weights, tables.gradient),
            )
        if not ctx.needs_input_grad[0]:
            return (None,) * 5
        by_points = torch.empty_like(points)
        launch_in_layers(kernels.point_gradient, by_points.numel(), 1, slopes, by_features, by_points)
        return by_points, None, None, None, None


def encode(
    points: Float[Tensor, "points 3"], tables: Tables, weights: Float[Tensor, " open"], gathers: bool
) -> Float[Tensor, "points features"]:
    """The features of the first levels, each level's times its weight; differentiable (see `reference.encode`)."""
    learner = torch.empty(0, requires_grad=gathers)  # autograd calls `backward` only if an input needs a gradient
    return _Encode.apply(points, learner, tables, weights, gathers)


def optimise(tables: Tables, rate: float, open_levels: int, options: HashOptions) -> None:
    """One Adam step (see `reference.optimise`).

    It is launched anew in each step, outside of what is recorded: what changes may be among its arguments.
    """
    tables.steps += 1
    end = tables.levels.offsets[open_levels]
    launch_in_layers(
        kernels.adam,
        *(end * kernels.FEATURES, 1),
        *(tables.values, tables.gradient, tables.first, tables.second, end),
        np.float32(rate / (1 - options.beta1**tables.steps)),
        np.float32(options.beta1),
        np.float32(options.beta2),
        np.float32(1 / (1 - options.beta2**tables.steps)),
        np.float32(options.epsilon),
    )
