"""A volume of the field as 3D textures, uploaded in pieces of a few milliseconds."""

from __future__ import annotations

import weakref
from collections.abc import Generator, Iterator
from dataclasses import replace
from itertools import count

import moderngl
import numpy as np

from app.render.gl.brick_atlas import BrickAtlas
from app.render.gl.overview_density import OverviewDensity
from app.render.gl.programs import set_uniforms
from app.render.gl.transport import Planes, VolumeTransport
from app.render.gl.uploads import Uploads
from engine.errors import UserError
from engine.fields.baking import FieldVolume

UNITS: dict[str, int] = {"voxels": 0, "tint_red": 1, "tint_green": 2, "tint_blue": 3, "proposals": 4, "overview": 5}
TINTS = ("tint_red", "tint_green", "tint_blue")
Shape = tuple[int, int, int, int]

_uploads = count(1)


class VolumeTexture:
    """3D textures of one volume; they are reused for the next one if it has the same shape.

    Of a field on a GPU there are two of each: the next volume is complete when it takes the place of the one before.

    Attributes:
        volume: what the textures hold, without its values, or None. While an upload is under way it is the one before,
            although on the CPU, whose memory it saves, some planes are newer already.
        serial: of the last upload among those of all textures; 0 before the first.
        problem: why the detail of the volume is not drawn, a sentence; None where it is, or where it has none.
    """

    def __init__(self, context: moderngl.Context, uploads: Uploads) -> None:
        self._context, self._uploads, self._pieces = context, uploads, uploads.pieces
        self._textures: dict[str, moderngl.Texture3D] = {}
        self._blank = {channels: self._texture((1, 1, 1, channels)) for channels in (1, 3, 4)}
        self._atlas, self._next_atlas = BrickAtlas(context, self._pieces), BrickAtlas(context, self._pieces)
        self._next_textures: dict[str, moderngl.Texture3D] = {}  # those of the volume before, where there are two
        self.volume: FieldVolume | None = None
        self.serial = 0
        self._source: weakref.ref[FieldVolume] | None = None
        self.problem: str | None = None

    def holds(self, volume: FieldVolume | None) -> bool:
        """Whether this volume was uploaded last, or None where there is none."""
        if self.volume is None or self._source is None:
            return volume is None
        return volume is not None and self._source() is volume

    def upload(self, volume: FieldVolume, most_bytes: int | None = None) -> Generator[None, None, None]:
        """Copies a volume into the textures, for some milliseconds per step; the caller may draw between two steps.

        Args:
            volume: any.
            most_bytes: that it may take; None for what OpenGL has. Where it takes more, its detail is left out.
        Raises:
            UserError: it is larger than this OpenGL allows. A detail that is too large is left out, and `problem` says
                so.
        """
        largest = self._context.info["GL_MAX_3D_TEXTURE_SIZE"]
        longest = max(volume.voxels.shape[:3])
        if longest > largest:
            raise UserError(f"The field has {longest} voxels a side; this OpenGL takes {largest}.")
        transport = self._uploads.transport_of(volume.device)
        contents, overview = _contents(volume), OverviewDensity(volume)
        shapes: dict[str, Shape] = {name: tuple(planes.shape) for name, planes in contents.items()}  # type: ignore[misc]
        shapes["overview"] = (*overview.shape, 1)
        doubled = volume.device != "cpu"
        kept = self._next_textures if doubled else self._textures
        reused = {name: kept[name] for name, shape in shapes.items() if name in kept and _fits(kept[name], shape)}
        fresh: dict[str, moderngl.Texture3D] = {}
        try:
            for name, shape in shapes.items():
                if name not in reused:
                    fresh[name] = self._texture(shape)
                    yield  # the memory of a large one takes a while
            written = reused | fresh
            for name, planes in contents.items():
                yield from self._write(transport, name, written[name], planes)
            yield from self._write_overview(transport, written["overview"], overview)
            self.problem = yield from self._upload_detail(volume, transport, most_bytes, doubled)
        except BaseException:  # given up (GeneratorExit), or failed
            for texture in fresh.values():
                texture.release()
            raise
        unused = [texture for name, texture in kept.items() if name not in reused]
        for texture in unused if doubled else (*unused, *self._next_textures.values()):
            texture.release()
        self._next_textures = self._textures if doubled else {}
        self._textures = written
        # What has been drawn is compared with `volume`: with its values each would be kept as long as a view shows it.
        self.volume, self._source, self.serial = _without_values(volume), weakref.ref(volume), next(_uploads)

    def use(self, program: moderngl.Program) -> None:
        """Binds the textures and sets the uniforms of `volume.glsl`. There must be a volume."""
        volume = self.volume
        assert volume is not None
        for name, unit in UNITS.items():
            texture = self._textures.get(name) or self._blank[1 if unit >= 4 else 4 if unit == 0 else 3]
            texture.use(unit)
        set_uniforms(program, **UNITS)
        set_uniforms(program, extent=volume.extent, box_centre=volume.centre, box_half_extent=volume.half_extent)
        set_uniforms(program, outer=volume.outer, nearest=volume.nearest)
        if self._atlas.shape is not None:
            self._atlas.use(program)

    @property
    def detail_shape(self) -> tuple[int, int, int] | None:
        """(depth, height, width) of the lattice of the detail, voxels; None where there is none to march through."""
        return self._atlas.shape

    def shape(self, name: str) -> tuple[int, int, int] | None:
        """(depth, height, width) in voxels of a texture named in `UNITS`; None if the volume has none."""
        texture = self._textures.get(name)
        return None if texture is None else texture.size[::-1]

    def release(self) -> None:
        """Gives everything back to OpenGL."""
        for texture in (*self._textures.values(), *self._next_textures.values(), *self._blank.values()):
            texture.release()
        self._atlas.release()
        self._next_atlas.release()
        self._textures, self._next_textures, self._blank, self.volume = {}, {}, {}, None

    def _upload_detail(
        self, volume: FieldVolume, transport: VolumeTransport, most_bytes: int | None, doubled: bool
    ) -> Generator[None, None, str | None]:
        """The detail into the atlas; one without content gives its memory back. A sentence if it does not fit."""
        fits = most_bytes is None or measure_volume(volume) <= most_bytes
        if volume.detail is None or not fits or not doubled:
            self._next_atlas.release()
        if volume.detail is None or not fits:
            self._atlas.release()
            if fits:
                return None
            return "Two fields take more memory than there is for pictures: one is drawn without its finest detail."
        if doubled:
            try:
                yield from self._next_atlas.upload(volume.detail, transport)
                self._atlas, self._next_atlas = self._next_atlas, self._atlas
                return None
            except UserError:  # there is no room for two
                self._next_atlas.release()
        try:
            yield from self._atlas.upload(volume.detail, transport)
        except UserError as error:
            self._atlas.release()
            return str(error)
        return None

    def _texture(self, shape: Shape) -> moderngl.Texture3D:
        """A texture for an array of a shape, without content."""
        depth, height, width, channels = shape
        texture = self._context.texture3d((width, height, depth), channels, dtype="f2")
        texture.repeat_x = texture.repeat_y = texture.repeat_z = False
        texture.filter = (moderngl.LINEAR, moderngl.LINEAR)
        return texture

    def _write(
        self, transport: VolumeTransport, name: str, texture: moderngl.Texture3D, planes: Planes
    ) -> Iterator[None]:
        def write(first: int, last: int) -> None:
            with transport.preparing():
                part = planes[first:last]
            transport.write_planes(texture, first, part)

        kind = "tint" if name in TINTS else "voxels"  # the channels of a tint have to be copied
        return self._pieces.cut(kind, len(planes), planes[0].nbytes, write)

    def _write_overview(
        self, transport: VolumeTransport, texture: moderngl.Texture3D, overview: OverviewDensity
    ) -> Iterator[None]:
        def write(first: int, last: int) -> None:
            with transport.preparing():
                at, planes = overview.next_planes(last - first)
            transport.write_planes(texture, at, planes[..., None])

        depth, height, width = overview.shape
        return self._pieces.cut("overview", depth, 2 * height * width, write)


def _fits(texture: moderngl.Texture3D, shape: Shape) -> bool:
    return texture.size == shape[2::-1] and texture.components == shape[3]


def measure_volume(volume: FieldVolume) -> int:
    """Bytes that the textures of a volume take, about; of a field on a GPU there are two of each."""
    blocks = None if volume.detail is None else volume.detail.blocks
    arrays = (volume.voxels, volume.tint, volume.proposal_density, blocks)
    once = sum(array.nbytes for array in arrays if array is not None)
    return once if volume.device == "cpu" else 2 * once


def _without_values(volume: FieldVolume) -> FieldVolume:
    """The same with arrays of the same shapes that take no memory, and without detail."""
    tint, pooled, nothing = volume.tint, volume.proposal_density, np.float16(0)
    return replace(
        volume,
        voxels=np.broadcast_to(nothing, volume.voxels.shape),
        tint=None if tint is None else np.broadcast_to(nothing, tint.shape),
        proposal_density=None if pooled is None else np.broadcast_to(nothing, pooled.shape),
        detail=None,
    )


def _contents(volume: FieldVolume) -> dict[str, Planes]:
    """The planes of each texture but the overview's."""
    contents: dict[str, Planes] = {"voxels": volume.voxels}
    if volume.tint is not None:
        for index, name in enumerate(TINTS):
            contents[name] = volume.tint[..., 3 * index : 3 * index + 3]
    if volume.proposal_density is not None:
        contents["proposals"] = volume.proposal_density[..., None]
    return contents
