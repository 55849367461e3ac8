"""Pinhole intrinsics with OpenCV distortion, one set per frame."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Intrinsics:
    """Intrinsics of the frames of a scene, in pixels of images of `width` x `height`.

    Pixel centres lie at +0.5: the centre of the top-left pixel is (0.5, 0.5).

    Attributes:
        focal: focal lengths fx, fy in pixels, > 0.
        centre: principal point cx, cy in pixels.
        distortion: OpenCV k1, k2, p1, p2 (zeros for an ideal pinhole).
        width: image width in pixels.
        height: image height in pixels.
    """

    focal: Float[Tensor, "frames 2"]
    centre: Float[Tensor, "frames 2"]
    distortion: Float[Tensor, "frames 4"]
    width: int
    height: int

    @property
    def frames(self) -> int:
        """Number of frames."""
        return self.focal.shape[0]

    @property
    def distorted(self) -> bool:
        """Whether any frame has a distortion other than zero."""
        return bool((self.distortion != 0).any())

    def __getitem__(self, frames: Tensor | slice) -> Intrinsics:
        """The intrinsics of some of the frames."""
        return replace(self, focal=self.focal[frames], centre=self.centre[frames], distortion=self.distortion[frames])

    def resized(self, width: int, height: int) -> Intrinsics:
        """The intrinsics of the same frames resampled to `width` x `height` pixels."""
        factor = torch.tensor([width / self.width, height / self.height], dtype=self.focal.dtype)
        factor = factor.to(self.focal.device)
        return replace(self, focal=self.focal * factor, centre=self.centre * factor, width=width, height=height)

    def to(self, device: torch.device | str) -> Intrinsics:
        """The same intrinsics on another device."""
        return replace(
            self,
            focal=self.focal.to(device),
            centre=self.centre.to(device),
            distortion=self.distortion.to(device),
        )
