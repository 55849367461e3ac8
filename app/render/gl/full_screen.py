"""A fragment shader over the whole picture: a program, a triangle, and its uniforms by name."""

from __future__ import annotations

import moderngl

from app.render.gl.programs import Value, read_shader, set_uniforms


class FullScreen:
    """Draws with `NAME.frag.glsl` into the framebuffer in use.

    Attributes:
        program: the compiled shader.
    """

    def __init__(self, context: moderngl.Context, name: str, **constants: bool) -> None:
        """Compiles; `constants` become boolean constants of the shader.

        A constant costs nothing, while a software renderer would execute both sides of a branch on a uniform.
        """
        lines = [f"const bool {key} = {str(value).lower()};" for key, value in constants.items()]
        vertex, fragment = read_shader("fullscreen.vert.glsl"), read_shader(f"{name}.frag.glsl", lines)
        self.program = context.program(vertex_shader=vertex, fragment_shader=fragment)
        self._triangle = context.vertex_array(self.program, [])

    def set(self, **values: Value) -> None:
        """Sets uniforms by name; those that the shader does not use are skipped."""
        set_uniforms(self.program, **values)

    def draw(self) -> None:
        """Fills the framebuffer in use, within its scissor."""
        self._triangle.render(moderngl.TRIANGLES, vertices=3)

    def release(self) -> None:
        """Gives everything back to OpenGL."""
        self._triangle.release()
        self.program.release()
