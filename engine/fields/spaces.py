"""Where a voxel grid lies in the world: in projective space, in a box, or in a cube that holds all of space.

In projective space (forward-facing scenes) and in a box (objects) a ray is a straight line in voxel coordinates,
`start + s * step` with s in [0, 1]; in contracted space (unbounded scenes) it is a few straight pieces: projective
maps keep lines straight. The grid and the kernels know nothing else of the world.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from engine.config.schedule import MARGIN
from engine.fields.contraction import compiled, pieces
from engine.fields.contraction.mapping import OUTER
from engine.fields.contraction.pieces import Pieces
from engine.geometry.numerics import make_constant
from engine.scenes.scene import Scene

Shape = tuple[int, int, int]
NEAREST_SHARE = 0.5  # of the nearest depth of the scene, a measurement or a guess: where unbounded rays begin
_LEAST_DISPARITY = 1e-3  # of unbounded rays, in units of the last piece: depths end somewhere


class Lines(NamedTuple):
    """Rays in voxel coordinates (x, y, z order, 0 at the first voxel's centre).

    A straight ray is `start + s * step` with s in [0, 1]. A bent one consists of straight pieces; `ends` are the
    values of s at which they end, the last one's greater than 1. `optical_length` is what density is multiplied
    with along the whole of s. Bent rays reach infinity, and end opaque.
    """

    start: Float[Tensor, "rays 3"] | Float[Tensor, "rays pieces 3"]
    step: Float[Tensor, "rays 3"] | Float[Tensor, "rays pieces 3"]
    optical_length: Float[Tensor, " rays"]
    ends: Float[Tensor, "rays pieces"] | None = None

    def at(self, s: Float[Tensor, "rays samples"]) -> Float[Tensor, "rays samples 3"]:
        """Voxel coordinates of samples; differentiable in `start` and `step`."""
        if self.ends is None:
            return self.start[:, None] + s[..., None] * self.step[:, None]
        number = _piece_of(s, self.ends)[..., None].expand(-1, -1, 3)
        return self.start.gather(1, number) + s[..., None] * self.step.gather(1, number)


class Space(Protocol):
    """Maps rays of the world into a grid of a given (depth, height, width)."""

    @property
    def closed(self) -> bool:
        """Whether there is nothing outside (else what lies at the border goes on)."""
        ...

    def lines(self, origins: Float[Tensor, "rays 3"], directions: Float[Tensor, "rays 3"], shape: Shape) -> Lines: ...

    def depth(
        self, s: Float[Tensor, " rays"], origins: Float[Tensor, "rays 3"], directions: Float[Tensor, "rays 3"]
    ) -> Float[Tensor, " rays"]:
        """Depth of positions s along rays, in multiples of the direction."""
        ...

    def shape(self, planes: int, voxels: int) -> Shape:
        """The grid's (depth, height, width) at a stage's resolution."""
        ...


@dataclass(frozen=True)
class ProjectiveSpace:
    """(x/z, y/z, 1/z) seen from the world's origin along +z; plane 0 lies infinitely far, the last at z = 1.

    Attributes:
        extent: half width and half height of the volume on the plane z = 1.
    """

    extent: tuple[float, float]
    closed: bool = False

    def shape(self, planes: int, voxels: int) -> Shape:
        wide, high = self.extent
        longest = max(wide, high)
        return planes, max(round(voxels * high / longest), 2), max(round(voxels * wide / longest), 2)

    def lines(self, origins: Float[Tensor, "rays 3"], directions: Float[Tensor, "rays 3"], shape: Shape) -> Lines:
        """s is one minus disparity, so that samples even in s are even in 1/z."""
        depth, height, width = shape
        half = make_constant([(width - 1) / 2, (height - 1) / 2], origins)
        scale = half / make_constant(self.extent, origins)
        far = directions[:, :2] / directions[:, 2:]  # where the ray meets the plane at infinity
        slope = origins[:, :2] - far * origins[:, 2:]  # per unit of disparity
        plane = torch.full_like(far[:, :1], depth - 1.0)
        start = torch.cat([(far + slope) * scale + half, plane], dim=-1)
        step = torch.cat([-slope * scale, -plane], dim=-1)
        # Density counts per plane spacing: a surface is a plane or two thick at every resolution.
        return Lines(start, step, torch.full_like(plane[:, 0], float(depth)))

    def depth(
        self, s: Float[Tensor, " rays"], origins: Float[Tensor, "rays 3"], directions: Float[Tensor, "rays 3"]
    ) -> Float[Tensor, " rays"]:
        z = 1 / (1 - s).clamp(min=1e-3)
        return (z - origins[:, 2]) / directions[:, 2].clamp(min=1e-3)


def _piece_of(s: Float[Tensor, "rays samples"], ends: Float[Tensor, "rays pieces"]) -> Int64[Tensor, "rays samples"]:
    """The number of the piece in which each sample lies."""
    return (s[:, :, None] > ends[:, None, :-1]).sum(dim=-1)


@dataclass(frozen=True)
class BoxSpace:
    """A cube in the world. Rays that miss it get no optical length."""

    centre: tuple[float, float, float]
    half_extent: float
    closed: bool = True

    def shape(self, planes: int, voxels: int) -> Shape:
        return voxels, voxels, voxels

    def _span(
        self, origins: Float[Tensor, "rays 3"], directions: Float[Tensor, "rays 3"]
    ) -> tuple[Float[Tensor, " rays"], Float[Tensor, " rays"]]:
        """Depths of entry and exit; the sampling range carries no gradient."""
        with torch.no_grad():
            centre = make_constant(self.centre, origins)
            safe = torch.where(directions.abs() < 1e-9, torch.full_like(directions, 1e-9), directions)
            one = (centre - self.half_extent - origins) / safe
            other = (centre + self.half_extent - origins) / safe
            entry = torch.minimum(one, other).amax(dim=-1).clamp(min=0.0)
            leave = torch.maximum(one, other).amin(dim=-1)
            return entry, torch.maximum(leave, entry)

    def lines(self, origins: Float[Tensor, "rays 3"], directions: Float[Tensor, "rays 3"], shape: Shape) -> Lines:
        """s runs from where the ray enters the box to where it leaves."""
        entry, leave = self._span(origins, directions)
        edge = shape[0] - 1
        scale = edge / (2 * self.half_extent)
        corner = make_constant(self.centre, origins) - self.half_extent
        start = (origins + directions * entry[:, None] - corner) * scale
        step = directions * ((leave - entry) * scale)[:, None]
        # Density counts per voxel: a surface is a voxel or two thick at every resolution.
        return Lines(start, step, torch.linalg.vector_norm(step.detach(), dim=-1))

    def depth(
        self, s: Float[Tensor, " rays"], origins: Float[Tensor, "rays 3"], directions: Float[Tensor, "rays 3"]
    ) -> Float[Tensor, " rays"]:
        entry, leave = self._span(origins, directions)
        return entry + s * (leave - entry)


@dataclass(frozen=True)
class UnboundedSpace:
    """All of space in a cube: a box at full detail, everything outside ever coarser, out to infinity.

    The map is MERF's contraction (`engine.fields.contraction.mapping`). Rays begin at a depth of `nearest` and end at
    infinity, on the cube's faces.

    Attributes:
        centre, half_extent: of the box, scene units.
        nearest: depth at which rays begin, scene units: nothing is nearer to a camera, and what was there would be
            seen by few rays only.
        outer: width of the part of the cube that holds everything outside, in half edges of the box.
    """

    centre: tuple[float, float, float]
    half_extent: float
    nearest: float = 0.0
    outer: float = OUTER
    closed: bool = True

    def shape(self, planes: int, voxels: int) -> Shape:
        return voxels, voxels, voxels

    def lines(self, origins: Float[Tensor, "rays 3"], directions: Float[Tensor, "rays 3"], shape: Shape) -> Lines:
        """s is even in the length within the cube: even in depth in the box, about even in inverse depth outside."""
        made = self._cut(origins, directions)
        scale = (shape[0] - 1) / (2 * (1 + self.outer))
        # Density counts per voxel, as in a box.
        return Lines(
            (made.start + (1 + self.outer)) * scale, made.step * scale, (made.length * scale).detach(), made.ends
        )

    def depth(
        self, s: Float[Tensor, " rays"], origins: Float[Tensor, "rays 3"], directions: Float[Tensor, "rays 3"]
    ) -> Float[Tensor, " rays"]:
        """On the last piece at most a thousand times what lies half of the way to infinity."""
        made = self._cut(origins, directions)
        number = _piece_of(s[:, None], made.ends)
        stops = made.ends.clamp(max=1.0)
        starts = torch.cat([torch.zeros_like(stops[:, :1]), stops[:, :-1]], dim=-1)
        begin, stop = starts.gather(1, number)[:, 0], stops.gather(1, number)[:, 0]
        along = ((s - begin) / (stop - begin)).clamp(0, 1)
        first, rate, ratio = (values.gather(1, number)[:, 0] for values in (made.first, made.rate, made.ratio))
        return first + rate * along / (1 - along + ratio * along).clamp(min=_LEAST_DISPARITY)

    def _cut(self, origins: Float[Tensor, "rays 3"], directions: Float[Tensor, "rays 3"]) -> Pieces:
        nearer = (origins - make_constant(self.centre, origins)) / self.half_extent
        single = origins.device.type == "cpu" and origins.dtype == torch.float32
        cut = compiled.cut if single else pieces.cut
        return cut(nearer, directions / self.half_extent, self.nearest, self.outer)


def plane_extent(scene: Scene) -> tuple[float, float]:
    """Half width and half height, on the plane z = 1, of what a projective volume must hold."""
    intrinsics = scene.intrinsics
    wide, high = (intrinsics.own_sizes / (2 * intrinsics.focal)).amax(dim=0).tolist()
    return wide * MARGIN, high * MARGIN


SPACES: dict[str, Callable[[Scene], Space]] = {
    "forward-facing": lambda scene: ProjectiveSpace(plane_extent(scene)),
    "object": lambda scene: BoxSpace(scene.box_centre, scene.box_half_extent),
    "unbounded": lambda scene: UnboundedSpace(scene.box_centre, scene.box_half_extent, NEAREST_SHARE * scene.near),
}
"""The space of each kind of scene with cameras (`Scene.kind`). A new kind is a class above and a row here."""


def space_of(scene: Scene) -> Space:
    """Where the scene's volume lies."""
    return SPACES[scene.kind](scene)
