"""Focal length, principal point and lens distortion, one set per frame."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int64
from torch import Tensor


@dataclass(frozen=True)
class Intrinsics:
    """Intrinsics of the frames of a scene, in pixels of images of `width` x `height`.

    Pixel centres lie at +0.5: the centre of the top-left pixel is (0.5, 0.5). All frames share one canvas; where they
    have pictures of different sizes, each lies in the top left corner of the canvas, so that principal points are the
    same in both.

    Attributes:
        focal: focal lengths fx, fy in pixels, > 0.
        centre: principal point cx, cy in pixels.
        distortion: OpenCV k1, k2, p1, p2 and more columns where a lens needs them (see `lens_models`): further
            coefficients, and the number of the lens model (a fisheye, for example). Zeros for an ideal pinhole.
        width: of the canvas, pixels: the largest width among the frames.
        height: of the canvas, pixels: the largest height among the frames.
        sizes: (width, height) of each frame's own picture, pixels; None if all fill the canvas.
        cameras: number of the physical camera (lens and zoom) that took each frame, counted from 0; None if one camera
            took all. A lens is refined once for each of them.
    """

    focal: Float[Tensor, "frames 2"]
    centre: Float[Tensor, "frames 2"]
    distortion: Float[Tensor, "frames coefficients"]
    width: int
    height: int
    sizes: Int64[Tensor, "frames 2"] | None = None
    cameras: Int64[Tensor, " frames"] | None = None

    @property
    def frames(self) -> int:
        """Number of frames."""
        return self.focal.shape[0]

    @property
    def distorted(self) -> bool:
        """Whether any frame has a lens other than an ideal pinhole."""
        return bool((self.distortion != 0).any())

    @property
    def own_sizes(self) -> Int64[Tensor, "frames 2"]:
        """(width, height) of each frame's own picture, pixels."""
        if self.sizes is not None:
            return self.sizes
        canvas = torch.tensor([[self.width, self.height]], device=self.focal.device)
        return canvas.expand(self.frames, -1)

    @property
    def camera_numbers(self) -> Int64[Tensor, " frames"]:
        """Number of the camera that took each frame."""
        if self.cameras is not None:
            return self.cameras
        return torch.zeros(self.frames, dtype=torch.int64, device=self.focal.device)

    @property
    def cameras_count(self) -> int:
        """Number of cameras: one more than the largest camera number."""
        return 1 if self.cameras is None or not len(self.cameras) else int(self.cameras.max()) + 1

    def own_size(self, frame: int) -> tuple[int, int]:
        """(width, height) of one frame's own picture, pixels."""
        if self.sizes is None:
            return self.width, self.height
        return int(self.sizes[frame, 0]), int(self.sizes[frame, 1])

    def fitted_to(self, frame: int) -> Intrinsics:
        """The intrinsics of one frame, whose canvas is its own picture."""
        width, height = self.own_size(frame)
        cameras = None if self.cameras is None else self.cameras[frame : frame + 1]
        one = slice(frame, frame + 1)
        return Intrinsics(self.focal[one], self.centre[one], self.distortion[one], width, height, None, cameras)

    def __getitem__(self, frames: Tensor | slice) -> Intrinsics:
        """The intrinsics of some of the frames, on the same canvas."""
        return replace(
            self,
            focal=self.focal[frames],
            centre=self.centre[frames],
            distortion=self.distortion[frames],
            sizes=None if self.sizes is None else self.sizes[frames],
            cameras=None if self.cameras is None else self.cameras[frames],
        )

    def resized(self, width: int, height: int) -> Intrinsics:
        """The intrinsics of the same frames after their canvas was resampled to `width` x `height` pixels.

        A frame's own picture keeps the pixels that it fills completely, at least one.
        """
        factor = torch.tensor([width / self.width, height / self.height], dtype=self.focal.dtype)
        factor = factor.to(self.focal.device)
        sizes = self.sizes
        if sizes is not None:
            exact = sizes.double() * sizes.new_tensor([width, height]) / sizes.new_tensor([self.width, self.height])
            sizes = (exact + 1e-6).long().clamp(min=1)  # a whole number that rounding made smaller stays whole
        return replace(
            self, focal=self.focal * factor, centre=self.centre * factor, width=width, height=height, sizes=sizes
        )

    def to(self, device: torch.device | str) -> Intrinsics:
        """The same intrinsics on another device."""
        return replace(
            self,
            focal=self.focal.to(device),
            centre=self.centre.to(device),
            distortion=self.distortion.to(device),
            sizes=None if self.sizes is None else self.sizes.to(device),
            cameras=None if self.cameras is None else self.cameras.to(device),
        )
