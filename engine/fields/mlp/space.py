"""Samples of an MLP field along a ray, and the unit of the inputs of its network."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from engine.fields.contraction.mapping import OUTER, contract, expand
from engine.scenes.scene import SceneKind

FARTHEST = 1e10  # depth in place of infinity
BLENDER_HALF_EXTENT = 1.45  # half edge of the box of NeRF's synthetic scenes, scene units
_LEAST_DISPARITY = 1e-3  # depths are reported up to its inverse, 1000 scene units


@dataclass(frozen=True)
class RaySpace:
    """Turns s in [0, 1] into depth t in multiples of the ray's direction, and world positions into network inputs.

    Forward-facing: s is one minus disparity, so t goes from 1 to infinity (the nearest depth is more than one scene
    unit), and positions are inputs as they are. Objects: t goes linearly from near to far, and inputs are positions
    relative to the centre of the box, scaled so that the box is as large as in NeRF's synthetic scenes: the
    frequencies of the encoding have the same meaning in every scene. Unbounded: beyond near, t is linear in inverse
    depth, half of the samples within an edge of the near box; inputs are contracted positions, scaled likewise.
    """

    kind: SceneKind
    near: float
    far: float
    box_centre: tuple[float, float, float]
    box_half_extent: float

    def __post_init__(self) -> None:
        if self.kind == "object" and not 0 <= self.near < self.far < math.inf:
            raise ValueError(f"an object needs 0 <= near < far < infinity, not {self.near} and {self.far}")

    @property
    def scale(self) -> float:
        """Network units per scene unit."""
        return 1.0 if self.kind == "forward-facing" else BLENDER_HALF_EXTENT / self.box_half_extent

    def depth(self, s: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
        """Depth t at s, increasing."""
        if self.kind == "forward-facing":
            return 1 / (1 - s).clamp(min=1 / FARTHEST)
        if self.kind == "unbounded":
            return self.near + 2 * self.box_half_extent * s / (1 - s).clamp(min=1 / FARTHEST)
        return self.near + s * (self.far - self.near)

    def reported_depth(self, s: Float[Tensor, "*batch"]) -> Float[Tensor, "*batch"]:
        """Depth t at an expected s; scenes without end are reported to 1000 scene units, or edges of the near box."""
        return self.depth(s if self.kind == "object" else s.clamp(max=1 - _LEAST_DISPARITY))

    def inputs(self, positions: Float[Tensor, "*batch 3"]) -> Float[Tensor, "*batch 3"]:
        """World positions as inputs of the network."""
        if self.kind == "forward-facing":
            return positions
        from_centre = positions - positions.new_tensor(self.box_centre)
        if self.kind == "unbounded":
            return contract(from_centre / self.box_half_extent, OUTER) * BLENDER_HALF_EXTENT
        return from_centre * self.scale

    def lattice_shape(self, longest: int, extent: tuple[float, float]) -> tuple[int, int, int]:
        """(depth, height, width) of a baked volume: a cube, or planes of equal disparity as wide as `extent`."""
        if self.kind != "forward-facing":
            return longest, longest, longest
        height, width = (max(round(longest * side / max(extent)), 2) for side in (extent[1], extent[0]))
        return longest, height, width

    def lattice_plane(
        self, index: int, shape: tuple[int, int, int], extent: tuple[float, float], farthest: float
    ) -> tuple[Float[Tensor, "height width 3"], Float[Tensor, "height width 3"], Float[Tensor, "height width"]]:
        """One plane of a baked volume.

        Args:
            index: of the plane along z of the box; else disparity times (depth - 1), so that 0 is at infinity.
            shape: (depth, height, width) of the volume.
            extent: half width and half height of a forward-facing volume at z = 1.
            farthest: depth at which the plane at infinity is sampled.
        Returns:
            positions in the world; unit viewing directions; and the spacing of the lattice along these directions,
            scene units.
        """
        depth, height, width = shape
        if self.kind == "unbounded":
            return self._cube_plane(index, shape)
        if self.kind == "object":
            centre = torch.tensor(self.box_centre)
            x, y = (torch.linspace(-1, 1, size) * self.box_half_extent for size in (width, height))
            z = (2 * index / (depth - 1) - 1) * self.box_half_extent
            across = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)
            offset = torch.cat([across, torch.full((height, width, 1), z)], dim=-1)
            views = -torch.nn.functional.normalize(offset, dim=-1)
            return centre + offset, views, torch.full((height, width), 2 * self.box_half_extent / (depth - 1))
        x, y = torch.linspace(-extent[0], extent[0], width), torch.linspace(-extent[1], extent[1], height)
        across = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)
        rays = torch.cat([across, torch.ones(height, width, 1)], dim=-1)
        disparity = max(index / (depth - 1), 1 / farthest)
        # A step dw in disparity w is dz = dw / w^2 in depth, times |ray| along the ray.
        length = torch.linalg.vector_norm(rays, dim=-1) / disparity**2 / depth
        return rays / disparity, torch.tensor([0.0, 0.0, 1.0]).expand(height, width, 3), length

    def _cube_plane(
        self, index: int, shape: tuple[int, int, int]
    ) -> tuple[Float[Tensor, "height width 3"], Float[Tensor, "height width 3"], Float[Tensor, "height width"]]:
        """`lattice_plane` of the cube that all of space is contracted to; its faces are sampled just before
        infinity."""
        depth, height, width = shape
        x, y = (torch.linspace(-1, 1, size) for size in (width, height))
        across = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)
        cube = torch.cat([across, torch.full((height, width, 1), 2 * index / (depth - 1) - 1)], dim=-1)
        cube = cube * (1 + OUTER) * (1 - _LEAST_DISPARITY)
        offset = expand(cube, OUTER) * self.box_half_extent
        # Outwards a step dc in the cube is m^2 / OUTER times as long in units of the box, m being the distance there.
        distance = (offset / self.box_half_extent).abs().amax(dim=-1).clamp(min=1.0)
        stretched = torch.where(distance > 1, distance**2 / OUTER, torch.ones_like(distance))
        spacing = 2 * (1 + OUTER) * self.box_half_extent / (depth - 1) * stretched
        return torch.tensor(self.box_centre) + offset, -torch.nn.functional.normalize(offset, dim=-1), spacing
