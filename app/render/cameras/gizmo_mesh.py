"""The gizmo in the 3D view: arrows and rings along the axes of one camera, drawn over everything else."""

from __future__ import annotations

from dataclasses import dataclass

import moderngl
import numpy as np
from jaxtyping import Float, Float32

from app.model.cameras.gizmo import PARTS, SHAPE, find_gizmo_centre, get_axis_index, make_arrow, make_ring
from app.model.cameras.segments import AXIS_COLOURS, Segments, join_segments, make_segments
from app.model.common.pictures import Gizmo, GizmoPart
from app.render.gl.lines import LineBatch, LineProgram
from app.render.gl.programs import compile_program

HIGHLIGHT = np.array([1.0, 0.86, 0.42, 1.0], np.float32)


@dataclass(frozen=True)
class GizmoLook:
    """How the gizmo is drawn.

    Attributes:
        shaft, ring: widths of lines, pixels.
        active: how many times wider the lines of the active part are.
        active_head: how many times wider its arrow head is.
        far_opacity: of the half of a ring that is turned away from the viewer, in [0, 1].
        head_radius: of an arrow head, as a share of its length.
        sides: number of triangles around an arrow head.
    """

    shaft: float = 3.0
    ring: float = 2.2
    active: float = 1.8
    active_head: float = 1.25
    far_opacity: float = 0.22
    head_radius: float = 0.36
    sides: int = 20


LOOK = GizmoLook()

Viewer = tuple[float, float, float]


class GizmoMesh:
    """Lines and arrow heads; their few hundred vertices are uploaded whenever they are drawn.

    Attributes:
        program: the shader of the arrow heads.
    """

    def __init__(self, context: moderngl.Context, lines: LineProgram) -> None:
        self._context = context
        self.program = compile_program(context, "solid")
        self._batch = LineBatch(lines)
        self._buffer = context.buffer(reserve=3 * 6 * LOOK.sides * 10 * 4, dynamic=True)
        self._vertices = context.vertex_array(self.program, [(self._buffer, "3f 3f 4f", "place", "normal", "tint")])

    def draw(self, gizmo: Gizmo, viewer: Viewer) -> None:
        """Draws without a depth test: far arrow heads first, so that near ones cover them.

        Args:
            gizmo: what to draw; nothing if its pose is not finite.
            viewer: position in the world.
        """
        if not (np.isfinite(gizmo.pose).all() and gizmo.size > 0):
            return
        self._batch.upload(make_gizmo_lines(gizmo, viewer))
        self._batch.draw()
        heads = make_arrow_heads(gizmo, viewer)
        self._buffer.write(heads)
        self._context.enable_only(moderngl.BLEND | moderngl.CULL_FACE)
        self._vertices.render(moderngl.TRIANGLES, vertices=len(heads))
        self._context.enable_only(moderngl.BLEND)

    def release(self) -> None:
        """Gives everything back to OpenGL."""
        self._batch.release()
        for thing in (self._vertices, self._buffer, self.program):
            thing.release()


def choose_part_colour(gizmo: Gizmo, part: GizmoPart) -> Float32[np.ndarray, "4"]:
    """RGBA of a part: the colour of its axis, or the highlight while it is active."""
    return HIGHLIGHT if gizmo.active == part else AXIS_COLOURS[get_axis_index(part)]


def make_gizmo_lines(gizmo: Gizmo, viewer: Viewer) -> Segments:
    """Rings, their far halves fainter, followed by the shafts."""
    parts = []
    towards = np.array(viewer) - find_gizmo_centre(gizmo)
    for part in PARTS:
        colour, wider = choose_part_colour(gizmo, part), LOOK.active if gizmo.active == part else 1.0
        if part.startswith("turn"):
            points = make_ring(gizmo, part)
            shades = np.tile(colour, (len(points), 1))
            shades[(points - find_gizmo_centre(gizmo)) @ towards < 0, 3] = LOOK.far_opacity
            parts.append(make_segments(points[:-1], points[1:], shades[:-1], wider * LOOK.ring, shades[1:]))
        else:
            foot, tip = make_arrow(gizmo, part)
            end = tip - (tip - foot) / np.linalg.norm(tip - foot) * SHAPE.head * gizmo.size
            parts.append(make_segments(foot[None], end[None], colour[None], wider * LOOK.shaft))
    return join_segments(sorted(parts, key=len, reverse=True))


def make_arrow_heads(gizmo: Gizmo, viewer: Viewer) -> Float32[np.ndarray, "vertices 10"]:
    """Cones: position, outward normal and RGBA of each vertex; the farthest cone first."""
    moves: list[GizmoPart] = [part for part in PARTS if part.startswith("move")]
    moves.sort(key=lambda part: -float(np.linalg.norm(make_arrow(gizmo, part)[1] - np.array(viewer))))
    return np.concatenate([_cone(gizmo, part) for part in moves])


def _cone(gizmo: Gizmo, part: GizmoPart) -> Float32[np.ndarray, "vertices 10"]:
    index = get_axis_index(part)
    axis, first, second = (gizmo.pose[(index + k) % 3, :3].astype(np.float64) for k in range(3))
    tip = make_arrow(gizmo, part)[1]
    angles = np.linspace(0, 2 * np.pi, LOOK.sides + 1)[:, None]
    outward: Float[np.ndarray, "around 3"] = np.cos(angles) * first + np.sin(angles) * second
    wider = LOOK.active_head if gizmo.active == part else 1.0
    base = tip - SHAPE.head * gizmo.size * axis
    rim = base + LOOK.head_radius * wider * SHAPE.head * gizmo.size * outward
    slope = (outward + LOOK.head_radius * axis) / np.sqrt(1 + LOOK.head_radius**2)
    side = np.stack([np.broadcast_to(tip, (LOOK.sides, 3)), rim[:-1], rim[1:]], axis=1)
    bottom = np.stack([np.broadcast_to(base, (LOOK.sides, 3)), rim[1:], rim[:-1]], axis=1)
    places = np.concatenate([side, bottom]).reshape(-1, 3)
    side_normals = np.stack([slope[:-1], slope[:-1], slope[1:]], axis=1)
    normals = np.concatenate([side_normals, np.broadcast_to(-axis, (LOOK.sides, 3, 3))]).reshape(-1, 3)
    colours = np.broadcast_to(choose_part_colour(gizmo, part), (len(places), 4))
    return np.concatenate([places, normals, colours], axis=1).astype(np.float32)
