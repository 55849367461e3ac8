"""The loss of one frame at many poses: the shape soon, its exact values in the end."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import torch
from jaxtyping import Float, Int
from torch import Tensor

from engine.lab.frozen import FrozenFrame
from engine.lab.landscape.options import LandscapeOptions


class Scan:
    """Measures a loss at offsets from a pose.

    All places get a part of the pixels before any gets the next part.

    Attributes:
        losses: mean over the pixels so far of each place; NaN where it was not measured yet.
        pixels: that all places have got.
        share: of the work that is done, in [0, 1].
    """

    def __init__(
        self,
        frame: FrozenFrame,
        offsets: Float[Tensor, "places axes"],
        order: Int[Tensor, " places"],
        options: LandscapeOptions,
    ) -> None:
        """Nothing is measured yet.

        Args:
            frame: whose loss it is.
            offsets: in radians, scene units or shares.
            order: in which places are measured.
            options: pixels of the first part, samples at once.
        """
        self._frame, self._offsets, self._order, self._options = frame, offsets, order, options
        self._total = torch.zeros(len(offsets))
        self._count = torch.zeros_like(self._total)
        self.pixels, self.share = 0, 0.0

    @property
    def losses(self) -> Float[Tensor, " places"]:
        return torch.where(self._count > 0, self._total / self._count.clamp(min=1), torch.nan)

    def run(self) -> Iterator[None]:
        """Measures on and yields after each rendering."""
        parts = _cut(self._frame.pixels, self._options.first_pixels)
        for first, last in parts:
            at_once = max(self._options.samples // ((last - first) * self._frame.samples), 1)
            for chosen in self._order.split(at_once):
                with torch.no_grad():
                    losses = self._frame.losses(self._offsets[chosen], first, last)
                self._total[chosen] += losses.cpu() * (last - first)
                self._count[chosen] += last - first
                self.share += len(chosen) / len(self._order) * (last - first) / self._frame.pixels
                yield
            self.pixels = last


class Gradient:
    """The derivatives of the loss by each axis at the pose itself, per radian, scene unit or share.

    Attributes:
        values: once `run` has ended.
    """

    def __init__(self, frame: FrozenFrame, options: LandscapeOptions) -> None:
        self._frame, self._options = frame, options
        self.values = torch.zeros(len(frame.axes))

    def run(self) -> Iterator[None]:
        """Measures on and yields after each part of the pixels: differentiating takes much memory."""
        pixels = self._frame.pixels
        part = max(self._options.samples // (4 * self._frame.samples), 1)
        for first in range(0, pixels, part):
            last = min(first + part, pixels)
            offset = torch.zeros(1, len(self._frame.axes), requires_grad=True)
            with torch.enable_grad():
                (slope,) = torch.autograd.grad(self._frame.losses(offset, first, last).sum(), offset)
            self.values += slope[0] * (last - first) / pixels
            yield


def order_coarse_to_fine(side: int) -> Int[Tensor, " places"]:
    """Numbers of the places of a square (row by row), every eighth first, then those between them, and so on."""
    rank = torch.tensor([_coarseness(index) for index in range(side)])
    finest = torch.minimum(rank[:, None], rank[None, :]).flatten()
    return finest.argsort(descending=True, stable=True)


def _coarseness(index: int) -> int:
    return next(level for level in (3, 2, 1, 0) if index % 2**level == 0)


def _cut(pixels: int, first: int) -> list[tuple[int, int]]:
    """Parts of the pixels, each twice as many as those before it."""
    edges = [0, min(first, pixels)]
    while edges[-1] < pixels:
        edges.append(min(2 * edges[-1], pixels))
    return [(low, high) for low, high in pairwise(edges) if high > low]
