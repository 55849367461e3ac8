"""What some patches say of the image: their mean where their transforms put them, and how it changes from there on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from engine.geometry.homography import apply_homography
from engine.scenes.pyramid.patch_level import PatchLevel

IN_FRONT = 0.05  # homogeneous coordinate, 1 in the middle of the patch: what is less lies near the patch's horizon


class Looks(NamedTuple):
    """What a mosaic shows at points: RGB, its slopes (per unit of the plane), and whether the patches cover it."""

    colour: Float[Tensor, "3 ..."]
    slope_x: Float[Tensor, "3 ..."]
    slope_y: Float[Tensor, "3 ..."]
    covered: Bool[Tensor, "..."]


class Mosaic:
    """The mean of some patches on a grid over the image and a margin around it.

    For given transforms it is the image that explains the patches best. It knows what they cover, and it can leave one
    of them out: what the others say, a patch can be asked to agree with.
    """

    def __init__(
        self,
        data: PatchLevel,
        warps: Float[Tensor, "patches 3 3"],
        chosen: Sequence[int],
        half_extent: tuple[float, float],
        margin: float = 0.25,
    ) -> None:
        """`half_extent` is that of the image in the plane; there is one pixel for each of an untransformed patch."""
        device = warps.device
        self._half = torch.tensor(half_extent, device=device) * (1 + margin)
        columns, rows = (max(round(float(side) * 2 / data.pitch), 2) for side in self._half)
        self._half = torch.tensor([columns, rows], device=device) * data.pitch / 2
        self._pitch = data.pitch
        x = (torch.arange(columns, device=device) + 0.5) * data.pitch - self._half[0]
        y = (torch.arange(rows, device=device) + 0.5) * data.pitch - self._half[1]
        points = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1).view(1, -1, 2)
        seen, inside = seen_by(data, warps[list(chosen)], points)
        shape = (len(chosen), rows, columns)
        images = F.grid_sample(
            data.images[list(chosen)], seen.view(*shape, 2), align_corners=False, padding_mode="border"
        )
        weights = inside.view(len(chosen), 1, rows, columns).float()
        count = weights.sum(dim=0)
        self.image: Float[Tensor, "3 rows columns"] = (images * weights).sum(dim=0) / count.clamp(min=1)
        self.covered: Bool[Tensor, "rows columns"] = count[0] > 0
        self._channels = self._sampled()

    def _sampled(self) -> Float[Tensor, "1 10 rows columns"]:
        """Colour, slopes, and a mask that leaves out pixels beside uncovered ones, where slopes are wrong."""
        slope_x, slope_y = slopes(self.image[None])
        uncovered = 1 - self.covered.float()[None, None]
        mask = 1 - F.max_pool2d(uncovered, 3, stride=1, padding=1)
        return torch.cat([self.image[None], slope_x / self._pitch, slope_y / self._pitch, mask], dim=1)

    def look(self, points: Float[Tensor, "*batch 2"]) -> Looks:
        """Interpolated at points of the plane."""
        flat = (points / self._half).reshape(1, 1, -1, 2)
        found = F.grid_sample(self._channels, flat, align_corners=False, padding_mode="zeros")[0, :, 0]
        colour, slope_x, slope_y, mask = found.unflatten(1, points.shape[:-1]).split((3, 3, 3, 1))
        return Looks(colour, slope_x, slope_y, mask[0] > 0.99)


def seen_by(
    data: PatchLevel, warps: Float[Tensor, "patches 3 3"], points: Float[Tensor, "#patches points 2"]
) -> tuple[Float[Tensor, "patches points 2"], Bool[Tensor, "patches points"]]:
    """Where in each patch a point of the plane is seen, and whether among its pixels' centres.

    The borders of the patch are at -1 and 1.
    """
    inverse = torch.linalg.inv(warps)
    depth = points @ inverse[:, 2, :2, None] + inverse[:, 2, 2, None, None]
    seen = data.relative(apply_homography(inverse, points))
    edge = 1 - 0.5 * data.pitch / data.half_extent
    return seen, (depth[..., 0] > IN_FRONT) & (seen.abs() < edge).all(dim=-1)


def slopes(images: Float[Tensor, "images 3 rows columns"]) -> tuple[Tensor, Tensor]:
    """Central differences along x and y, per pixel."""
    padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
    slope_x = (padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]) / 2
    slope_y = (padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]) / 2
    return slope_x, slope_y
