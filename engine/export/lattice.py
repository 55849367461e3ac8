"""The field on its lattice of voxels: positions in the world, density and colour."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from engine.errors import UserError
from engine.fields.contraction.mapping import contract, expand
from engine.fields.field import Bakeable, Planes
from engine.fields.spaces import BoxSpace, ProjectiveSpace, Space, UnboundedSpace, space_of
from engine.training.radiance import RadianceTrainer

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Lattice:
    """Raw density and colour on the lattice of a field (as in `engine.fields.baking`), on the CPU.

    Attributes:
        space: from lattice to world coordinates.
        voxels: channel 0 is raw density (softplus makes it density per spacing), 1 to 3 raw colour (sigmoid).
        tint: coefficients of the colour by the unit viewing direction, three per channel; or None.
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
        """Whether its planes are equally spaced in inverse depth."""
        return isinstance(self.space, ProjectiveSpace)

    @property
    def spacing(self) -> float:
        """Distance between two planes: inverse depth in projective space, else scene units (in the near box)."""
        edge = 1.0 if isinstance(self.space, ProjectiveSpace) else 2 * self._half_edge
        return edge / (self.shape[0] - 1)

    @property
    def _half_edge(self) -> float:
        """Half the edge of the cube, scene units as in the box."""
        assert isinstance(self.space, BoxSpace | UnboundedSpace)
        return self.space.half_extent * (1 + self._outer)

    @property
    def _outer(self) -> float:
        return self.space.outer if isinstance(self.space, UnboundedSpace) else 0.0

    @property
    def near_part(self) -> slice:
        """Indices along each axis of what lies in the near box of an unbounded scene; of everything in other
        spaces."""
        last = self.shape[0] - 1
        margin = math.ceil(last * self._outer / (2 * (1 + self._outer)))
        return slice(margin, last - margin + 1) if self._outer else slice(None)

    def reaches(self, farthest: float) -> Bool[Tensor, "depth height width"]:
        """Places in the cube of an unbounded scene at most so many scene units from the box's middle along each axis.

        The unused corners of the cube are none of them.
        """
        assert isinstance(self.space, UnboundedSpace)
        axis = torch.linspace(-1 - self._outer, 1 + self._outer, self.shape[0])
        sizes = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), dim=-1).abs().sort(dim=-1).values
        limit = float(contract(torch.tensor([farthest / self.space.half_extent, 0.0, 0.0]), self._outer)[0])
        return (sizes[..., 2] <= limit) & (sizes[..., 1] <= 1)

    def world(self, indices: Float[Tensor, "points 3"]) -> Float[Tensor, "points 3"]:
        """Positions in the world of the run of lattice coordinates (z, y, x)."""
        size = indices.new_tensor(self.shape) - 1
        if isinstance(self.space, ProjectiveSpace):
            depth = size[0] / indices[:, :1]
            plane = (2 * indices[:, [2, 1]] / size[[2, 1]] - 1) * indices.new_tensor(self.space.extent)
            return torch.cat([plane * depth, depth], dim=-1)
        assert isinstance(self.space, BoxSpace | UnboundedSpace)
        unit = (2 * indices.flip(-1) / size.flip(-1) - 1) * (1 + self._outer)
        if isinstance(self.space, UnboundedSpace):
            unit = expand(unit, self.space.outer)
        return indices.new_tensor(self.space.centre) + unit * self.space.half_extent

    def indices(self, world: Float[Tensor, "points 3"]) -> Float[Tensor, "points 3"]:
        """Lattice coordinates (z, y, x) of positions in the world of the run; the inverse of `world`."""
        size = world.new_tensor(self.shape) - 1
        if isinstance(self.space, ProjectiveSpace):
            plane = world[:, :2] / world[:, 2:] / world.new_tensor(self.space.extent)
            return torch.cat([size[0] / world[:, 2:], ((plane + 1) / 2 * size[[2, 1]]).flip(-1)], dim=-1)
        assert isinstance(self.space, BoxSpace | UnboundedSpace)
        unit = (world - world.new_tensor(self.space.centre)) / self.space.half_extent
        if isinstance(self.space, UnboundedSpace):
            unit = contract(unit, self.space.outer) / (1 + self._outer)
        return (unit + 1).flip(-1) / 2 * size

    def densities(self, indices: Float[Tensor, "points 3"]) -> Float[Tensor, " points"]:
        """Density per spacing at lattice coordinates (z, y, x)."""
        return F.softplus(self._sample(self.voxels[..., :1], indices)[:, 0])

    def colours(
        self, indices: Float[Tensor, "points 3"], directions: Float[Tensor, "points 3"]
    ) -> Float[Tensor, "points 3"]:
        """RGB in [0, 1] at lattice coordinates (z, y, x), seen along unit directions in the world of the run."""
        raw = self._sample(self.voxels[..., 1:], indices)
        if self.tint is not None:
            coefficients = self._sample(self.tint, indices).unflatten(-1, (3, 3))
            raw = raw + (coefficients * directions[:, None]).sum(-1)
        return torch.sigmoid(raw)

    def _sample(self, values: Tensor, indices: Float[Tensor, "points 3"]) -> Float[Tensor, "points channels"]:
        """Trilinear values; the corners of a tensor of another size lie at the same positions."""
        places = (2 * indices / (indices.new_tensor(self.shape) - 1) - 1).flip(-1)  # grid_sample wants (x, y, z)
        volume = values.permute(3, 0, 1, 2)[None]
        found = F.grid_sample(volume, places.to(volume)[None, None, None], align_corners=True, padding_mode="border")
        return found[0, :, 0, 0].T


def sample_field(trainer: RadianceTrainer, longest: int) -> Lattice:
    """The field on a lattice of at most `longest` points along its longest side.

    Raises:
        UserError: the field cannot be written onto a lattice.
    """
    field = trainer.field
    if not isinstance(field, Bakeable):
        raise UserError(
            f"The field {trainer.settings.field} cannot be written as a volume, so nothing can be exported."
        )
    tint = field.tint_planes(longest)
    voxels = _stack(field.volume_planes(longest))
    return Lattice(space_of(trainer.scene), voxels, None if tint is None else _stack(tint))


def _stack(planes: Planes) -> Tensor:
    return torch.stack([plane.detach().float().cpu() for plane in planes.planes])
