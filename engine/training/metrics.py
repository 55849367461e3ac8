"""How well frames are rendered while a run trains: running means of squared errors, apart from any loss."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from engine.system.devices import upload

MEMORY = 0.95  # of the running means, per step: about the last 20 steps count


def average_pixels(
    values: Float[Tensor, "frames points 3"], counts: Float[Tensor, "frames points"] | None
) -> Float[Tensor, " frames"]:
    """Mean of each frame over the channels and its pixels, which count so much (None: alike); 0 where none does."""
    if counts is None:
        return values.mean(dim=(1, 2))
    return (values.mean(dim=2) * counts).sum(dim=1) / counts.sum(dim=1).clamp(min=1e-6)


def squared_errors(
    rendered: Float[Tensor, "frames points 3"],
    colours: Float[Tensor, "frames points 3"],
    counts: Float[Tensor, "frames points"] | None = None,
) -> Float[Tensor, " frames"]:
    """Mean squared error of each frame's colours, where they count."""
    return average_pixels((rendered.detach() - colours).square(), counts)


class FrameErrors:
    """Running mean of each frame's squared error since the beginning of a stage.

    Attributes:
        total: exponentially decaying sum of squared errors, of each frame.
        weight: the same sum of ones; the mean is `total / weight`. 0 where nothing is known.
    """

    def __init__(self, frames: int, device: torch.device) -> None:
        self.total = torch.zeros(frames, device=device)
        self.weight = torch.zeros(frames, device=device)

    def add(self, errors: Float[Tensor, " frames"], unknown: Sequence[int] = ()) -> None:
        """Takes in the errors of one step; those of frames without a pose (`unknown`) say nothing."""
        self.total = MEMORY * self.total + (1 - MEMORY) * errors
        self.weight = MEMORY * self.weight + (1 - MEMORY)
        if unknown:
            known = torch.ones(len(self.total), dtype=torch.bool)
            known[list(unknown)] = False
            known = upload(known, self.total.device)
            self.total, self.weight = (torch.where(known, sums, 0.0) for sums in (self.total, self.weight))

    def extend(self, count: int) -> None:
        """Takes in so many more frames, of whose errors nothing is known."""
        more = self.total.new_zeros(count)
        self.total, self.weight = torch.cat([self.total, more]), torch.cat([self.weight, more])

    def forget(self) -> None:
        """At the beginning of a stage, whose errors are others."""
        self.weight.zero_()
        self.total.zero_()

    def mean(self) -> Float[Tensor, ""]:
        """Over the frames of which it is known."""
        errors = self.total / self.weight.clamp(min=1e-9)
        return errors.sum() / (self.weight > 0).sum().clamp(min=1)

    def median(self, frames: Sequence[int]) -> float:
        """Of some frames; 0 where nothing is known."""
        chosen = list(frames)
        return float(self.total[chosen].median() / self.weight[chosen].median().clamp(min=1e-9))

    def psnr(self) -> Float[Tensor, " frames"]:
        """Of each frame, dB; NaN where nothing is known."""
        error = self.total / self.weight.clamp(min=1e-9)
        psnr = -10 * torch.log10(error.clamp(min=1e-10))
        return torch.where(self.weight > 0, psnr, torch.nan)
