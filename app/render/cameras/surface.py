"""A mesh in the 3D view: lit triangles between photos and volume."""

from __future__ import annotations

import moderngl
import numpy as np
from jaxtyping import Float, Float32, Int

from app.model.common.pictures import Surface
from app.model.common.unchanged import Remembered
from app.render.gl.programs import compile_program, set_uniforms


class SurfaceMesh:
    """Uploads the triangles once; a matrix places them in each picture."""

    def __init__(self, context: moderngl.Context) -> None:
        self._context = context
        self._program = compile_program(context, "solid")
        self._buffer = context.buffer(reserve=3 * 10 * 4, dynamic=True)
        self._vertices = context.vertex_array(self._program, [(self._buffer, "3f 3f 4f", "place", "normal", "tint")])
        self._uploaded = Remembered()
        self._count = 0

    def draw(self, surface: Surface, to_clip: Float[np.ndarray, "4 4"], viewer: tuple[float, float, float]) -> None:
        """Draws the mesh with the depth test as it is set.

        Args:
            surface: the mesh.
            to_clip: from the world to clip space, for column vectors.
            viewer: position in the world.
        """
        if self._uploaded.changed(surface.vertices, surface.faces, surface.colour):
            corners = make_lit_corners(surface)
            self._count = len(corners)
            self._buffer.orphan(max(corners.nbytes, 4))
            self._buffer.write(corners)
        if self._count:
            placing = surface.placing.astype(np.float64)
            x, y, z, _ = (np.linalg.inv(placing) @ np.array([*viewer, 1.0])).tolist()
            set_uniforms(self._program, to_clip=to_clip @ placing, viewer=(x, y, z))
            self._vertices.render(moderngl.TRIANGLES, vertices=self._count)

    def release(self) -> None:
        """Gives everything back to OpenGL."""
        for thing in (self._vertices, self._buffer, self._program):
            thing.release()


def make_lit_corners(surface: Surface) -> Float32[np.ndarray, "corners 10"]:
    """Position, normal and RGBA of all triangles' corners; normals are averaged over the triangles of a vertex."""
    vertices: Float[np.ndarray, "vertices 3"] = surface.vertices.astype(np.float64)
    faces: Int[np.ndarray, "faces 3"] = surface.faces
    corners = vertices[faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])  # as long as twice the area
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, faces[:, corner], across)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    colours = np.broadcast_to(np.array(surface.colour), (*faces.shape, 4))
    return np.concatenate([corners, normals[faces], colours], axis=2).reshape(-1, 10).astype(np.float32)
