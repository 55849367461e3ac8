"""The loss that drives a step: a table of terms and their weights.

A new term is one function and one row. What is shown and what finds outliers (PSNR, a frame's own error) is not read
from here but measured apart, in `engine.training.metrics`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from engine.training.metrics import average_pixels


class StepOutput(NamedTuple):
    """What a step has rendered, with its gradients, and what it is compared with.

    Attributes:
        rendered: colours of the drawn pixels as the run has them, RGB.
        colours: of the same pixels in the photos, in [0, 1].
        alignment: mean squared distance between local warps and the global transforms fitted to them; 0 for methods
            with one transform per frame.
        trains: 1 for frames that train, 0 for those that are left out of the loss.
        matches: how far the rays of matched keypoints are from meeting; None where no matches are in use.
        counts: 0 for pixels that are masked, else what each weighs in the mean of its frame; None if all count alike.
        match_steps: how many steps `matches` stands for.
    """

    rendered: Float[Tensor, "frames points 3"]
    colours: Float[Tensor, "frames points 3"]
    alignment: Float[Tensor, ""]
    trains: Float[Tensor, " frames"]
    matches: Float[Tensor, ""] | None = None
    counts: Float[Tensor, "frames points"] | None = None
    match_steps: float = 1.0


class LossWeights(NamedTuple):
    """What the user can turn. λ = 10^`lambda_exponent`, μ = 10^`mu_exponent`."""

    lambda_exponent: float
    mu_exponent: float = 0.0


@dataclass(frozen=True)
class Loss:
    """One term.

    Attributes:
        term: the unweighted value, a differentiable scalar; None where the step has nothing of it.
        weight: of the term in the total.
    """

    term: Callable[[StepOutput], Float[Tensor, ""] | None]
    weight: Callable[[LossWeights], float]


def photometric(output: StepOutput) -> Float[Tensor, ""]:
    """Mean squared error of the colours that count, over the frames that train (L2G-NeRF, equation 5)."""
    error = average_pixels((output.rendered - output.colours).square(), output.counts)
    return (error * output.trains).sum() / output.trains.sum().clamp(min=1)


def alignment(output: StepOutput) -> Float[Tensor, ""]:
    """How far local warps are from the global transforms (L2G-NeRF, equation 8)."""
    return output.alignment


def matches(output: StepOutput) -> Float[Tensor, ""] | None:
    """How far the rays of matched keypoints are from meeting in front of their cameras; None without tracks."""
    return None if output.matches is None else output.matches * output.match_steps


LOSSES: dict[str, Loss] = {
    "photometric": Loss(photometric, lambda weights: 1.0),
    "alignment": Loss(alignment, lambda weights: 10**weights.lambda_exponent),
    "matches": Loss(matches, lambda weights: 10**weights.mu_exponent),
}


def total_loss(output: StepOutput, weights: LossWeights) -> Float[Tensor, ""]:
    """The weighted sum of all terms."""
    known = ((loss.term(output), loss.weight(weights)) for loss in LOSSES.values())
    terms = [term * weight for term, weight in known if term is not None]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total
