"""Shaders from their files, and their uniforms."""

from __future__ import annotations

from pathlib import Path

import moderngl
import numpy as np

SHADERS = Path(__file__).parents[1] / "shaders"

Value = float | int | tuple[float, ...] | np.ndarray


def program(context: moderngl.Context, name: str, *defines: str) -> moderngl.Program:
    """Compiles `NAME.vert.glsl` and `NAME.frag.glsl`, with these words defined."""
    vertex, fragment = (_source(f"{name}.{kind}.glsl", defines) for kind in ("vert", "frag"))
    return context.program(vertex_shader=vertex, fragment_shader=fragment)


def _source(name: str, defines: tuple[str, ...]) -> str:
    version, _, rest = (SHADERS / name).read_text(encoding="utf-8").partition("\n")
    return "\n".join([version, *(f"#define {word}" for word in defines), rest])


def set_uniforms(shader: moderngl.Program, **values: Value) -> None:
    """Sets uniforms by name; an array is a matrix for column vectors, as `matrix @ vector` has it."""
    for name, value in values.items():
        uniform = shader[name]
        assert isinstance(uniform, moderngl.Uniform)
        if isinstance(value, np.ndarray):
            uniform.write(np.ascontiguousarray(value.T, np.float32).tobytes())
        else:
            uniform.value = value
