"""An off-screen picture with depth whose edges are smooth: several samples per pixel, resolved when they are read."""

from __future__ import annotations

import moderngl

from app.render.targets import framebuffer

SAMPLES = 4


class SmoothTarget:
    """Colour and depth to draw geometry into.

    Attributes:
        size: (width, height).
    """

    def __init__(self, context: moderngl.Context, size: tuple[int, int]) -> None:
        self._context, self.size = context, size
        samples = min(SAMPLES, context.max_samples)
        colour, depth = (
            context.renderbuffer(size, 4, samples=samples),
            context.depth_renderbuffer(size, samples=samples),
        )
        self._drawn = framebuffer(context, [colour], depth)
        self._colour, self._depth = context.texture(size, 4), context.depth_texture(size)
        self._depth.compare_func = ""
        self._depth.filter = (moderngl.NEAREST, moderngl.NEAREST)
        self._resolved = framebuffer(context, [self._colour], self._depth)

    def begin(self, background: tuple[float, float, float]) -> None:
        """Makes it the framebuffer in use, cleared."""
        self._drawn.use()
        self._drawn.clear(*background, 1.0, depth=1.0)

    def use(self) -> None:
        self._drawn.use()

    def colour(self) -> moderngl.Texture:
        """What was drawn so far; overwritten by the next call."""
        self._context.copy_framebuffer(self._resolved, self._drawn)
        return self._colour

    def depth(self) -> moderngl.Texture:
        """Depth so far, in [0, 1]; overwritten by the next call."""
        self._context.copy_framebuffer(self._resolved, self._drawn)
        return self._depth

    def release(self) -> None:
        attachments = (*self._drawn.color_attachments, self._drawn.depth_attachment)
        self._drawn.release()
        self._resolved.release()
        for attachment in (*attachments, self._colour, self._depth):
            if attachment is not None:
                attachment.release()
