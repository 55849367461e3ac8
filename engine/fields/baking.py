"""The field as a volume that a shader can march through, and the making of one a few planes at a time."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float16, Int32

from engine.fields.field import Bakeable
from engine.fields.spaces import BoxSpace, ProjectiveSpace, UnboundedSpace, space_of
from engine.scenes.scene import Scene

VolumeSpace = Literal["projective", "box", "contracted"]
Box = tuple[float, float, float]


@dataclass(frozen=True)
class CopyOptions:
    """The dense copy of a field that is stored in blocks.

    Attributes:
        longest: voxels along its longest side, at most: a view of the cameras, which shows it, has no finer pixels.
        most_voxels: in all, if its sides shrink alike: it is made again with every volume, beside the blocks.
    """

    longest: int = 256
    most_voxels: int = 2**21


COPY = CopyOptions()


@dataclass(frozen=True)
class FineVolume:
    """A volume in blocks of 8 x 8 x 8 voxels, stored only where something may be; never written after publication.

    Space, values and quadrature are those of the `FieldVolume` that it belongs to, on a finer lattice: density counts
    per spacing of this one. A sample whose cell's first corner (the floor of its coordinates) lies in a missing block
    is left out.

    Attributes:
        shape: (depth, height, width) of the lattice, voxels.
        table: which stored block begins at every eighth voxel; 0 where it is missing.
        blocks: raw density and colour of each block, with the first voxels of its neighbours: voxel (8x + i, 8y + j,
            8z + k) is `blocks[table[z, y, x], k, j, i]`, for i, j and k from 0 to 8. Number 0 is never looked at.
    """

    shape: tuple[int, int, int]
    table: Int32[np.ndarray, "table_depth table_height table_width"]
    blocks: Float16[np.ndarray, "blocks 9 9 9 4"]


@dataclass(frozen=True)
class FieldVolume:
    r"""What a ray sees, on a lattice; never written after publication.

    **Lattice.** Voxel (x, y, z) is `voxels[z, y, x]`; the first and the last voxel's centres lie on the volume's
    faces. In a `"projective"` volume a point of the world (X, Y, Z) lies at

    .. math:: ((X/Z / w + 1) / 2 \cdot (W - 1), \; (Y/Z / h + 1) / 2 \cdot (H - 1), \; (D - 1) / Z)

    with (w, h) = `extent`: plane 0 is infinitely far, the last is Z = 1, and what lies at the border goes on outside
    (clamp to edge). In a `"box"` the corners are `centre` -+ `half_extent`, x, y and z of the lattice are the world's,
    and outside there is nothing. A `"contracted"` volume holds all of space: in units of such a box a point lies where
    `engine.fields.contraction.mapping.contract` puts it with `outer`, and the corners of the lattice are those of the
    cube [-1 - outer, 1 + outer]^3.

    **Values.** After trilinear interpolation of the raw values, softplus of channel 0 is density and the sigmoid of
    channels 1 to 3 is RGB. Where there is a `tint` (a coarser lattice, its corners on the same corners), its
    channels 3c, 3c + 1, 3c + 2, dotted with the ray's unit direction in the axes of the world, are added to raw
    channel 1 + c before the sigmoid.

    **Quadrature.** A ray is a straight line in lattice coordinates, `start + s * step` with s in [0, 1]: from the
    plane Z = 1 to infinity (s = 1 - 1 / Z) in projective space, from entry to exit (never behind the origin) in a box.
    In a contracted volume it is the straight pieces of `engine.fields.contraction.pieces`, from the depth `nearest` to
    infinity, where it ends opaque: s is even in the length of the pieces together. An interval ds has the opacity 1
    - exp(-density * ds * length), where length is the number of planes, D, in projective space and the length of
    `step` or of all pieces, in spacings, otherwise: density counts per spacing of the lattice, not per scene unit.
    The colour at the middle of the interval counts. What is left at the end is filled with `background`. The engine
    itself takes `samples` intervals, even in s unless `proposals`, which puts them where the density is; a picture
    of evenly spaced ones converges to the same from two or more per spacing on.

    Attributes:
        space: which of the three; `extent` (half width and half height at Z = 1) belongs to the first, `centre` and
            `half_extent` (scene units) to the others, `outer` and `nearest` (scene units) to the last.
        voxels: raw density and colour.
        tint: directional coefficients, or None.
        background: RGB in [0, 1].
        samples, proposals: of the engine's own pictures in the present stage.
        version: grows by one with every volume that a feed publishes.
        field_version: of the field when the making of this volume began, as in `Snapshot`.
        proposal_density: density pooled over blocks, its corners on the same corners, from which the engine draws its
            intervals (`grid_kernels.proposal_edges`); None where it does not, or where there is no such thing.
        detail: the field at its full resolution where that is stored in blocks: then it is what the quadrature takes
            its raw values from, and `voxels` is a coarser copy for overviews and for what cannot draw blocks.
    """

    space: VolumeSpace
    voxels: Float16[np.ndarray, "depth height width 4"]
    tint: Float16[np.ndarray, "tint_depth tint_height tint_width 9"] | None
    background: tuple[float, float, float]
    samples: int
    proposals: bool
    version: int
    field_version: int
    extent: tuple[float, float] = (1.0, 1.0)
    centre: Box = (0.0, 0.0, 0.0)
    half_extent: float = 1.0
    outer: float = 0.0
    nearest: float = 0.0
    proposal_density: Float16[np.ndarray, "pooled_depth pooled_height pooled_width"] | None = None
    detail: FineVolume | None = None


class Baking:
    """One volume in the making, in the hands of the run's thread.

    Attributes:
        field: what it is made of.
        size: its longest side at most, voxels; a dense copy of a field in blocks is smaller (`COPY`).
        field_version: when it was begun.
        coarse: whether the field is in blocks, and they are left out.
        seconds: spent so far.
    """

    def __init__(self, field: Bakeable, size: int, detailed: bool = True) -> None:
        """`detailed` is whether to make the blocks of a field that is stored in blocks."""
        self.field, self.size, self.field_version = field, size, field.version
        self.seconds = 0.0
        blocks = field.block_pieces()
        self.coarse = blocks is not None and not detailed
        longest = size if blocks is None else min(size, _choose_copy_size(blocks.shape))
        planes, tint = field.volume_planes(longest), field.tint_planes(size)
        self._voxels = _Part(planes.shape[0], _one_by_one(planes.planes))
        self._tint = None if tint is None else _Part(tint.shape[0], _one_by_one(tint.planes))
        self._blocks = self._table = None
        if blocks is not None and detailed:
            self._blocks = _Part(blocks.count, blocks.pieces)
            self._table, self._shape = _published(blocks.table.to("cpu", torch.int32, copy=True)), blocks.shape
        self._parts = [part for part in (self._voxels, self._tint, self._blocks) if part is not None]

    def work(self, seconds: float) -> bool:
        """Makes planes and blocks for about so long, one piece at least; True when the last is done."""
        begun = time.monotonic()
        while not self.done:
            next(part for part in self._parts if not part.done).make_piece()
            if time.monotonic() - begun >= seconds:
                break
        self.seconds += time.monotonic() - begun
        return self.done

    @property
    def done(self) -> bool:
        return all(part.done for part in self._parts)

    def volume(self, scene: Scene, version: int) -> FieldVolume:
        """The finished volume."""
        stage, space, background = self.field.stage, space_of(scene), self.field.background
        pooled = self.field.proposal_density()
        red, green, blue = [0.0] * 3 if background is None else background.tolist()
        volume = FieldVolume(
            space="projective",
            voxels=self._voxels.array(),
            tint=None if self._tint is None else self._tint.array(),
            background=(red, green, blue),
            samples=stage.samples,
            proposals=stage.proposals,
            version=version,
            field_version=self.field_version,
            proposal_density=None if pooled is None else pooled.to("cpu", torch.float16).numpy(),
            detail=self._detail(),
        )
        if isinstance(space, ProjectiveSpace):
            return replace(volume, extent=space.extent)
        assert isinstance(space, BoxSpace | UnboundedSpace)
        volume = replace(volume, space="box", centre=space.centre, half_extent=space.half_extent)
        if isinstance(space, UnboundedSpace):
            return replace(volume, space="contracted", outer=space.outer, nearest=space.nearest)
        return volume

    def _detail(self) -> FineVolume | None:
        if self._blocks is None or self._table is None:
            return None
        return FineVolume(self._shape, self._table, self._blocks.array())


class _Part:
    """Half-precision copy of planes or blocks, in memory that the host reads."""

    def __init__(self, count: int, pieces: Iterator[torch.Tensor]) -> None:
        """`pieces` yields tensors whose first dimensions sum to `count`."""
        self._pieces, self._count, self._made = pieces, count, 0
        self._half: torch.Tensor | None = None

    @property
    def done(self) -> bool:
        return self._made == self._count

    def make_piece(self) -> None:
        piece = next(self._pieces)
        if self._half is None:
            self._half = torch.empty(self._count, *piece.shape[1:], dtype=torch.float16)
        self._half[self._made : self._made + len(piece)].copy_(piece.detach())
        self._made += len(piece)

    def array(self) -> np.ndarray:
        assert self._half is not None
        return _published(self._half)


def _choose_copy_size(shape: tuple[int, int, int]) -> int:
    """Longest side of the dense copy of a lattice in blocks."""
    factor = (COPY.most_voxels / math.prod(shape)) ** (1 / 3)
    return max(min(COPY.longest, round(factor * max(shape))), 2)


def _one_by_one(planes: Iterator[torch.Tensor]) -> Iterator[torch.Tensor]:
    """Each plane as a piece of a volume."""
    return (plane[None] for plane in planes)


def _published(tensor: torch.Tensor) -> np.ndarray:
    """Its array, which cannot be written."""
    array = tensor.numpy()
    array.flags.writeable = False
    return array
