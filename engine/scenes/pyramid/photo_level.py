"""The training frames at one resolution, with the point of every pixel on the normalised image plane (z = 1)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from engine.geometry import rays
from engine.geometry.intrinsics import Intrinsics
from engine.scenes.canvas import list_sizes
from engine.scenes.pyramid.photo_masks import PhotoMasks, downsample_masks, fill_masked
from engine.scenes.scene import Scene
from engine.system.recorded_work import upload_made

LATTICE_RADIUS = math.tan(math.radians(60))  # of the plane z = 1, that the lattice reaches


@dataclass(frozen=True)
class PhotoLevel:
    """The training frames at one resolution.

    Attributes:
        images: RGB in [0, 1]; where a pixel does not count, the mean of those that do.
        points: centres of all pixels of the canvas, row by row, as undistorted points of the plane z = 1; one entry
            for each lens. Outside a frame's own picture they are those of its border.
        intrinsics: of the downsampled images, one per frame.
        masks: which pixels count; None if all do.
        lens_of: entry of `points` of each frame; None if there is a single one, or one per frame in order.
    """

    images: Float[Tensor, "frames 3 height width"]
    points: Float[Tensor, "lenses pixels 2"]
    intrinsics: Intrinsics
    masks: PhotoMasks | None = None
    lens_of: Int[Tensor, " frames"] | None = None

    @property
    def pixels(self) -> int:
        """Number of pixels per frame."""
        return self.points.shape[1]

    def plane(self, frames: Tensor, pixels: Tensor) -> Float[Tensor, "frames count 2"]:
        """Points of the plane z = 1 for pixels (frames, count; flat indices) of the given frames (frames,)."""
        if self.points.shape[0] == 1:
            return self.points[0][pixels]
        lens = frames if self.lens_of is None else self.lens_of[frames]
        return self.points[lens[:, None], pixels]

    def plane_of(self, frame: int) -> Float[Tensor, "height width 2"]:
        """Points of the plane z = 1 of all pixels of a frame's canvas."""
        lens = frame if self.lens_of is None else int(self.lens_of[frame])
        return self.points[0 if len(self.points) == 1 else lens].view(*self.images.shape[-2:], 2)

    def stretched(self) -> Float[Tensor, "frames 3 height width"]:
        """The images with each frame's own picture resampled to the whole canvas, to compare pictures as wholes."""
        if self.intrinsics.sizes is None:
            return self.images
        canvas = self.images.shape[-2:]
        own = [
            image[None, :, :height, :width]
            for image, (width, height) in zip(self.images, list_sizes(self.intrinsics), strict=True)
        ]
        return torch.cat([F.interpolate(picture, canvas, mode="bilinear", antialias=True) for picture in own])

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
    blocks, masks = max(per_frame // block**2, 1), data.masks

    def draw() -> Tensor:
        if masks is not None:
            corners = masks.draw_corners(blocks, block, generator)
        else:
            x = torch.randint(width - block + 1, (frames, blocks), generator=generator)
            y = torch.randint(height - block + 1, (frames, blocks), generator=generator)
            corners = y * width + x
        steps = torch.arange(block)
        within = (steps[:, None] * width + steps).reshape(-1)
        return (corners[..., None] + within).reshape(frames, -1)

    return upload_made(draw, data.points.device)


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
    points, lens_of = _compute_points(cropped)
    return PhotoLevel(fill_masked(images, masks).contiguous(), points, cropped, masks, lens_of)


def replace_intrinsics(data: PhotoLevel, intrinsics: Intrinsics) -> PhotoLevel:
    """The same images with other intrinsics, and the points of their pixels computed anew."""
    points, lens_of = _compute_points(intrinsics)
    return PhotoLevel(data.images, points, intrinsics, data.masks, lens_of)


def make_lattice(intrinsics: Intrinsics, columns: int = 16, rows: int = 12) -> Float[Tensor, "frames points 2"]:
    """A regular lattice over every frame's own picture, on the plane z = 1.

    To its points global transforms are fitted where poses are published. Those further than 60 degrees from the axis
    are moved there: far out on the plane, they would outweigh all others.
    """
    x = (torch.arange(columns) + 0.5) / columns
    y = (torch.arange(rows) + 0.5) / rows
    shares = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).reshape(1, -1, 2).to(intrinsics.focal)
    pixels = shares * intrinsics.own_sizes[:, None]
    distortion = intrinsics.distortion if intrinsics.distorted else None
    points = rays.normalised_points(pixels, intrinsics.focal, intrinsics.centre, distortion)
    return points * (LATTICE_RADIUS / points.norm(dim=-1, keepdim=True).clamp(min=LATTICE_RADIUS))


def _compute_points(intrinsics: Intrinsics) -> tuple[Float[Tensor, "lenses pixels 2"], Int[Tensor, " frames"] | None]:
    """Points of the plane z = 1 of all pixels, for each lens, and which of them each frame has (see `PhotoLevel`)."""
    first, lens_of = _find_lenses(intrinsics)
    one = intrinsics[first]
    grid = rays.pixel_grid(intrinsics.height, intrinsics.width, device=intrinsics.focal.device).reshape(1, -1, 2)
    # A lens may not be invertible outside the picture; a point that is not finite would spoil the loss there.
    grid = torch.minimum(grid.expand(len(first), -1, -1), (one.own_sizes[:, None] - 0.5).to(grid))
    points = rays.normalised_points(grid, one.focal, one.centre, one.distortion if one.distorted else None)
    return points, lens_of


def _crop(intrinsics: Intrinsics, width: int, height: int) -> Intrinsics:
    """The intrinsics of images from which columns at the right and rows at the bottom were cut off."""
    sizes = intrinsics.sizes
    if sizes is not None:
        sizes = torch.minimum(sizes, sizes.new_tensor([width, height]))
    return replace(intrinsics, width=width, height=height, sizes=sizes)


def _find_lenses(intrinsics: Intrinsics) -> tuple[Int[Tensor, " lenses"], Int[Tensor, " frames"] | None]:
    """The first frame of each different lens, and the lens of each frame; None for one lens, or one per frame."""
    values = torch.cat([intrinsics.focal, intrinsics.centre, intrinsics.distortion], dim=-1)
    values = torch.cat([values, intrinsics.own_sizes.to(values)], dim=-1)
    every = torch.arange(len(values), device=values.device)
    _, lens_of = values.unique(dim=0, return_inverse=True)
    count = int(lens_of.max()) + 1 if len(values) else 0
    if count == len(values):
        return every, None
    first = torch.full_like(every[:count], len(values)).scatter_reduce_(0, lens_of, every, "amin")
    return first, None if count == 1 else lens_of
