"""An off-screen picture with a depth buffer that shaders can read."""

from __future__ import annotations

import moderngl

from app.render.gl.targets import Size, make_framebuffer


class GeometryTarget:
    """Colour and depth to draw geometry into, without multisampling: lines have soft edges of their own.

    Attributes:
        size: (width, height) in pixels.
        colour: RGBA, 8 bits; the first row is the lowest, as OpenGL draws.
        depth: in [0, 1], 1 where nothing was drawn.
        geometry: framebuffer of both.
        over: framebuffer of the colour alone, for shaders that read the depth while they draw.
    """

    def __init__(self, context: moderngl.Context, size: Size) -> None:
        self.size = size
        self.colour, self.depth = context.texture(size, 4), context.depth_texture(size)
        self.depth.compare_func = ""  # read as a number, not compared with one
        self.colour.filter = self.depth.filter = (moderngl.NEAREST, moderngl.NEAREST)
        self.geometry = make_framebuffer(context, [self.colour], self.depth)
        self.over = make_framebuffer(context, [self.colour])

    def release(self) -> None:
        """Gives everything back to OpenGL."""
        for owned in (self.geometry, self.over, self.colour, self.depth):
            owned.release()
