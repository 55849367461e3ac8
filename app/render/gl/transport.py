"""How the planes of a volume come into textures."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol

import moderngl
from jaxtyping import Float16

from app.render.gl.context import Driver
from app.render.gl.values import bring_to_host, make_contiguous
from engine.fields.baking import Values

Planes = Float16[Values, "planes height width channels"]


class VolumeTransport(Protocol):
    """Carries planes into textures. To be used in the thread of the OpenGL context.

    Attributes:
        takes_device_memory: whether volumes whose values stay on the GPU come without passing through the host.
    """

    takes_device_memory: bool

    def preparing(self) -> AbstractContextManager[object]:
        """Within it, planes are cut and arranged before they are written."""
        ...

    def write_planes(self, texture: moderngl.Texture3D, first: int, planes: Planes) -> None:
        """Copies planes into a half-precision texture of the same height and width, from plane `first` on."""
        ...

    def release(self) -> None:
        """Gives everything back."""
        ...


class HostPieces:
    """Planes go from the host's memory to OpenGL; those of a GPU come to the host first."""

    takes_device_memory = False

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def preparing(self) -> AbstractContextManager[object]:
        """Nothing has to be arranged for it."""
        return nullcontext()

    def write_planes(self, texture: moderngl.Texture3D, first: int, planes: Planes) -> None:
        """As the protocol says."""
        self._driver.write_planes(texture, first, make_contiguous(bring_to_host(planes)))

    def release(self) -> None:
        """There is nothing to give back."""
