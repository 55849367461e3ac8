"""A fragment shader over the whole picture: a program, a triangle, and its uniforms by name."""

from __future__ import annotations

import re
from typing import Any

import moderngl

from app.render.gl.programs import SHADERS


class FullScreen:
    """Draws with `NAME.frag.glsl` into the framebuffer in use."""

    def __init__(self, context: moderngl.Context, name: str, **constants: bool) -> None:
        """Compiles; `constants` become boolean constants of the shader.

        What is a constant costs nothing. A software renderer does not branch: it would do the work of both sides.
        """
        vertex = (SHADERS / "fullscreen.vert.glsl").read_text(encoding="utf-8")
        lines = source(f"{name}.frag.glsl").split("\n", 1)
        values = "".join(f"const bool {key} = {str(value).lower()};\n" for key, value in constants.items())
        self.program = context.program(vertex_shader=vertex, fragment_shader=f"{lines[0]}\n{values}{lines[1]}")
        self._triangle = context.vertex_array(self.program, [])

    def set(self, **values: Any) -> None:
        """Uniforms; those that the shader does not use are passed over, as its compiler drops them."""
        for name, value in values.items():
            if name in self.program:
                uniform = self.program[name]
                if isinstance(value, bytes):
                    uniform.write(value)  # type: ignore[union-attr]
                else:
                    uniform.value = value  # type: ignore[union-attr]

    def draw(self) -> None:
        self._triangle.render(moderngl.TRIANGLES, vertices=3)

    def release(self) -> None:
        self._triangle.release()
        self.program.release()


def source(name: str) -> str:
    """A shader's text with `#include "file"` lines replaced by the files."""
    text = (SHADERS / name).read_text(encoding="utf-8")
    return re.sub(r'^#include "(.+)"$', lambda found: source(found[1]), text, flags=re.MULTILINE)
