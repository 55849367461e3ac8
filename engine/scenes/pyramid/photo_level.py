"""The training frames at one resolution, with the point of every pixel on the normalised image plane (z = 1)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from engine.geometry import rays
from engine.geometry.intrinsics import Intrinsics
from engine.scenes.pyramid.photo_masks import PhotoMasks, downsample_masks, fill_masked
from engine.scenes.scene import Scene


@dataclass(frozen=True)
class PhotoLevel:
    """The training frames at one resolution.

    Attributes:
        images: RGB in [0, 1]; where a pixel does not count, the mean of those that do.
        points: centres of all pixels, row by row, as undistorted points of the plane z = 1; a single entry for all
            frames if they share their intrinsics.
        intrinsics: of the downsampled images, one per frame.
        masks: which pixels count; None if all do.
    """

    images: Float[Tensor, "frames 3 height width"]
    points: Float[Tensor, "frames_or_one pixels 2"]
    intrinsics: Intrinsics
    masks: PhotoMasks | None = None

    @property
    def pixels(self) -> int:
        """Number of pixels per frame."""
        return self.points.shape[1]

    def plane(self, frames: Tensor, pixels: Tensor) -> Float[Tensor, "frames count 2"]:
        """Points of the plane z = 1 for pixels (frames, count; flat indices) of the given frames (frames,)."""
        if self.points.shape[0] == 1:
            return self.points[0][pixels]
        return self.points[frames[:, None], pixels]

    def colours(self, frames: Tensor, pixels: Tensor) -> Float[Tensor, "frames count 3"]:
        """RGB of pixels (frames, count; flat indices) of the given frames (frames,)."""
        flat = self.images.flatten(start_dim=2)
        return flat[frames[:, None], :, pixels]

    def counts(self, frames: Tensor, pixels: Tensor) -> Float[Tensor, "frames count"] | None:
        """1 for pixels (frames, count; flat indices) of the given frames that count, else 0; None if all do."""
        return None if self.masks is None else self.masks.at(frames, pixels)


def draw_pixels(
    data: PhotoLevel, frames: int, per_frame: int, block: int, generator: torch.Generator
) -> Int[Tensor, "frames count"]:
    """Random pixels of every frame, as flat indices, in square blocks: neighbouring rays share voxels, so memory too.

    Where there are masks, some pixel of every block counts.

    Args:
        data: the frames.
        frames: how many frames to draw pixels for.
        per_frame: pixels per frame; rounded down to whole blocks, at least one block.
        block: side of a block, pixels.
        generator: of random numbers, on the CPU.
    """
    width, height = data.intrinsics.width, data.intrinsics.height
    blocks = max(per_frame // block**2, 1)
    if data.masks is not None:
        corners = data.masks.draw_corners(blocks, block, generator)
    else:
        x = torch.randint(width - block + 1, (frames, blocks), generator=generator)
        y = torch.randint(height - block + 1, (frames, blocks), generator=generator)
        corners = y * width + x
    steps = torch.arange(block)
    within = (steps[:, None] * width + steps).reshape(-1)
    return (corners[..., None] + within).reshape(frames, -1).to(data.points.device)


def downsample_photos(scene: Scene, frames: list[int], factor: int, device: torch.device) -> PhotoLevel:
    """Frames averaged over blocks of `factor` x `factor` pixels, without rows and columns that fill no block.

    Args:
        scene: the scene.
        frames: indices of the frames.
        factor: integer >= 1.
        device: of the result.
    """
    images = scene.images[frames].to(device).permute(0, 3, 1, 2).float() / 255
    if factor > 1:
        images = F.avg_pool2d(images, factor)
    height, width = images.shape[-2:]
    intrinsics = scene.intrinsics[torch.tensor(frames)].to(device)
    cropped = _crop(intrinsics, width * factor, height * factor).resized(width, height)
    masks = None if scene.masks is None else downsample_masks(scene.masks[frames].to(device), factor)
    return PhotoLevel(fill_masked(images, masks).contiguous(), _compute_points(cropped), cropped, masks)


def replace_intrinsics(data: PhotoLevel, intrinsics: Intrinsics) -> PhotoLevel:
    """The same images with other intrinsics, and the points of their pixels computed anew."""
    return PhotoLevel(data.images, _compute_points(intrinsics), intrinsics, data.masks)


def make_lattice(intrinsics: Intrinsics, columns: int = 16, rows: int = 12) -> Float[Tensor, "frames points 2"]:
    """A regular lattice over every frame's image, on the plane z = 1: the points to which global transforms are fitted
    where poses are published.
    """
    x = (torch.arange(columns) + 0.5) / columns * intrinsics.width
    y = (torch.arange(rows) + 0.5) / rows * intrinsics.height
    pixels = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).reshape(1, -1, 2)
    pixels = pixels.expand(intrinsics.frames, -1, -1).to(intrinsics.focal)
    distortion = intrinsics.distortion if intrinsics.distorted else None
    return rays.normalised_points(pixels, intrinsics.focal, intrinsics.centre, distortion)


def _compute_points(intrinsics: Intrinsics) -> Float[Tensor, "frames_or_one pixels 2"]:
    grid = rays.pixel_grid(intrinsics.height, intrinsics.width, device=intrinsics.focal.device).reshape(1, -1, 2)
    count = 1 if _are_shared(intrinsics) else intrinsics.frames
    return rays.normalised_points(
        grid.expand(count, -1, -1),
        intrinsics.focal[:count],
        intrinsics.centre[:count],
        intrinsics.distortion[:count] if intrinsics.distorted else None,
    )


def _crop(intrinsics: Intrinsics, width: int, height: int) -> Intrinsics:
    """The intrinsics of images from which columns at the right and rows at the bottom were cut off."""
    return Intrinsics(intrinsics.focal, intrinsics.centre, intrinsics.distortion, width, height)


def _are_shared(intrinsics: Intrinsics) -> bool:
    values = torch.cat([intrinsics.focal, intrinsics.centre, intrinsics.distortion], dim=-1)
    return bool((values == values[:1]).all())
