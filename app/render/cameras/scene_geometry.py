"""Draws the geometry of the 3D view, lines, photos and mesh, into the framebuffer in use."""

from __future__ import annotations

import moderngl
import numpy as np

from app.model.cameras.segments import find_camera_centres
from app.model.common.pictures import CamerasPicture
from app.render.cameras.gizmo_mesh import GizmoMesh
from app.render.cameras.layers import LAYERS, Layer, make_layers
from app.render.cameras.surface import SurfaceMesh
from app.render.cameras.thumbnails import ThumbnailPlanes
from app.render.gl.lines import LineBatch, LineProgram, Veil
from app.render.gl.programs import set_uniforms
from app.render.gl.projection import make_view_projection

LIFT = 2e-4  # normalised depth by which lines are drawn in front of the faces they frame
HIDDEN = 0.3  # opacity of the selected frustum where other things hide it
NO_FADE, NO_HAZE = (0.0, 0.0, 0.0, 0.0), (1e9, 2e9)


class SceneGeometry:
    """Draws a `CamerasPicture` without its volume; buffers are kept from picture to picture.

    The framebuffer in use has colour and depth. It may be smaller than the picture; lines are then thinner in
    proportion.
    """

    def __init__(self, context: moderngl.Context) -> None:
        """The context must be current, now and whenever something is drawn."""
        self._context = context
        self._lines = LineProgram(context)
        self._batches: dict[Layer, LineBatch] = {layer: LineBatch(self._lines) for layer in LAYERS}
        self._thumbnails = ThumbnailPlanes(context)
        self._gizmo = GizmoMesh(context, self._lines)
        self._surface = SurfaceMesh(context)

    def draw(self, picture: CamerasPicture) -> None:
        """Draws mesh and photos, which can hide the volume and be hidden by it, on cleared colour and depth."""
        self._prepare(picture)
        if picture.surface is not None:
            view, projection = make_view_projection(picture)
            self._context.enable_only(moderngl.DEPTH_TEST)
            self._surface.draw(picture.surface, projection @ view, _position(picture))
        if picture.thumbnails is not None:
            self._context.enable_only(moderngl.DEPTH_TEST)
            shape = (picture.image_plane, picture.frustum_depth)
            self._thumbnails.draw(picture.thumbnails, picture.fitted, *shape)

    def draw_overlay(self, picture: CamerasPicture, veil: Veil | None = None) -> None:
        """Draws all lines over photos and volume: their soft edges blend with what is behind them.

        The depths of mesh and photos must still be in the framebuffer; the volume has none and hides lines by `veil`.
        """
        self._prepare(picture)
        self._lines.veil(veil)
        self._context.enable_only(moderngl.BLEND | moderngl.DEPTH_TEST)
        if picture.ground is not None:
            self._draw_ground((*picture.ground.origin, picture.ground.spacing * picture.ground.cells))
        self._without_depth("halo")
        # Strong lines come first: where lines cross, their soft edge keeps the fainter ones a little away.
        for layer in (
            "selected",
            "fitted",
            "contestants",
            "colmap",
            "reference",
            "links",
            "trails",
            "initial",
            "points",
        ):
            self._batches[layer].draw()
        self._lines.veil(None)
        self._context.enable_only(moderngl.BLEND)
        self._lines.set(strength=HIDDEN, haze=NO_HAZE)
        self._batches["selected"].draw()
        self._lines.set(strength=1.0)
        self._batches["rays"].draw()
        if picture.gizmo is not None:
            self._gizmo.draw(picture.gizmo, _position(picture))

    def release(self) -> None:
        """Gives everything back to OpenGL."""
        for batch in self._batches.values():
            batch.release()
        self._thumbnails.release()
        self._gizmo.release()
        self._surface.release()
        self._lines.release()

    def _draw_ground(self, fade: tuple[float, ...]) -> None:
        self._lines.set(fade=fade)
        self._without_depth("ground")
        self._lines.set(fade=NO_FADE)
        self._batches["axes"].draw()

    def _without_depth(self, layer: Layer) -> None:
        """Draws a layer that hides nothing: everything that is drawn later covers it."""
        framebuffer = self._context.fbo
        framebuffer.depth_mask = False
        self._batches[layer].draw()
        framebuffer.depth_mask = True

    def _prepare(self, picture: CamerasPicture) -> None:
        """Sets blending and uniforms, and uploads the layers that have changed since the last picture."""
        self._context.depth_func = "<="
        one, less = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA
        self._context.blend_func = moderngl.SRC_ALPHA, less, one, less  # type: ignore[assignment]
        _, _, width, height = self._context.fbo.viewport
        view, projection = make_view_projection(picture)
        to_clip, viewer, widen = projection @ view, _position(picture), height / picture.camera.size[1]
        size = (float(width), float(height))
        self._lines.set(to_clip=to_clip, size=size, widen=widen, lift=LIFT, fade=NO_FADE, strength=1.0)
        self._lines.set(viewer=viewer, haze=_haze(picture))
        for program in (self._thumbnails.program, self._gizmo.program):
            set_uniforms(program, to_clip=to_clip, viewer=viewer)
        for name, inputs, build in make_layers(picture):
            if self._batches[name].inputs.changed(*inputs):
                self._batches[name].upload(build())


def _position(picture: CamerasPicture) -> tuple[float, float, float]:
    """Of the viewer in the world."""
    x, y, z = find_camera_centres(picture.camera.world_to_camera[None])[0].tolist()
    return x, y, z


def _haze(picture: CamerasPicture) -> tuple[float, float]:
    """Distances between which lines grow fainter: from the nearest frustum to the farthest, scene units."""
    places = find_camera_centres(picture.fitted.poses)
    places = places[np.isfinite(places).all(axis=1)]
    if not len(places):
        return NO_HAZE
    distances = np.linalg.norm(places - np.array(_position(picture)), axis=1) + picture.frustum_depth
    nearest, farthest = float(distances.min()), float(distances.max())
    return nearest, max(farthest, 1.6 * nearest) + 1e-6
