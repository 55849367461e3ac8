"""The field's lattice in the world: where its points lie, and what colour it has there."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from engine.fields.field import Planes
from engine.fields.spaces import BoxSpace, ProjectiveSpace, Space, space_of
from engine.training.radiance import Trainer

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Lattice:
    """Raw density and colour on the lattice of a field (as in `engine.fields.baking`), on the CPU.

    Attributes:
        space: where it lies.
        voxels: channel 0 is raw density (softplus makes it density per spacing), 1 to 3 raw colour (sigmoid).
        tint: directional coefficients of the colour, or None.
    """

    space: Space
    voxels: Float[Tensor, "depth height width 4"]
    tint: Float[Tensor, "tint_depth tint_height tint_width 9"] | None

    @property
    def shape(self) -> Shape:
        depth, height, width = self.voxels.shape[:3]
        return depth, height, width

    @property
    def projective(self) -> bool:
        """Whether it lies in projective space, where depth runs in equal steps of 1 / Z."""
        return isinstance(self.space, ProjectiveSpace)

    @property
    def spacing(self) -> float:
        """Between two planes: of inverse depth in projective space, else scene units."""
        edge = self.space.half_extent * 2 if isinstance(self.space, BoxSpace) else 1.0
        return edge / (self.shape[0] - 1)

    def world(self, indices: Float[Tensor, "points 3"]) -> Float[Tensor, "points 3"]:
        """Places in the run's world of lattice coordinates in the order (z, y, x)."""
        size = indices.new_tensor(self.shape) - 1
        if isinstance(self.space, ProjectiveSpace):
            depth = size[0] / indices[:, :1]
            plane = (2 * indices[:, [2, 1]] / size[[2, 1]] - 1) * indices.new_tensor(self.space.extent)
            return torch.cat([plane * depth, depth], dim=-1)
        assert isinstance(self.space, BoxSpace)
        unit = 2 * indices.flip(-1) / size.flip(-1) - 1
        return indices.new_tensor(self.space.centre) + unit * self.space.half_extent

    def indices(self, world: Float[Tensor, "points 3"]) -> Float[Tensor, "points 3"]:
        """Lattice coordinates (z, y, x) of places in the run's world; what `world` undoes."""
        size = world.new_tensor(self.shape) - 1
        if isinstance(self.space, ProjectiveSpace):
            plane = world[:, :2] / world[:, 2:] / world.new_tensor(self.space.extent)
            return torch.cat([size[0] / world[:, 2:], ((plane + 1) / 2 * size[[2, 1]]).flip(-1)], dim=-1)
        assert isinstance(self.space, BoxSpace)
        unit = (world - world.new_tensor(self.space.centre)) / self.space.half_extent
        return (unit + 1).flip(-1) / 2 * size

    def densities(self, indices: Float[Tensor, "points 3"]) -> Float[Tensor, " points"]:
        """Per spacing, at lattice coordinates (z, y, x)."""
        return torch.nn.functional.softplus(self._sampled(self.voxels[..., :1], indices)[:, 0])

    def colours(
        self, indices: Float[Tensor, "points 3"], directions: Float[Tensor, "points 3"]
    ) -> Float[Tensor, "points 3"]:
        """RGB in [0, 1] at lattice coordinates (z, y, x), seen along unit directions of the run's world."""
        raw = self._sampled(self.voxels[..., 1:], indices)
        if self.tint is not None:
            coefficients = self._sampled(self.tint, indices).unflatten(-1, (3, 3))
            raw = raw + (coefficients * directions[:, None]).sum(-1)
        return torch.sigmoid(raw)

    def _sampled(self, values: Tensor, indices: Float[Tensor, "points 3"]) -> Float[Tensor, "points channels"]:
        """Trilinear; a lattice of another size has its corners on the same corners."""
        places = (2 * indices / (indices.new_tensor(self.shape) - 1) - 1).flip(-1)  # grid_sample wants (x, y, z)
        volume = values.permute(3, 0, 1, 2)[None]
        found = F.grid_sample(volume, places.to(volume)[None, None, None], align_corners=True, padding_mode="border")
        return found[0, :, 0, 0].T


def lattice_of(trainer: Trainer, longest: int) -> Lattice:
    """The field on at most so many points along the longest side; a projective field keeps its planes."""
    field = trainer.field
    tint = field.tint_planes(longest)
    voxels = _gathered(field.volume_planes(longest))
    return Lattice(space_of(trainer.scene), voxels, None if tint is None else _gathered(tint))


def _gathered(planes: Planes) -> Tensor:
    return torch.stack([plane.detach().float().cpu() for plane in planes.planes])
