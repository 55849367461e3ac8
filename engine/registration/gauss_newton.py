"""Damping and length of Gauss-Newton steps, shared by the photometric alignments of cameras and patches."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor


@dataclass(frozen=True)
class DampingOptions:
    """How Levenberg-Marquardt damping changes from step to step; it is relative to the diagonal.

    Attributes:
        initial: before the first step.
        least, largest: bounds.
        increase: factor after a step that does not lower the cost.
        decrease: factor after a step that does.
    """

    initial: float
    least: float
    largest: float
    increase: float = 6.0
    decrease: float = 0.3


def update_damping(
    damping: Float[Tensor, " hypotheses"], better: Bool[Tensor, " hypotheses"], options: DampingOptions
) -> Float[Tensor, " hypotheses"]:
    """The damping of the next step of each hypothesis, from that of the last and whether it lowered the cost."""
    factor = torch.where(better, options.decrease, options.increase)
    return (damping * factor).clamp(options.least, options.largest)


def limit_step(step: Float[Tensor, "*batch degrees"], longest: float) -> Float[Tensor, "*batch degrees"]:
    """Steps scaled down so that no component exceeds `longest`; shorter ones stay the same."""
    return step * (longest / step.abs().amax(dim=-1, keepdim=True).clamp(min=longest))
