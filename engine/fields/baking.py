"""The field as a volume that a shader can march through, and the making of one a few planes at a time."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float16, Int32
from torch import Tensor

from engine.config.rows import Stage
from engine.fields.field import Bakeable
from engine.fields.spaces import BoxSpace, ProjectiveSpace, UnboundedSpace, space_of
from engine.scenes.scene import Scene
from engine.system.device_copies import DeviceCopies
from engine.system.launch_limit import LaunchLimit

Values = Any  # an array, read-only and on the host, or a tensor on a GPU: what is common to both is used of them
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
    blocks: Float16[Values, "blocks 9 9 9 4"]


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
            intervals (`voxel_grid.kernels.proposals`); None where it does not, or where there is no such thing.
        detail: the field at its full resolution where that is stored in blocks: then it is what the quadrature takes
            its raw values from, and `voxels` is a coarser copy for overviews and for what cannot draw blocks.
    """

    space: VolumeSpace
    voxels: Float16[Values, "depth height width 4"]
    tint: Float16[Values, "tint_depth tint_height tint_width 9"] | None
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
    proposal_density: Float16[Values, "pooled_depth pooled_height pooled_width"] | None = None
    detail: FineVolume | None = None
    device: str = "cpu"


class Baking:
    """One volume in the making, in the hands of the run's thread, which does not wait for a GPU.

    Attributes:
        field: what it is made of.
        size: its longest side at most, voxels; a dense copy of a field in blocks is smaller (`COPY`).
        field_version: when it was begun.
        coarse: whether the field is in blocks, and they are left out.
        seconds: spent so far.
    """

    def __init__(self, field: Bakeable, size: int, detailed: bool = True, on_device: bool = False) -> None:
        """Begins.

        Args:
            field: what it is made of.
            size: voxels along the longest side, at most.
            detailed: whether to make the blocks of a field that is stored in blocks.
            on_device: whether the values of a field on a GPU stay there.
        """
        self.field, self.size, self.field_version = field, size, field.version
        self.seconds = 0.0
        self._copies = copies = DeviceCopies(on_device)
        blocks = field.block_pieces()
        self.coarse = blocks is not None and not detailed
        longest = size if blocks is None else min(size, _choose_copy_size(blocks.shape))
        planes, tint = field.volume_planes(longest), field.tint_planes(size)
        self._voxels = _Part(copies, planes.shape[0], _one_by_one(planes.planes))
        self._tint = None if tint is None else _Part(copies, tint.shape[0], _one_by_one(tint.planes))
        self._blocks: _Part | None = None
        self._table: Tensor | None = None
        self._pooled: Tensor | None = None
        self._background: Tensor | None = None
        if blocks is not None and detailed:
            self._blocks = _Part(copies, blocks.count, blocks.pieces)
            self._table, self._shape = _copy_whole(copies, blocks.table, torch.int32, on_host=True), blocks.shape
        self._parts = [part for part in (self._voxels, self._tint, self._blocks) if part is not None]
        self._launches: LaunchLimit | None = None
        self._stage: Stage | None = None  # once all parts are made

    def work(self, seconds: float) -> bool:
        """Makes planes and blocks for about so long, one piece at least; True when the last is done."""
        begun = time.monotonic()
        while self._stage is None:
            next(part for part in self._parts if not part.done).make_piece()
            self._hold_back()
            if all(part.done for part in self._parts):
                self._end()
            if time.monotonic() - begun >= seconds:
                break
        self.seconds += time.monotonic() - begun
        return self.done

    @property
    def done(self) -> bool:
        """Whether everything is made, and has arrived where it is read."""
        return self._stage is not None and self._copies.done

    def volume(self, scene: Scene, version: int) -> FieldVolume:
        """The finished volume."""
        assert self._stage is not None
        space, background = space_of(scene), self._background
        red, green, blue = [0.0] * 3 if background is None else background.tolist()
        volume = FieldVolume(
            space="projective",
            voxels=self._voxels.values(),
            tint=None if self._tint is None else self._tint.values(),
            background=(red, green, blue),
            samples=self._stage.samples,
            proposals=self._stage.proposals,
            version=version,
            field_version=self.field_version,
            proposal_density=None if self._pooled is None else _publish(self._pooled),
            detail=self._detail(),
            device=self._voxels.device,
        )
        if isinstance(space, ProjectiveSpace):
            return replace(volume, extent=space.extent)
        assert isinstance(space, BoxSpace | UnboundedSpace)
        volume = replace(volume, space="box", centre=space.centre, half_extent=space.half_extent)
        if isinstance(space, UnboundedSpace):
            return replace(volume, space="contracted", outer=space.outer, nearest=space.nearest)
        return volume

    def _hold_back(self) -> None:
        """Waits where a GPU still has much to do of what was launched: a network takes long for a plane."""
        if self._launches is None:
            self._launches = LaunchLimit(torch.device(self._voxels.device))
        self._launches.note_step()

    def _end(self) -> None:
        """Copies what is small, as it is when the last part is made."""
        self._stage, pooled, background = self.field.stage, self.field.proposal_density(), self.field.background
        if pooled is not None:
            self._pooled = _copy_whole(self._copies, pooled, torch.float16)
        if background is not None:
            self._background = _copy_whole(self._copies, background, torch.float32, on_host=True)

    def _detail(self) -> FineVolume | None:
        if self._blocks is None or self._table is None:
            return None
        table = _publish(self._table)
        assert isinstance(table, np.ndarray)
        return FineVolume(self._shape, table, self._blocks.values())


class _Part:
    """Half-precision copy of planes or blocks.

    Attributes:
        device: of what is copied, once there is a piece.
    """

    def __init__(self, copies: DeviceCopies, count: int, pieces: Iterator[Tensor]) -> None:
        """`pieces` yields tensors whose first dimensions sum to `count`."""
        self._copies, self._pieces, self._count, self._made = copies, pieces, count, 0
        self._half: Tensor | None = None
        self.device = ""

    @property
    def done(self) -> bool:
        return self._made == self._count

    def make_piece(self) -> None:
        piece = next(self._pieces)
        if self._half is None:
            self._half = self._copies.allocate((self._count, *piece.shape[1:]), torch.float16, piece)
            self.device = str(piece.device)
        self._copies.copy(self._half[self._made : self._made + len(piece)], piece)
        self._made += len(piece)

    def values(self) -> Values:
        assert self._half is not None
        return _publish(self._half)


def _copy_whole(copies: DeviceCopies, tensor: Tensor, dtype: torch.dtype, on_host: bool = False) -> Tensor:
    """A copy of a whole tensor, which may still be under way."""
    made = copies.allocate(tensor.shape, dtype, tensor, on_host=on_host)
    copies.copy(made, tensor)
    return made


def _choose_copy_size(shape: tuple[int, int, int]) -> int:
    """Longest side of the dense copy of a lattice in blocks."""
    factor = (COPY.most_voxels / math.prod(shape)) ** (1 / 3)
    return max(min(COPY.longest, round(factor * max(shape))), 2)


def _one_by_one(planes: Iterator[Tensor]) -> Iterator[Tensor]:
    """Each plane as a piece of a volume."""
    return (plane[None] for plane in planes)


def _publish(tensor: Tensor) -> Values:
    """Its array, which cannot be written; of a tensor on a GPU, the tensor."""
    if tensor.is_cuda:
        return tensor
    array = tensor.numpy()
    array.flags.writeable = False
    return array
