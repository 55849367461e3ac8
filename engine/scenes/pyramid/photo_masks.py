"""Masks of the training frames at one resolution: which pixels count, and where pixels can be drawn."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Generator, Tensor

FULLY = 0.999  # share of the pixels averaged into one that must count, for this one to count


class PhotoMasks:
    """Which pixels of some frames count.

    Attributes:
        counts: True for pixels that count; at least one in every frame.
    """

    def __init__(self, counts: Bool[Tensor, "frames height width"]) -> None:
        self.counts = counts
        self._corners: dict[int, tuple[Tensor, Tensor, Tensor]] = {}

    def at(self, frames: Tensor, pixels: Tensor) -> Float[Tensor, "frames count"]:
        """1 for pixels (frames, count; flat indices) of the given frames (frames,) that count, 0 for the others."""
        return self.counts.flatten(start_dim=1)[frames[:, None], pixels].float()

    def of(self, frame: int) -> Int[Tensor, " pixels"]:
        """The flat indices of a frame's pixels that count, ascending."""
        return self.counts[frame].flatten().nonzero()[:, 0]

    def inside(self, border: int) -> Bool[Tensor, "frames height width"]:
        """True for pixels all of whose neighbours within `border` pixels count: no slope there sees a masked one."""
        masked = (~self.counts[:, None]).float()
        return F.max_pool2d(masked, 2 * border + 1, stride=1, padding=border)[:, 0] == 0

    def draw_corners(self, per_frame: int, block: int, generator: Generator) -> Int[Tensor, "frames blocks"]:
        """The upper left pixels (flat indices) of so many random blocks of every frame; in each some pixel counts.

        Args:
            per_frame: blocks per frame.
            block: side of a block, pixels.
            generator: of random numbers, on the CPU.
        """
        corners, first, number = self._possible_corners(block)
        part = torch.rand(len(number), per_frame, generator=generator, dtype=torch.float64)
        chosen = torch.minimum((part * number[:, None]).long(), number[:, None] - 1)
        return corners[first[:, None] + chosen]

    def _possible_corners(self, block: int) -> tuple[Tensor, Tensor, Tensor]:
        """The possible corners of all frames one after another, where each frame's begin, and how many it has."""
        if block not in self._corners:
            width = self.counts.shape[2]
            any_counts = F.max_pool2d(self.counts.float().cpu(), block, stride=1) > 0
            frame, row, column = any_counts.nonzero(as_tuple=True)
            number = torch.bincount(frame, minlength=len(self.counts))
            self._corners[block] = row * width + column, number.cumsum(0) - number, number
        return self._corners[block]


def downsample_masks(masks: Bool[Tensor, "frames height width"], factor: int) -> PhotoMasks:
    """Masks for images averaged over blocks of `factor` x `factor` pixels, without what fills no block.

    A pixel counts where all that it averages count. Where no pixel of a frame does, those count that average most
    that count.
    """
    share = F.avg_pool2d(masks.float()[:, None], factor)[:, 0] if factor > 1 else masks.float()
    most = share.flatten(start_dim=1).amax(dim=1)
    return PhotoMasks(share >= most.clamp(max=FULLY)[:, None, None])


def fill_masked(
    images: Float[Tensor, "frames 3 height width"], masks: PhotoMasks | None
) -> Float[Tensor, "frames 3 height width"]:
    """The images with the mean colour of what counts in the place of what does not: nothing can depend on it then."""
    if masks is None:
        return images
    counts = masks.counts[:, None].to(images)
    mean = (images * counts).sum(dim=(2, 3), keepdim=True) / counts.sum(dim=(2, 3), keepdim=True)
    return images * counts + mean * (1 - counts)
