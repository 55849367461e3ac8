"""An off-screen picture with a depth that shaders can read."""

from __future__ import annotations

import moderngl

from app.render.gl.targets import Size, framebuffer


class GeometryTarget:
    """Colour and depth to draw geometry into. Lines bring soft edges of their own: there is no multisampling.

    Attributes:
        size: (width, height).
        colour: RGBA, 8 bits; first row lowest, as OpenGL draws.
        depth: in [0, 1], 1 where nothing was drawn.
        geometry: framebuffer of both.
        over: framebuffer of the colour alone, for what reads the depth while it draws.
    """

    def __init__(self, context: moderngl.Context, size: Size) -> None:
        self.size = size
        self.colour, self.depth = context.texture(size, 4), context.depth_texture(size)
        self.depth.compare_func = ""  # read as a number, not compared with one
        self.colour.filter = self.depth.filter = (moderngl.NEAREST, moderngl.NEAREST)
        self.geometry = framebuffer(context, [self.colour], self.depth)
        self.over = framebuffer(context, [self.colour])

    def release(self) -> None:
        for owned in (self.geometry, self.over, self.colour, self.depth):
            owned.release()
