"""The mean of some patches in the plane of the image, with its slopes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from engine.geometry.homography import apply_homography
from engine.scenes.pyramid.patch_level import PatchLevel

_LEAST_HOMOGENEOUS = 0.05  # third coordinate, 1 in the middle of a patch; points with less are near its horizon
_COVERED = 0.99  # interpolated mask from which a point is covered: all four pixels around it are


class MosaicSamples(NamedTuple):
    """A mosaic at points: RGB in [0, 1], its slopes along x and y (per unit of the plane), and whether it is known."""

    colour: Float[Tensor, "3 ..."]
    slope_x: Float[Tensor, "3 ..."]
    slope_y: Float[Tensor, "3 ..."]
    covered: Bool[Tensor, "..."]


class Mosaic:
    """The mean of some patches on a grid over the image and a margin around it.

    For given transforms it is the least-squares estimate of the image. A patch left out of it can be compared with
    the others.

    Attributes:
        image: RGB in [0, 1]; 0 where no patch lies.
        covered: pixels on which at least one patch lies.
    """

    def __init__(
        self,
        data: PatchLevel,
        warps: Float[Tensor, "patches 3 3"],
        chosen: Sequence[int],
        half_extent: tuple[float, float],
        margin: float = 0.25,
    ) -> None:
        """Maps the patches into the plane; the pixels are as large as those of an untransformed patch.

        Args:
            data: the patches at some resolution.
            warps: from the planes of the patches to that of the image.
            chosen: patches that are averaged.
            half_extent: half width and half height of the image, units of the plane.
            margin: added around the image, relative to its extent.
        """
        device = warps.device
        self._half = torch.tensor(half_extent, device=device) * (1 + margin)
        columns, rows = (max(round(float(side) * 2 / data.pitch), 2) for side in self._half)
        self._half = torch.tensor([columns, rows], device=device) * data.pitch / 2
        self._pitch = data.pitch
        x = (torch.arange(columns, device=device) + 0.5) * data.pitch - self._half[0]
        y = (torch.arange(rows, device=device) + 0.5) * data.pitch - self._half[1]
        points = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).view(1, -1, 2)
        seen, inside = locate_in_patches(data, warps[list(chosen)], points)
        shape = (len(chosen), rows, columns)
        images = F.grid_sample(
            data.images[list(chosen)], seen.view(*shape, 2), align_corners=False, padding_mode="border"
        )
        weights = inside.view(len(chosen), 1, rows, columns).float()
        count = weights.sum(dim=0)
        self.image: Float[Tensor, "3 rows columns"] = (images * weights).sum(dim=0) / count.clamp(min=1)
        self.covered: Bool[Tensor, "rows columns"] = count[0] > 0
        self._channels = self._make_channels()

    def _make_channels(self) -> Float[Tensor, "1 10 rows columns"]:
        """Colour, slopes, and a mask without the pixels beside uncovered ones, whose slopes are wrong."""
        slope_x, slope_y = image_slopes(self.image[None])
        uncovered = 1 - self.covered.float()[None, None]
        mask = 1 - F.max_pool2d(uncovered, 3, stride=1, padding=1)
        return torch.cat([self.image[None], slope_x / self._pitch, slope_y / self._pitch, mask], dim=1)

    def sample(self, points: Float[Tensor, "*batch 2"]) -> MosaicSamples:
        """Bilinear values at points of the plane."""
        flat = (points / self._half).reshape(1, 1, -1, 2)
        found = F.grid_sample(self._channels, flat, align_corners=False, padding_mode="zeros")[0, :, 0]
        colour, slope_x, slope_y, mask = found.unflatten(1, points.shape[:-1]).split((3, 3, 3, 1))
        return MosaicSamples(colour, slope_x, slope_y, mask[0] > _COVERED)


def locate_in_patches(
    data: PatchLevel, warps: Float[Tensor, "patches 3 3"], points: Float[Tensor, "#patches points 2"]
) -> tuple[Float[Tensor, "patches points 2"], Bool[Tensor, "patches points"]]:
    """Positions of points of the plane within each patch, and whether they lie between the centres of its pixels.

    The borders of a patch are at -1 and 1.
    """
    inverse = torch.linalg.inv(warps)
    depth = points @ inverse[:, 2, :2, None] + inverse[:, 2, 2, None, None]
    seen = data.relative(apply_homography(inverse, points))
    edge = 1 - 0.5 * data.pitch / data.half_extent
    return seen, (depth[..., 0] > _LEAST_HOMOGENEOUS) & (seen.abs() < edge).all(dim=-1)


def image_slopes(images: Float[Tensor, "images 3 rows columns"]) -> tuple[Tensor, Tensor]:
    """Central differences along x and y, per pixel; one-sided at the border."""
    padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
    slope_x = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2
    slope_y = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2
    return slope_x, slope_y
