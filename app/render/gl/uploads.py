"""How all volumes of a context come into their textures: by which transport, and in which pieces."""

from __future__ import annotations

import moderngl

from app.render.gl.context import Driver
from app.render.gl.cuda_transport import choose_transport
from app.render.gl.pieces import Pieces
from app.render.gl.transport import VolumeTransport


class Uploads:
    """A transport for each device, chosen with the first volume of a field there.

    Attributes:
        pieces: that uploads are cut into.
    """

    def __init__(self, context: moderngl.Context, driver: Driver, interoperate: bool = True) -> None:
        """`interoperate`: whether CUDA and OpenGL may share memory where they can."""
        self._context, self._driver, self._interoperate = context, driver, interoperate
        self.pieces = Pieces(driver.finish)
        self._transports: dict[str, VolumeTransport] = {}

    def transport_of(self, device: str) -> VolumeTransport:
        """The transport for volumes of fields on a device, as torch names it."""
        if device not in self._transports:
            self._transports[device] = choose_transport(self._context, self._driver, device, self._interoperate)
        return self._transports[device]

    @property
    def takes_device_memory(self) -> bool:
        """Whether the values of volumes of a GPU's field may stay there; it turns out with the first of them."""
        return any(transport.takes_device_memory for transport in self._transports.values())

    def release(self) -> None:
        """Gives back what transports need."""
        for transport in self._transports.values():
            transport.release()
        self._transports.clear()
