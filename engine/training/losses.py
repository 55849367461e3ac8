"""The loss that drives a step: a table of terms and their weights.

A new term is one function and one row. What is shown and what finds outliers (PSNR, a frame's own error) is not read
from here but measured apart, in `engine.training.metrics`. The matches are differentiated apart, since each step has
another number of them: `match_loss`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from engine.training.metrics import average_pixels, squared_errors


class StepOutput(NamedTuple):
    """What a step has rendered, with its gradients, and what it is compared with.

    Attributes:
        rendered: colours of the drawn pixels as the run has them, RGB.
        colours: of the same pixels in the photos, in [0, 1].
        alignment: mean squared distance between local warps and the global transforms fitted to them; 0 for methods
            with one transform per frame.
        trains: 1 for frames that train, 0 for those that are left out of the loss.
        counts: 0 for pixels that are masked, else what each weighs in the mean of its frame; None if all count alike.
    """

    rendered: Float[Tensor, "frames points 3"]
    colours: Float[Tensor, "frames points 3"]
    alignment: Float[Tensor, ""]
    trains: Float[Tensor, " frames"]
    counts: Float[Tensor, "frames points"] | None = None


class LossWeights(NamedTuple):
    """What the user can turn. λ = 10^`lambda_exponent`; on a GPU its exponent lies there."""

    lambda_exponent: float | Float[Tensor, ""]


class StepGradients(NamedTuple):
    """What is known of a step whose loss was differentiated: the loss, each frame's error, the alignment term."""

    loss: Float[Tensor, ""]
    errors: Float[Tensor, " frames"]
    alignment: Float[Tensor, ""]


@dataclass(frozen=True)
class Loss:
    """One term.

    Attributes:
        term: the unweighted value, a differentiable scalar.
        weight: of the term in the total.
    """

    term: Callable[[StepOutput], Float[Tensor, ""]]
    weight: Callable[[LossWeights], float | Float[Tensor, ""]]


def photometric(output: StepOutput) -> Float[Tensor, ""]:
    """Mean squared error of the colours that count, over the frames that train (L2G-NeRF, equation 5)."""
    error = average_pixels((output.rendered - output.colours).square(), output.counts)
    return (error * output.trains).sum() / output.trains.sum().clamp(min=1)


def alignment(output: StepOutput) -> Float[Tensor, ""]:
    """How far local warps are from the global transforms (L2G-NeRF, equation 8)."""
    return output.alignment


LOSSES: dict[str, Loss] = {
    "photometric": Loss(photometric, lambda weights: 1.0),
    "alignment": Loss(alignment, lambda weights: 10**weights.lambda_exponent),
}


def total_loss(output: StepOutput, weights: LossWeights) -> Float[Tensor, ""]:
    """The weighted sum of all terms."""
    terms = [loss.term(output) * loss.weight(weights) for loss in LOSSES.values()]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def match_loss(gaps: Float[Tensor, ""], mu_exponent: float, steps: float) -> Float[Tensor, ""]:
    """How far the rays of matched keypoints are from meeting, weighted by μ; one step stands for so many."""
    return gaps * (steps * 10**mu_exponent)


def differentiate(output: StepOutput, weights: LossWeights, steers: bool) -> StepGradients:
    """Adds the gradients of the loss to what it was rendered from.

    Args:
        output: of the step.
        weights: of the terms.
        steers: whether the alignment term has gradients.
    """
    driven = output if steers else output._replace(alignment=output.alignment.detach())
    loss = total_loss(driven, weights)
    loss.backward()
    errors = squared_errors(output.rendered, output.colours, output.counts)
    return StepGradients(loss.detach(), errors, output.alignment.detach())
