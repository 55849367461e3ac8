"""The loss that drives a step: a table of terms and their weights.

A new term is one function and one row. What is shown and what finds outliers (PSNR, a frame's own error) is not read
from here but measured apart, in `engine.training.metrics`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

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


class MatchOutput(NamedTuple):
    """What the matches say in a step, with its gradients: apart, since each step has another number of them.

    Attributes:
        gaps: how far the rays of matched keypoints are from meeting.
        steps: how many steps this one stands for.
    """

    gaps: Float[Tensor, ""]
    steps: float


class LossWeights(NamedTuple):
    """What the user can turn. λ = 10^`lambda_exponent`; on a GPU its exponent lies there. μ = 10^`mu_exponent`."""

    lambda_exponent: float | Float[Tensor, ""]
    mu_exponent: float


class StepGradients(NamedTuple):
    """What is known of a step whose loss was differentiated: the loss, each frame's error, the alignment term."""

    loss: Float[Tensor, ""]
    errors: Float[Tensor, " frames"]
    alignment: Float[Tensor, ""]


Output = TypeVar("Output", StepOutput, MatchOutput)


@dataclass(frozen=True)
class Loss(Generic[Output]):
    """One term.

    Attributes:
        of: what it is computed of: what was rendered, or what the matches say.
        term: the unweighted value, a differentiable scalar.
        weight: of the term in the total.
    """

    of: type[Output]
    term: Callable[[Output], Float[Tensor, ""]]
    weight: Callable[[LossWeights], float | Float[Tensor, ""]]


def photometric(output: StepOutput) -> Float[Tensor, ""]:
    """Mean squared error of the colours that count, over the frames that train (L2G-NeRF, equation 5)."""
    error = average_pixels((output.rendered - output.colours).square(), output.counts)
    return (error * output.trains).sum() / output.trains.sum().clamp(min=1)


def alignment(output: StepOutput) -> Float[Tensor, ""]:
    """How far local warps are from the global transforms (L2G-NeRF, equation 8)."""
    return output.alignment


def matches(output: MatchOutput) -> Float[Tensor, ""]:
    """How far matched rays are from meeting, for all the steps that this one stands for."""
    return output.gaps * output.steps


LOSSES: dict[str, Loss] = {
    "photometric": Loss(StepOutput, photometric, lambda weights: 1.0),
    "alignment": Loss(StepOutput, alignment, lambda weights: 10**weights.lambda_exponent),
    "matches": Loss(MatchOutput, matches, lambda weights: 10**weights.mu_exponent),
}


def total_loss(output: StepOutput | MatchOutput, weights: LossWeights) -> Float[Tensor, ""]:
    """The weighted sum of all terms that are computed of this output."""
    terms = [loss.term(output) * loss.weight(weights) for loss in LOSSES.values() if isinstance(output, loss.of)]
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


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
