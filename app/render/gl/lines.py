"""Batches of soft-edged lines of constant width in pixels."""

from __future__ import annotations

from typing import NamedTuple

import moderngl

from app.model.cameras.segments import Segments
from app.model.common.unchanged import Remembered
from app.render.gl.programs import Value, compile_program, set_uniforms

_LAYOUT = "3f 3f 4f 4f 1f/i"
_INPUTS = ("start", "end", "start_colour", "end_colour", "width")


class Veil(NamedTuple):
    """A volume that was drawn before the lines and hides what lies behind it; pictures with rows from the top.

    Attributes:
        colour: its colour and opacity.
        depths: the depths between which it is seen, along the viewer's axis, scene units; two channels.
    """

    colour: moderngl.Texture
    depths: moderngl.Texture


class LineProgram:
    """The two shaders of all batches, without and with a veil, and the uniforms they share in one picture.

    Attributes:
        context: OpenGL's.
        programs: without a veil, with one.
        veiled: whether the second is used.
    """

    def __init__(self, context: moderngl.Context) -> None:
        self.context = context
        self.programs = (compile_program(context, "line"), compile_program(context, "line", "VEILED"))
        self.veiled = False

    def set(self, **uniforms: Value) -> None:
        """Sets uniforms of both shaders by name."""
        for one in self.programs:
            set_uniforms(one, **uniforms)

    def veil(self, veil: Veil | None) -> None:
        """Lets a volume hide the lines that are drawn from now on; None ends that."""
        self.veiled = veil is not None
        if veil is not None:
            set_uniforms(self.programs[1], volume=0, volume_depths=1)
            veil.colour.use(0)
            veil.depths.use(1)

    def release(self) -> None:
        """Gives everything back to OpenGL."""
        for one in self.programs:
            one.release()


class LineBatch:
    """Segments that are drawn together; their buffer grows when needed and never shrinks.

    Attributes:
        inputs: what the segments were made from, to be compared before they are made again.
    """

    def __init__(self, lines: LineProgram) -> None:
        self._lines = lines
        self._buffer = lines.context.buffer(reserve=15 * 4, dynamic=True)
        content = [(self._buffer, _LAYOUT, *_INPUTS)]
        self._vertices = [lines.context.vertex_array(one, content) for one in lines.programs]
        self._count = 0
        self.inputs = Remembered()

    def upload(self, segments: Segments) -> None:
        """Replaces the segments."""
        self._count = len(segments)
        if segments.nbytes > self._buffer.size:
            self._buffer.orphan(2 * segments.nbytes)
        if self._count:
            self._buffer.write(segments)

    def draw(self) -> None:
        """Draws all segments into the framebuffer in use."""
        if self._count:
            vertices = self._vertices[self._lines.veiled]
            vertices.render(moderngl.TRIANGLE_STRIP, vertices=4, instances=self._count)

    def release(self) -> None:
        """Gives everything back to OpenGL."""
        for one in self._vertices:
            one.release()
        self._buffer.release()
