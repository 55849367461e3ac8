"""The field as a volume that a shader can march through, and the making of one a few planes at a time."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float16

from engine.fields.field import Bakeable, Planes
from engine.fields.spaces import BoxSpace, ProjectiveSpace, UnboundedSpace, space_of
from engine.scenes.scene import Scene

VolumeSpace = Literal["projective", "box", "contracted"]
Box = tuple[float, float, float]


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


class Baking:
    """One volume in the making, in the hands of the run's thread.

    Attributes:
        field: what it is made of.
        size: its longest side at most, voxels.
        field_version: when it was begun.
        seconds: spent so far.
    """

    def __init__(self, field: Bakeable, size: int) -> None:
        self.field, self.size, self.field_version = field, size, field.version
        self.seconds = 0.0
        tint = field.tint_planes(size)
        self._parts = [_Part(field.volume_planes(size))] + ([_Part(tint)] if tint is not None else [])

    def work(self, seconds: float) -> bool:
        """Makes planes for about so long, one at least; True when the last is done."""
        begun = time.monotonic()
        while not self.done:
            next(part for part in self._parts if not part.done).next_plane()
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
        arrays = [part.array() for part in self._parts]
        pooled = self.field.proposal_density()
        red, green, blue = [0.0] * 3 if background is None else background.tolist()
        volume = FieldVolume(
            space="projective",
            voxels=arrays[0],
            tint=arrays[1] if len(arrays) > 1 else None,
            background=(red, green, blue),
            samples=stage.samples,
            proposals=stage.proposals,
            version=version,
            field_version=self.field_version,
            proposal_density=None if pooled is None else pooled.to("cpu", torch.float16).numpy(),
        )
        if isinstance(space, ProjectiveSpace):
            return replace(volume, extent=space.extent)
        assert isinstance(space, BoxSpace | UnboundedSpace)
        volume = replace(volume, space="box", centre=space.centre, half_extent=space.half_extent)
        if isinstance(space, UnboundedSpace):
            return replace(volume, space="contracted", outer=space.outer, nearest=space.nearest)
        return volume


class _Part:
    """Half-precision copy of planes, in memory that the host reads."""

    def __init__(self, planes: Planes) -> None:
        self._planes, self._depth, self._made = planes.planes, planes.shape[0], 0
        self._shape = planes.shape
        self._half: torch.Tensor | None = None

    @property
    def done(self) -> bool:
        return self._made == self._depth

    @property
    def half(self) -> torch.Tensor:
        assert self._half is not None
        return self._half

    def next_plane(self) -> None:
        plane = next(self._planes)
        if self._half is None:
            self._half = torch.empty(*self._shape, plane.shape[-1], dtype=torch.float16)
        self._half[self._made].copy_(plane.detach())
        self._made += 1

    def array(self) -> np.ndarray:
        array = self.half.numpy()
        array.flags.writeable = False
        return array
