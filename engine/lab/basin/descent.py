"""Many placements of one frame, each moved by gradient descent alone while the field stands still: in one batch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from engine.lab.frozen.frame import FrozenFrame


@dataclass(frozen=True)
class Rates:
    """Of Adam, from the first step to the last, exponential in between."""

    first: float
    last: float

    def at(self, fraction: float) -> float:
        """When this fraction of the steps is done."""
        return self.first * (self.last / self.first) ** fraction


class Descent:
    """Poses of a camera, or warps of a patch, each with a vector of its own (`FrozenFrame.move`) that Adam moves.

    All of them see the same pixels in a step. Adam works on each number by itself, so that those in one batch do not
    know of each other.
    """

    def __init__(
        self,
        frame: FrozenFrame,
        placements: Float[Tensor, "poses rows columns"],
        rates: Rates,
        steps: int,
        seed: int,
    ) -> None:
        self._move, self._base, self._rates, self._steps = frame.move, placements, rates, steps
        self._vectors = torch.zeros(len(placements), frame.degrees, device=placements.device, requires_grad=True)
        self._adam = torch.optim.Adam([self._vectors], lr=rates.first)
        self._generator = torch.Generator().manual_seed(seed)
        self.done = 0

    @property
    def placements(self) -> Float[Tensor, "poses rows columns"]:
        """Where they are."""
        with torch.no_grad():
            return self._move(self._base, self._vectors)

    def step(self, frame: FrozenFrame, pixels: int, samples: int) -> None:
        """One step on so many pixels of the frame, with the loss of the training; samples are jittered as there.

        At most so many samples are rendered at once, but those of one pose at least.
        """
        drawn = torch.randint(frame.pixels, (pixels,), generator=self._generator).to(self._base.device)
        self._adam.param_groups[0]["lr"] = self._rates.at(self.done / self._steps)
        at_once = max(samples // (pixels * frame.samples), 1)
        parts = torch.arange(len(self._base)).split(at_once)
        slopes = [self._differentiate(frame, part, drawn) for part in parts]
        self._vectors.grad = torch.cat(slopes).nan_to_num(0.0, 0.0, 0.0)
        self._adam.step()
        self.done += 1

    def _differentiate(
        self, frame: FrozenFrame, part: Int[Tensor, " some"], drawn: Int[Tensor, " drawn"]
    ) -> Float[Tensor, "some degrees"]:
        """The derivatives of the losses of some placements by their vectors."""
        vectors = self._vectors[part].detach().requires_grad_()
        with torch.enable_grad():
            losses = frame.losses_of(self._move(self._base[part], vectors), drawn, self._generator)
            (slope,) = torch.autograd.grad(losses.sum(), vectors)
        return slope
