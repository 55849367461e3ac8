"""The gizmo as OpenGL draws it: arrows and rings in the axes of one camera, over everything else."""

from __future__ import annotations

import moderngl
import numpy as np
from jaxtyping import Float, Float32

from app.model.cameras.gizmo import HEAD, PARTS, arrow, axis_index, gizmo_centre, ring
from app.model.cameras.segments import AXIS_COLOURS, Segments, joined, segments
from app.model.common.pictures import Gizmo, GizmoPart
from app.render.gl.lines import LineBatch, LineProgram
from app.render.gl.programs import program

SHAFT, RING, ACTIVE = 3.0, 2.2, 1.8  # widths in pixels, and how many times wider the active part is
BEHIND = 0.22  # opacity of the half of a ring that is turned away
HIGHLIGHT = np.array([1.0, 0.86, 0.42, 1.0], np.float32)
SIDES = 20  # of an arrow head

Viewer = tuple[float, float, float]


class GizmoMesh:
    """Lines and arrow heads; a few hundred vertices that are uploaded whenever it is drawn."""

    def __init__(self, context: moderngl.Context, lines: LineProgram) -> None:
        self._context = context
        self.program = program(context, "solid")
        self._batch = LineBatch(lines)
        self._buffer = context.buffer(reserve=3 * 6 * SIDES * 10 * 4, dynamic=True)
        self._vertices = context.vertex_array(self.program, [(self._buffer, "3f 3f 4f", "place", "normal", "tint")])

    def draw(self, gizmo: Gizmo, viewer: Viewer) -> None:
        """Draws without depth; the heads far from the viewer come first, so that the near ones lie over them."""
        if not (np.isfinite(gizmo.pose).all() and gizmo.size > 0):
            return
        self._batch.upload(gizmo_lines(gizmo, viewer))
        self._batch.draw()
        heads = arrow_heads(gizmo, viewer)
        self._buffer.write(heads)
        self._context.enable_only(moderngl.BLEND | moderngl.CULL_FACE)
        self._vertices.render(moderngl.TRIANGLES, vertices=len(heads))
        self._context.enable_only(moderngl.BLEND)

    def release(self) -> None:
        self._batch.release()
        for thing in (self._vertices, self._buffer, self.program):
            thing.release()


def part_colour(gizmo: Gizmo, part: GizmoPart) -> Float32[np.ndarray, "4"]:
    """By axis, or the highlight."""
    return HIGHLIGHT if gizmo.active == part else AXIS_COLOURS[axis_index(part)]


def gizmo_lines(gizmo: Gizmo, viewer: Viewer) -> Segments:
    """Rings, their far halves fainter, and then the shafts."""
    parts = []
    towards = np.array(viewer) - gizmo_centre(gizmo)
    for part in PARTS:
        colour, wider = part_colour(gizmo, part), ACTIVE if gizmo.active == part else 1.0
        if part.startswith("turn"):
            points = ring(gizmo, part)
            shades = np.tile(colour, (len(points), 1))
            shades[(points - gizmo_centre(gizmo)) @ towards < 0, 3] = BEHIND
            parts.append(segments(points[:-1], points[1:], shades[:-1], wider * RING, shades[1:]))
        else:
            foot, tip = arrow(gizmo, part)
            end = tip - (tip - foot) / np.linalg.norm(tip - foot) * HEAD * gizmo.size
            parts.append(segments(foot[None], end[None], colour[None], wider * SHAFT))
    return joined(sorted(parts, key=len, reverse=True))


def arrow_heads(gizmo: Gizmo, viewer: Viewer) -> Float32[np.ndarray, "vertices 10"]:
    """Cones: place, outward normal and colour of each vertex; the farthest cone first."""
    moves: list[GizmoPart] = [part for part in PARTS if part.startswith("move")]
    moves.sort(key=lambda part: -float(np.linalg.norm(arrow(gizmo, part)[1] - np.array(viewer))))
    return np.concatenate([_cone(gizmo, part) for part in moves])


def _cone(gizmo: Gizmo, part: GizmoPart) -> Float32[np.ndarray, "vertices 10"]:
    index = axis_index(part)
    axis, first, second = (gizmo.pose[(index + k) % 3, :3].astype(np.float64) for k in range(3))
    tip = arrow(gizmo, part)[1]
    angles = np.linspace(0, 2 * np.pi, SIDES + 1)[:, None]
    outward: Float[np.ndarray, "around 3"] = np.cos(angles) * first + np.sin(angles) * second
    wider = 1.25 if gizmo.active == part else 1.0
    base = tip - HEAD * gizmo.size * axis
    rim = base + 0.36 * wider * HEAD * gizmo.size * outward
    slope = (outward + 0.36 * axis) / np.sqrt(1 + 0.36**2)
    side = np.stack([np.broadcast_to(tip, (SIDES, 3)), rim[:-1], rim[1:]], axis=1)
    bottom = np.stack([np.broadcast_to(base, (SIDES, 3)), rim[1:], rim[:-1]], axis=1)
    places = np.concatenate([side, bottom]).reshape(-1, 3)
    side_normals = np.stack([slope[:-1], slope[:-1], slope[1:]], axis=1)
    normals = np.concatenate([side_normals, np.broadcast_to(-axis, (SIDES, 3, 3))]).reshape(-1, 3)
    colours = np.broadcast_to(part_colour(gizmo, part), (len(places), 4))
    return np.concatenate([places, normals, colours], axis=1).astype(np.float32)
