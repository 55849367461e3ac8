"""Shaders from their files, and their uniforms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import moderngl
import numpy as np
from jaxtyping import Float

SHADERS = Path(__file__).parents[1] / "shaders"

Value = float | int | tuple[float, ...] | bytes | np.ndarray


def compile_program(context: moderngl.Context, name: str, *defines: str) -> moderngl.Program:
    """Compiles `NAME.vert.glsl` and `NAME.frag.glsl`, with these words defined for the preprocessor."""
    lines = [f"#define {word}" for word in defines]
    vertex, fragment = (read_shader(f"{name}.{kind}.glsl", lines) for kind in ("vert", "frag"))
    return context.program(vertex_shader=vertex, fragment_shader=fragment)


def read_shader(name: str, lines: Sequence[str] = ()) -> str:
    """A shader's text: `#include "file"` is replaced by the file, and `lines` stand after its first line.

    The first line of a shader is its `#version`, which nothing may precede.
    """
    text = (SHADERS / name).read_text(encoding="utf-8")
    text = re.sub(r'^#include "(.+)"$', lambda found: read_shader(found[1]), text, flags=re.MULTILINE)
    version, _, rest = text.partition("\n")
    return "\n".join([version, *lines, rest])


def set_uniforms(program: moderngl.Program, **values: Value) -> None:
    """Sets uniforms by name; those that the shader does not use are skipped, because its compiler removes them.

    An array is a matrix for column vectors, as in `matrix @ vector`; bytes are written as they are.
    """
    for name, value in values.items():
        if name not in program:
            continue
        uniform = program[name]
        assert isinstance(uniform, moderngl.Uniform)
        if isinstance(value, np.ndarray):
            uniform.write(to_matrix_bytes(value))
        elif isinstance(value, bytes):
            uniform.write(value)
        else:
            uniform.value = value


def to_matrix_bytes(matrix: Float[np.ndarray, "rows columns"]) -> bytes:
    """A matrix as OpenGL stores it: float32, column after column."""
    return np.ascontiguousarray(matrix.T, np.float32).tobytes()
