"""Off-screen pictures that are made once and used again while their size stays."""

from __future__ import annotations

from collections.abc import Sequence

import moderngl
import numpy as np
from jaxtyping import Float32

from app.render.gl.context import Driver

Size = tuple[int, int]
Attachment = moderngl.Texture | moderngl.Renderbuffer


def framebuffer(
    context: moderngl.Context, colours: Sequence[Attachment], depth: Attachment | None = None
) -> moderngl.Framebuffer:
    """As moderngl makes it, without the error that it leaves behind.

    Afterwards it sets the draw buffers of the framebuffer that was bound before; without a window there may be none.
    """
    made = context.framebuffer(list(colours), depth)  # type: ignore[arg-type]
    _ = context.error  # reading it clears it
    return made


class Target:
    """Textures to draw into, and perhaps a depth buffer.

    Attributes:
        size: (width, height).
        textures: one per output of the shader, float32, of so many channels each.
        framebuffer: they together.
    """

    def __init__(self, context: moderngl.Context, size: Size, channels: tuple[int, ...]) -> None:
        self.size = size
        self.textures = [context.texture(size, count, dtype="f4") for count in channels]
        for texture in self.textures:
            texture.repeat_x = texture.repeat_y = False
        self.framebuffer = framebuffer(context, self.textures)

    def release(self) -> None:
        self.framebuffer.release()
        for texture in self.textures:
            texture.release()


class Reused:
    """The target of one purpose: another one as soon as another size is asked for."""

    def __init__(self, context: moderngl.Context, channels: tuple[int, ...]) -> None:
        self._context, self._channels = context, channels
        self.target: Target | None = None

    def of_size(self, size: Size) -> Target:
        if self.target is None or self.target.size != size:
            self.release()
            self.target = Target(self._context, size, self._channels)
        return self.target

    def release(self) -> None:
        if self.target is not None:
            self.target.release()
        self.target = None


def read(driver: Driver, target: Target) -> Float32[np.ndarray, "height width 4"]:
    """The pixels of a target of four channels, first row first, in memory of their own.

    Waiting for the driver here, with the interpreter free, leaves `read_into` nothing to wait for.
    """
    pixels = np.empty((target.size[1], target.size[0], 4), np.float32)
    driver.finish()
    target.framebuffer.read_into(pixels, components=4, dtype="f4")
    return pixels
