"""The patches of a planar scene at one resolution, with the point of every pixel in the plane of the patch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Generator, Tensor

from engine.geometry.homography import apply_homography
from engine.scenes.planar import PlanarScene, to_plane
from engine.system.recorded_work import upload_made


@dataclass(frozen=True)
class PatchLevel:
    """All patches at one resolution. Lengths are in the plane of the patch (see `engine.scenes.planar`).

    Attributes:
        images: RGB in [0, 1].
        points: centres (x, y) of all pixels, row by row.
        centre: middle (x, y) of the area that the pixels cover; not zero if rows or columns were left out.
        half_extent: half the size (x, y) of that area.
        pitch: distance between the centres of two neighbouring pixels.
    """

    images: Float[Tensor, "patches 3 height width"]
    points: Float[Tensor, "pixels 2"]
    centre: Float[Tensor, "2"]
    half_extent: Float[Tensor, "2"]
    pitch: float

    def relative(self, points: Float[Tensor, "*batch 2"]) -> Float[Tensor, "*batch 2"]:
        """Points of the plane, scaled so that the borders of the patch are at -1 and 1."""
        return (points - self.centre) / self.half_extent

    def colours_of(self, pixels: Int[Tensor, "patches count"]) -> Float[Tensor, "patches count 3"]:
        """RGB of the given pixels (flat indices) of every patch."""
        flat = self.images.flatten(start_dim=2)
        return flat.gather(2, pixels[:, None].expand(-1, 3, -1)).mT


def draw_patch_pixels(data: PatchLevel, batch: int, generator: Generator) -> Int[Tensor, "patches count"]:
    """Random pixels of every patch, as flat indices.

    Args:
        data: the patches.
        batch: number of pixels of all patches together; 0, or a number of at least all pixels, takes each pixel once.
        generator: of random numbers, on the CPU.
    """
    patches, pixels = len(data.images), len(data.points)
    count = batch // patches if batch else pixels
    if count >= pixels:
        return torch.arange(pixels, device=data.points.device).expand(patches, -1)
    return upload_made(lambda: torch.randint(pixels, (patches, count), generator=generator), data.points.device)


def downsample_patches(scene: PlanarScene, factor: int, device: torch.device) -> PatchLevel:
    """The patches averaged over blocks of `factor` x `factor` pixels, without rows and columns that fill no block."""
    images = scene.patches.to(device).permute(0, 3, 1, 2).float() / 255
    if factor > 1:
        images = F.avg_pool2d(images, factor)
    height, width = images.shape[-2:]
    axes = ((torch.arange(side, device=device) + 0.5) * factor for side in (width, height))
    pixels = torch.stack(torch.meshgrid(*axes, indexing="xy"), dim=-1).reshape(-1, 2)
    unit = max(scene.image_size) / 2
    plane = to_plane(*scene.patch_size, unit=unit).float().to(device)
    half = torch.tensor([width, height], device=device) * factor / 2
    centre = apply_homography(plane, half[None])[0]  # not zero if rows or columns were left out
    return PatchLevel(images.contiguous(), apply_homography(plane, pixels), centre, half / unit, factor / unit)
