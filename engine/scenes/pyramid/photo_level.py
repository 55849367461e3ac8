"""A stage's photos: downsampled, flattened, with every pixel's point on the normalised image plane."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from engine.geometry import rays
from engine.geometry.intrinsics import Intrinsics
from engine.scenes.scene import Scene


@dataclass(frozen=True)
class PhotoLevel:
    """The training frames at one resolution.

    Attributes:
        images: RGB in [0, 1].
        points: every pixel's centre on the plane z = 1; one row for all frames if they share their intrinsics.
        intrinsics: of the downsampled images, one per training frame.
    """

    images: Float[Tensor, "frames 3 height width"]
    points: Float[Tensor, "frames_or_one pixels 2"]
    intrinsics: Intrinsics

    @property
    def pixels(self) -> int:
        return self.points.shape[1]

    def plane(self, frames: Tensor, pixels: Tensor) -> Float[Tensor, "frames count 2"]:
        """Points of chosen pixels (frames count) of chosen frames."""
        if self.points.shape[0] == 1:
            return self.points[0][pixels]
        return self.points[frames[:, None], pixels]

    def colours(self, frames: Tensor, pixels: Tensor) -> Float[Tensor, "frames count 3"]:
        flat = self.images.flatten(start_dim=2)
        return flat[frames[:, None], :, pixels]


def draw_pixels(
    data: PhotoLevel, frames: int, per_frame: int, block: int, generator: torch.Generator
) -> Int[Tensor, "frames count"]:
    """Random pixels of every frame, in blocks of `block` x `block`: neighbours share voxels, and so memory."""
    width, height = data.intrinsics.width, data.intrinsics.height
    blocks = max(per_frame // block**2, 1)
    x = torch.randint(width - block + 1, (frames, blocks), generator=generator)
    y = torch.randint(height - block + 1, (frames, blocks), generator=generator)
    steps = torch.arange(block)
    within = (steps[:, None] * width + steps).reshape(-1)
    return ((y * width + x)[..., None] + within).reshape(frames, -1).to(data.points.device)


def downsample_photos(scene: Scene, frames: list[int], factor: int, device: torch.device) -> PhotoLevel:
    """Averages blocks of `factor` x `factor` pixels; rows and columns that fill no block are left out."""
    images = scene.images[frames].to(device).permute(0, 3, 1, 2).float() / 255
    if factor > 1:
        images = F.avg_pool2d(images, factor)
    height, width = images.shape[-2:]
    intrinsics = scene.intrinsics[torch.tensor(frames)].to(device)
    cropped = _cropped(intrinsics, width * factor, height * factor).resized(width, height)
    return PhotoLevel(images.contiguous(), _points(cropped), cropped)


def replace_intrinsics(data: PhotoLevel, intrinsics: Intrinsics) -> PhotoLevel:
    """The same photos, taken with other intrinsics."""
    return PhotoLevel(data.images, _points(intrinsics), intrinsics)


def make_lattice(intrinsics: Intrinsics, columns: int = 16, rows: int = 12) -> Float[Tensor, "frames points 2"]:
    """A fixed lattice over every frame's image, on the normalised plane: what published poses are fitted to."""
    x = (torch.arange(columns) + 0.5) / columns * intrinsics.width
    y = (torch.arange(rows) + 0.5) / rows * intrinsics.height
    pixels = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).reshape(1, -1, 2)
    pixels = pixels.expand(intrinsics.frames, -1, -1).to(intrinsics.focal)
    distortion = intrinsics.distortion if intrinsics.distorted else None
    return rays.normalised_points(pixels, intrinsics.focal, intrinsics.centre, distortion)


def _points(intrinsics: Intrinsics) -> Float[Tensor, "frames_or_one pixels 2"]:
    grid = rays.pixel_grid(intrinsics.height, intrinsics.width, device=intrinsics.focal.device).reshape(1, -1, 2)
    count = 1 if _shared(intrinsics) else intrinsics.frames
    return rays.normalised_points(
        grid.expand(count, -1, -1),
        intrinsics.focal[:count],
        intrinsics.centre[:count],
        intrinsics.distortion[:count] if intrinsics.distorted else None,
    )


def _cropped(intrinsics: Intrinsics, width: int, height: int) -> Intrinsics:
    """The same cameras with columns at the right and rows at the bottom cut off."""
    return Intrinsics(intrinsics.focal, intrinsics.centre, intrinsics.distortion, width, height)


def _shared(intrinsics: Intrinsics) -> bool:
    values = torch.cat([intrinsics.focal, intrinsics.centre, intrinsics.distortion], dim=-1)
    return bool((values == values[:1]).all())
