"""The volumes that are in memory, by their keys: one, or two while contestants of a race are compared."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass

import moderngl

from app.render.gl.context import Driver
from app.render.gl.uploads import Uploads
from app.render.gl.volume_texture import VolumeTexture, measure_volume
from engine.fields.baking import FieldVolume

Volumes = Mapping[Hashable, FieldVolume | None]


@dataclass(frozen=True)
class VolumeMemory:
    """How much is kept of the volumes of several runs.

    Attributes:
        most_bytes: of all volumes together; where they take more, the detail of all but the first is left out. Small
            graphics processors have 2 GB, of which the window needs a part.
    """

    most_bytes: int = 1 << 30


MEMORY = VolumeMemory()


def choose_most_bytes(key: Hashable, wanted: Volumes) -> int | None:
    """Bytes that the volume of a key may take with its detail; None for the first, which is never cut."""
    if key == next(iter(wanted)):
        return None
    others = (volume for other, volume in wanted.items() if other != key)
    return MEMORY.most_bytes - sum(measure_volume(volume) for volume in others if volume is not None)


class VolumeTextures:
    """The textures of each volume; a key that is not wanted any more gives its memory back."""

    def __init__(self, context: moderngl.Context, driver: Driver, interoperate: bool = True) -> None:
        """`interoperate`: whether CUDA and OpenGL may share memory where they can."""
        self._context, self._uploads = context, Uploads(context, driver, interoperate)
        self._textures: dict[Hashable, VolumeTexture] = {}

    def get(self, key: Hashable) -> VolumeTexture | None:
        """The textures of a key that has a volume in memory, or None."""
        texture = self._textures.get(key)
        return None if texture is None or texture.volume is None else texture

    def of(self, key: Hashable) -> VolumeTexture:
        """The textures of a key, made if there are none, for an upload."""
        if key not in self._textures:
            self._textures[key] = VolumeTexture(self._context, self._uploads)
        return self._textures[key]

    def holds(self, key: Hashable, volume: FieldVolume | None) -> bool:
        """Whether this is the volume in memory; None for none."""
        texture = self._textures.get(key)
        return volume is None if texture is None else texture.holds(volume)

    def list_behind(self, wanted: Volumes) -> list[Hashable]:
        """Keys of the wanted volumes that are not in memory; first the one that was renewed longest ago."""
        behind = [key for key, volume in wanted.items() if volume is not None and not self.holds(key, volume)]
        serials = {key: texture.serial for key, texture in self._textures.items()}
        return sorted(behind, key=lambda key: serials.get(key, 0))

    def list_unwanted(self, wanted: Volumes) -> list[Hashable]:
        """Keys with a volume in memory that are not wanted, or of which there is no volume any more."""
        return [key for key in self._textures if wanted.get(key) is None]

    def forget(self, key: Hashable) -> None:
        """Gives the memory of a key back, where it has any."""
        texture = self._textures.pop(key, None)
        if texture is not None:
            texture.release()

    @property
    def takes_device_memory(self) -> bool:
        """Whether the values of volumes of a GPU's field may stay there; it turns out with the first of them."""
        return self._uploads.takes_device_memory

    @property
    def problem(self) -> str | None:
        """Why the detail of a volume in memory is not drawn, a sentence; None where it is, or where there is none."""
        return next((texture.problem for texture in self._textures.values() if texture.problem is not None), None)

    def release(self) -> None:
        """Gives everything back to OpenGL."""
        for key in list(self._textures):
            self.forget(key)
        self._uploads.release()
