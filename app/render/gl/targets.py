"""Off-screen pictures to draw into; they are reused while their size stays the same."""

from __future__ import annotations

from collections.abc import Sequence

import moderngl
import numpy as np
from jaxtyping import Float32

from app.render.gl.context import Driver

Size = tuple[int, int]
Attachment = moderngl.Texture | moderngl.Renderbuffer


def make_framebuffer(
    context: moderngl.Context, colours: Sequence[Attachment], depth: Attachment | None = None
) -> moderngl.Framebuffer:
    """A framebuffer of these textures, with no OpenGL error left pending.

    moderngl binds the framebuffer that was in use before once more; without a window there may be none, which OpenGL
    reports as an error.
    """
    made = context.framebuffer(list(colours), depth)  # type: ignore[arg-type]
    _ = context.error  # reading the error clears it
    return made


class Target:
    """Textures to draw into.

    Attributes:
        size: (width, height) in pixels.
        textures: one per output of the shader, float32.
        framebuffer: of all of them.
    """

    def __init__(self, context: moderngl.Context, size: Size, channels: tuple[int, ...]) -> None:
        """`channels` is the number of channels, 1 to 4, of each output of the shader."""
        self.size = size
        self.textures = [context.texture(size, count, dtype="f4") for count in channels]
        for texture in self.textures:
            texture.repeat_x = texture.repeat_y = False
        self.framebuffer = make_framebuffer(context, self.textures)

    def release(self) -> None:
        """Gives everything back to OpenGL."""
        self.framebuffer.release()
        for texture in self.textures:
            texture.release()


class ReusedTarget:
    """A target that is replaced when another size is asked for.

    Attributes:
        target: the present one; None before the first.
    """

    def __init__(self, context: moderngl.Context, channels: tuple[int, ...]) -> None:
        self._context, self._channels = context, channels
        self.target: Target | None = None

    def of_size(self, size: Size) -> Target:
        """A target of this size, the same one as long as the size is."""
        if self.target is None or self.target.size != size:
            self.release()
            self.target = Target(self._context, size, self._channels)
        return self.target

    def release(self) -> None:
        """Gives the target back to OpenGL; `of_size` makes another one."""
        if self.target is not None:
            self.target.release()
        self.target = None


def read_pixels(driver: Driver, target: Target) -> Float32[np.ndarray, "height width 4"]:
    """A copy of the first texture's pixels, which must have four channels; first row first.

    Waits for the driver first, with the interpreter unlocked; `read_into` would hold the lock while it waits.
    """
    pixels = np.empty((target.size[1], target.size[0], 4), np.float32)
    driver.finish()
    target.framebuffer.read_into(pixels, components=4, dtype="f4")
    return pixels
