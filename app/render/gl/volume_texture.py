"""A volume of the field as 3D textures, uploaded a few planes at a time."""

from __future__ import annotations

import weakref
from collections.abc import Generator, Iterator
from dataclasses import replace
from itertools import count

import moderngl
import numpy as np
from jaxtyping import Float16

from app.render.gl.brick_atlas import BrickAtlas
from app.render.gl.context import Driver
from app.render.gl.overview_density import compute_overview_density
from app.render.gl.programs import set_uniforms
from engine.errors import UserError
from engine.fields.baking import FieldVolume

BYTES_AT_ONCE = 8 << 20  # uploaded in one step: a few milliseconds, which a moving view may have to wait
UNITS: dict[str, int] = {"voxels": 0, "tint_red": 1, "tint_green": 2, "tint_blue": 3, "proposals": 4, "overview": 5}

Planes = Float16[np.ndarray, "depth height width channels"]

_uploads = count(1)


class VolumeTexture:
    """3D textures of one volume; they are reused for the next one if it has the same shape.

    Attributes:
        volume: what the textures hold, without its values, or None. While an upload is under way it is the one before,
            although some planes are newer already.
        serial: of the last upload among those of all textures; 0 before the first.
        problem: why the detail of the volume is not drawn, a sentence; None where it is, or where it has none.
    """

    def __init__(self, context: moderngl.Context, driver: Driver) -> None:
        self._context, self._driver = context, driver
        self._textures: dict[str, moderngl.Texture3D] = {}
        self._blank = {channels: self._texture(np.zeros((1, 1, 1, channels), np.float16)) for channels in (1, 3, 4)}
        self._atlas = BrickAtlas(context, driver)
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
        """Copies a volume into the textures, a few megabytes per step; the caller may draw between two steps.

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
        arrays = _arrays(volume)
        fresh = {name: self._texture(array) for name, array in arrays.items() if not self._holds(name, array)}
        try:
            for name, array in arrays.items():
                yield from self._write(fresh.get(name) or self._textures[name], array)
            self.problem = yield from self._upload_detail(volume, most_bytes)
        except GeneratorExit:
            for texture in fresh.values():
                texture.release()
            raise
        for name in list(self._textures):
            if name in fresh or name not in arrays:
                self._textures.pop(name).release()
        self._textures |= fresh
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
        for texture in (*self._textures.values(), *self._blank.values()):
            texture.release()
        self._atlas.release()
        self._textures, self._blank, self.volume = {}, {}, None

    def _upload_detail(self, volume: FieldVolume, most_bytes: int | None) -> Generator[None, None, str | None]:
        """The detail into the atlas; an atlas without content gives its memory back. A sentence if it does not fit."""
        if volume.detail is not None and most_bytes is not None and measure_volume(volume) > most_bytes:
            self._atlas.release()
            return "Two fields take more memory than there is for pictures: one is drawn without its finest detail."
        if volume.detail is not None:
            try:
                yield from self._atlas.upload(volume.detail)
            except UserError as error:
                self._atlas.release()
                return str(error)
        else:
            self._atlas.release()
        return None

    def _holds(self, name: str, array: Planes) -> bool:
        texture = self._textures.get(name)
        return texture is not None and texture.size == array.shape[2::-1]

    def _texture(self, array: Planes) -> moderngl.Texture3D:
        """An empty texture of an array's shape."""
        depth, height, width, channels = array.shape
        texture = self._context.texture3d((width, height, depth), channels, dtype="f2")
        texture.repeat_x = texture.repeat_y = texture.repeat_z = False
        texture.filter = (moderngl.LINEAR, moderngl.LINEAR)
        return texture

    def _write(self, texture: moderngl.Texture3D, array: Planes) -> Iterator[None]:
        depth = array.shape[0]
        count = max(BYTES_AT_ONCE // max(array[0].nbytes, 1), 1)
        for first in range(0, depth, count):
            # Copies the channels of a tint; voxels are contiguous already.
            self._driver.write_planes(texture, first, np.ascontiguousarray(array[first : first + count]))
            yield


def measure_volume(volume: FieldVolume) -> int:
    """Bytes that the textures of a volume take, about."""
    blocks = None if volume.detail is None else volume.detail.blocks
    arrays = (volume.voxels, volume.tint, volume.proposal_density, blocks)
    return sum(array.nbytes for array in arrays if array is not None)


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


def _arrays(volume: FieldVolume) -> dict[str, Planes]:
    """The content of each texture."""
    arrays: dict[str, Planes] = {"voxels": volume.voxels}
    if volume.tint is not None:
        for index, name in enumerate(("tint_red", "tint_green", "tint_blue")):
            arrays[name] = volume.tint[..., 3 * index : 3 * index + 3]
    if volume.proposal_density is not None:
        arrays["proposals"] = volume.proposal_density[..., None]
    arrays["overview"] = compute_overview_density(volume)[..., None]
    return arrays
