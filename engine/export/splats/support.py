"""Which points on surfaces other views support, and which they see through: errors of the depth at edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from engine.export.splats.camera import SplatCamera
from engine.geometry.rays import project


@dataclass(frozen=True)
class SupportOptions:
    """When a point is supported.

    Attributes:
        views: most views that are asked, evenly spread.
        tolerance: distance of a point from the depth map within which it lies on it, in distances of neighbouring
            rays at the point.
        relative_tolerance: added to it, in depths: depths far outside of the cameras' middle are less exact.
    """

    views: int = 40
    tolerance: float = 1.5
    relative_tolerance: float = 0.002


DEFAULT = SupportOptions()


class DepthMap(NamedTuple):
    """A coarse rendering of a view.

    Attributes:
        camera: of the whole picture.
        depth: units of the exported world; infinite where the ray is hardly opaque.
        shift: added to the pixel centres, in pixels of `depth`.
    """

    camera: SplatCamera
    depth: Float[Tensor, "height width"]
    shift: Float[Tensor, " 2"]


def find_supported(
    positions: Float[Tensor, "points 3"],
    spacing: Float[Tensor, " points"],
    shares: Float[Tensor, " points"],
    maps: Sequence[DepthMap],
    options: SupportOptions = DEFAULT,
) -> Bool[Tensor, " points"]:
    """The points that lie on the surfaces of enough of the views whose line of sight reaches them.

    A view counts by the area that a point covers in it, the inverse square of its depth: where a camera stands near a
    wall that others see from afar, inexactly, nothing of it may hang before the camera.

    Args:
        positions: in the exported world.
        spacing: distance of neighbouring rays there.
        shares: least share of the views that see a surface at the point, among those that see it or see through it.
        maps: of all views.
        options: see there.
    """
    agreeing, through = torch.zeros(2, len(positions))
    chosen = torch.linspace(0, len(maps) - 1, min(options.views, len(maps))).round().long().tolist()
    for number in chosen:
        camera, depth, shift = maps[number]
        height, width = depth.shape
        pose, lens = torch.from_numpy(camera.world_to_camera), torch.from_numpy(camera.lens)
        pixels, z = project(positions, pose, lens[:2], lens[2:])
        factor = torch.tensor([width / camera.width, height / camera.height])
        column, row = (pixels * factor - shift).floor().long().unbind(-1)
        inside = (z > 0) & (column >= 0) & (column < width) & (row >= 0) & (row < height)
        place = row.clamp(0, height - 1), column.clamp(0, width - 1)
        # At an edge the depth lies between near and far: the neighbours decide.
        farthest = F.max_pool2d(depth[None], 3, stride=1, padding=1)[0][place]
        nearest = -F.max_pool2d(-depth[None], 3, stride=1, padding=1)[0][place]
        margin = options.tolerance * spacing + options.relative_tolerance * z
        weight = inside / z.clamp(min=camera.nearest).square()
        through += weight * (z < nearest - margin)
        agreeing += weight * ((z >= nearest - margin) & (z <= farthest + margin))
    return agreeing >= shares * (agreeing + through)
