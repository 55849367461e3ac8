"""Many poses of one frame, each moved by gradient descent alone while the field stands still: in one batch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from engine.geometry import rays
from engine.lab.frozen.camera import FrozenCamera
from engine.registration.fixed import compose
from engine.training.metrics import average_pixels


@dataclass(frozen=True)
class Rates:
    """Of Adam, from the first step to the last, exponential in between."""

    first: float
    last: float

    def at(self, fraction: float) -> float:
        """When this fraction of the steps is done."""
        return self.first * (self.last / self.first) ** fraction


class Descent:
    r"""Poses :math:`T \circ \exp(\xi)`, as `engine.registration.direct` has them, whose twists Adam moves.

    All poses see the same pixels in a step. Adam works on each number by itself, so that poses in one batch do not
    know of each other.
    """

    def __init__(self, poses: Float[Tensor, "poses 3 4"], rates: Rates, steps: int, seed: int) -> None:
        self._base, self._rates, self._steps = poses, rates, steps
        self._twist = torch.zeros(len(poses), 6, device=poses.device, requires_grad=True)
        self._adam = torch.optim.Adam([self._twist], lr=rates.first)
        self._generator = torch.Generator().manual_seed(seed)
        self.done = 0

    @property
    def poses(self) -> Float[Tensor, "poses 3 4"]:
        """Where they stand."""
        with torch.no_grad():
            return compose(self._base, self._twist)

    def step(self, frame: FrozenCamera, pixels: int, samples: int) -> None:
        """One step on so many pixels of the frame, with the loss of the training; samples are jittered as there.

        At most so many samples are rendered at once, but those of one pose at least.
        """
        drawn = torch.randint(frame.pixels, (pixels,), generator=self._generator).to(frame.points.device)
        points, colours = frame.points[drawn], frame.colours[drawn]
        self._adam.param_groups[0]["lr"] = self._rates.at(self.done / self._steps)
        at_once = max(samples // (pixels * frame.samples), 1)
        parts = torch.arange(len(self._base)).split(at_once)
        slopes = [self._differentiate(frame, part, points, colours) for part in parts]
        self._twist.grad = torch.cat(slopes).nan_to_num(0.0, 0.0, 0.0)
        self._adam.step()
        self.done += 1

    def _differentiate(
        self,
        frame: FrozenCamera,
        part: Int[Tensor, " some"],
        points: Float[Tensor, "pixels 2"],
        colours: Float[Tensor, "pixels 3"],
    ) -> Float[Tensor, "some 6"]:
        """The derivatives of the losses of some poses by their twists."""
        twist = self._twist[part].detach().requires_grad_()
        with torch.enable_grad(), frame.field.frozen():
            origins, directions = rays.rays_through(compose(self._base[part], twist)[:, None], points[None])
            origins, directions = origins.expand_as(directions).reshape(-1, 3), directions.reshape(-1, 3)
            seen = frame.field.render(origins, directions, self._generator).colour.view(len(part), -1, 3)
            losses = average_pixels((seen * frame.gain - colours).square(), None)
            (slope,) = torch.autograd.grad(losses.sum(), twist)
        return slope
