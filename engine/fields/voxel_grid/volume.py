"""Coarser copies of a voxel grid, plane by plane, for textures that cannot hold the whole grid."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from engine.fields.voxel_grid.state import unweight, weight_by_density

Shape = tuple[int, int, int]


def find_fitting_shape(shape: Shape, longest: int, cube: bool) -> Shape:
    """(depth, height, width) of at most `longest` voxels a side.

    A cube shrinks along all axes alike. A projective volume keeps its planes if they fit, and shrinks across.
    """
    factor = longest / max(shape)
    depth, height, width = (min(size, longest, max(round(size * factor), 2)) for size in shape)
    return (depth if cube else min(shape[0], longest)), height, width


def make_coarser_planes(
    voxels: Float[Tensor, "depth height width 4"], shape: Shape, gain: float
) -> Iterator[Float[Tensor, "height width 4"]]:
    """The planes of a coarser grid with the corners at the same positions.

    Averages are those of `state.blur`; `gain` multiplies the density, where it is per voxel and a ray meets fewer.
    """
    last = voxels.shape[0] - 1
    for index in range(shape[0]):
        position = index * last / (shape[0] - 1)
        below = min(int(position), last - 1)
        plane = weight_by_density(voxels[below])
        if position > below:
            plane = torch.lerp(plane, weight_by_density(voxels[below + 1]), position - below)
        plane = plane.permute(2, 0, 1)
        if plane.shape[1:] != shape[1:]:
            plane = F.interpolate(plane[None], shape[1:], mode="bilinear", align_corners=True, antialias=True)[0]
        yield unweight(plane.permute(1, 2, 0), gain)
