"""A voxel grid as a coarser one that looks the same from afar, plane by plane: where a texture cannot hold it all."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from engine.fields.voxel_grid.state import unweighed, weighed

Shape = tuple[int, int, int]


def fitting_shape(shape: Shape, longest: int, cube: bool) -> Shape:
    """(depth, height, width) of at most `longest` voxels a side.

    A cube shrinks alike along all axes. A projective volume keeps its planes, few as they are, where they fit: what
    it must lose it loses across.
    """
    factor = longest / max(shape)
    depth, height, width = (min(size, longest, max(round(size * factor), 2)) for size in shape)
    return (depth if cube else min(shape[0], longest)), height, width


def coarser_planes(
    voxels: Float[Tensor, "depth height width 4"], shape: Shape, gain: float
) -> Iterator[Float[Tensor, "height width 4"]]:
    """The planes of a coarser grid with its corners on the same corners.

    Densities are averaged, colours by density, as in `grid_state.blurred`; `gain` multiplies density where it counts
    per voxel and a ray meets fewer of them.
    """
    last = voxels.shape[0] - 1
    for index in range(shape[0]):
        position = index * last / (shape[0] - 1)
        below = min(int(position), last - 1)
        plane = weighed(voxels[below])
        if position > below:
            plane = torch.lerp(plane, weighed(voxels[below + 1]), position - below)
        plane = plane.permute(2, 0, 1)
        if plane.shape[1:] != shape[1:]:
            plane = F.interpolate(plane[None], shape[1:], mode="bilinear", align_corners=True, antialias=True)[0]
        yield unweighed(plane.permute(1, 2, 0), gain)
