"""Which pixels a step renders: most of them where the error is, some everywhere.

Half of a photo may be a blank background that is right after a few steps, and every ray that is cast there is lost for
the rest. Pixels are drawn with a probability that follows the error of their surroundings and weigh its inverse, so
that the loss is still the mean over all pixels (importance sampling).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Generator, Tensor

from engine.scenes.pyramid.photo_level import PhotoLevel
from engine.system.recorded_work import upload_made


@dataclass(frozen=True)
class ChoiceOptions:
    """How pixels are drawn.

    Attributes:
        side: of the tiles whose errors are known, pixels.
        even: share of the pixels that is drawn evenly; a weight is at most its inverse.
        memory: of the running means, per step: a tile is met every thirty steps or so.
        prior: weight of the mean of a frame in the error of each of its tiles, so that one that was met once does not
            count for more than it says.
    """

    side: int = 8
    even: float = 0.3
    memory: float = 0.98
    prior: float = 0.5


OPTIONS = ChoiceOptions()


class PixelChoice:
    """Running means of the squared errors of tiles, and pixels that are drawn by them.

    Attributes:
        total: decaying sum of the squared errors of each tile, row by row.
        weight: the same sum of ones.
    """

    def __init__(self, data: PhotoLevel) -> None:
        """Nothing is known yet: pixels are drawn evenly. `data` are the frames of the stage."""
        frames, _, self._height, self._width = data.images.shape
        self._across, down = (math.ceil(size / OPTIONS.side) for size in (self._width, self._height))
        self.total = torch.zeros(frames, self._across * down, device=data.points.device)
        self.weight = torch.zeros_like(self.total)
        self._even = self._measure_tiles(data)
        self._drawn: Tensor | None = None  # tiles of the blocks drawn last

    def state(self) -> dict[str, Tensor]:
        """What is known of the tiles, for a checkpoint."""
        return {"total": self.total, "weight": self.weight}

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Takes up what `state` gave; nothing where a checkpoint has none."""
        for name, known in self.state().items():
            if name in tensors:
                known.copy_(tensors[name])

    def _measure_tiles(self, data: PhotoLevel) -> Float[Tensor, "frames tiles"]:
        """The share of each tile in its frame's pixels; 0 where none of them counts."""
        side, padding = OPTIONS.side, (0, -self._width % OPTIONS.side, 0, -self._height % OPTIONS.side)
        area = F.avg_pool2d(F.pad(torch.ones(1, 1, self._height, self._width), padding), side)[0]
        area = area.expand(len(data.images), -1, -1)
        if data.masks is not None:
            area = area * (F.avg_pool2d(F.pad(data.masks.counts[:, None].float().cpu(), padding), side)[:, 0] > 0)
        area = area.flatten(start_dim=1).to(data.points.device)
        return area / area.sum(dim=1, keepdim=True)

    def _likelihoods(self) -> Float[Tensor, "frames tiles"]:
        """How likely a block is to be drawn from each tile; they sum to 1 in each frame."""
        known = self._even * (self.weight > 0)
        means = self.total / self.weight.clamp(min=1e-6)
        usual = (known * means).sum(dim=1, keepdim=True) / known.sum(dim=1, keepdim=True).clamp(min=1e-6)
        errors = (self.total + OPTIONS.prior * usual) / (self.weight + OPTIONS.prior) * self._even
        sums = errors.sum(dim=1, keepdim=True)
        share = torch.where(sums > 0, OPTIONS.even, 1.0)  # all, where nothing is known
        return share * self._even + (1 - share) * errors / sums.clamp(min=1e-20)

    def draw(
        self, per_frame: int, block: int, generator: Generator
    ) -> tuple[Int[Tensor, "frames count"], Float[Tensor, "frames count"]]:
        """Pixels of every frame, as flat indices, in square blocks, and what each weighs in the mean of its frame.

        Args:
            per_frame: pixels per frame; rounded down to whole blocks, at least one block.
            block: side of a block, pixels, at most that of a tile.
            generator: of random numbers, on the CPU.
        """
        likelihoods = self._likelihoods()
        blocks, side, device = max(per_frame // block**2, 1), OPTIONS.side, likelihoods.device
        sums = likelihoods.cumsum(dim=1)
        shape = (3, len(sums), blocks)
        level, x, y = upload_made(lambda: torch.rand(shape, generator=generator), device).unbind()
        last = sums.shape[1] - 1
        tiles = torch.searchsorted(sums, level * sums[:, -1:], right=True).clamp(max=last)
        column = self._shift(tiles % self._across * side, x, self._width, block)
        row = self._shift(tiles // self._across * side, y, self._height, block)
        steps = torch.arange(block, device=device)
        within = (steps[:, None] * self._width + steps).reshape(-1)
        pixels = ((row * self._width + column)[..., None] + within).flatten(start_dim=1)
        weights = self._even.gather(1, tiles) / likelihoods.gather(1, tiles).clamp(min=1e-12)
        self._drawn = tiles
        return pixels, weights.repeat_interleave(block**2, dim=1)

    @staticmethod
    def _shift(first: Tensor, part: Tensor, size: int, block: int) -> Tensor:
        """Where blocks begin: anywhere in their tiles, and within the frame."""
        return (first + (part * OPTIONS.side).long()).clamp(max=size - block)

    def add(self, errors: Float[Tensor, "frames count"]) -> None:
        """Takes in the squared errors of the pixels drawn last."""
        assert self._drawn is not None
        blocks = self._drawn.shape[1]
        means = errors.view(len(errors), blocks, -1).mean(dim=-1).nan_to_num(0.0)
        for sums, values in ((self.total, means), (self.weight, torch.ones_like(means))):
            sums.mul_(OPTIONS.memory).scatter_add_(1, self._drawn, values)
