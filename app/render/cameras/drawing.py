"""The 3D view of the cameras: their geometry with the live volume in between."""

from __future__ import annotations

from collections.abc import Iterator

import moderngl
import numpy as np
from jaxtyping import Float32

from app.model.common.pictures import CamerasPicture
from app.render.cameras.scene_geometry import SceneGeometry
from app.render.gl.context import Driver
from app.render.gl.full_screen import FullScreen
from app.render.gl.geometry_target import GeometryTarget
from app.render.gl.lines import Veil
from app.render.gl.march_target import MarchTarget
from app.render.gl.projection import find_clip_planes, make_camera_uniforms
from app.render.gl.targets import ReusedTarget, Target, read_pixels
from app.render.gl.volume_texture import VolumeTexture
from app.render.scheduling.effort import Effort
from engine.config.schedule import MARGIN

BACKGROUND = (0x14 / 255, 0x17 / 255, 0x1C / 255)
SAMPLES = 160  # along a ray through the whole volume
QUICK_SAMPLES = 48  # the same while the view moves: noise disturbs less than a late picture


class CamerasDrawing:
    """One view: the volume as it was marched last, and the picture with the geometry around it."""

    def __init__(self, context: moderngl.Context, driver: Driver) -> None:
        self._context, self._driver = context, driver
        self._geometry = SceneGeometry(context)
        self._march: dict[bool, FullScreen] = {}
        self._blend, self._turn = FullScreen(context, "overview_blend"), FullScreen(context, "turned")
        self._marched, self._shown = MarchTarget(context, driver, (4, 4)), ReusedTarget(context, (4,))
        self._scene: GeometryTarget | None = None

    def march(self, picture: CamerasPicture, texture: VolumeTexture, effort: Effort, bands: int) -> Iterator[None]:
        """Marches in so many bands of rows, one per step; what was marched before stays until the last is done."""
        volume = texture.volume
        assert volume is not None
        projective = volume.space == "projective"
        if projective not in self._march:
            self._march[projective] = FullScreen(self._context, "overview", PROJECTIVE=projective)
        shader = self._march[projective]
        samples = SAMPLES if effort.samples == 1 else QUICK_SAMPLES

        def draw(target: Target) -> None:
            texture.use(shader.program)
            shader.set(**make_camera_uniforms(picture.camera, target.size))
            shader.set(samples=samples, reach=picture.volume_reach, opacity=picture.volume_opacity)
            shader.set(shown=tuple(side / MARGIN for side in volume.extent))
            target.framebuffer.use()
            self._context.enable_only(moderngl.NOTHING)
            shader.draw()

        return self._marched.march(effort.size(picture.camera.size), bands, draw)

    def show(self, picture: CamerasPicture) -> Float32[np.ndarray, "height width 4"]:
        """The geometry as it is now, around the volume that was marched last: RGBA in [0, 1], rows from the top."""
        scene = self._geometry_target(picture.camera.size)
        scene.geometry.use()
        scene.geometry.clear(*BACKGROUND, 1.0, depth=1.0)
        self._geometry.draw(picture)
        veil, marched = None, self._marched.last
        if marched is not None and picture.volume_opacity > 0:
            self._draw_volume(picture, scene, marched)
            scene.geometry.use()
            veil = Veil(*marched.textures)
        self._geometry.draw_overlay(picture, veil)
        target = self._shown.of_size(picture.camera.size)
        scene.colour.use(0)
        self._turn.set(picture=0, size=tuple(map(float, target.size)))
        target.framebuffer.use()
        self._context.enable_only(moderngl.NOTHING)
        self._turn.draw()
        return read_pixels(self._driver, target)

    def forget(self) -> None:
        """Drops the volume that was marched last."""
        self._marched.forget()

    def release(self) -> None:
        """Gives everything back to OpenGL."""
        for shader in (*self._march.values(), self._blend, self._turn):
            shader.release()
        self._marched.release()
        self._shown.release()
        if self._scene is not None:
            self._scene.release()
        self._geometry.release()

    def _draw_volume(self, picture: CamerasPicture, scene: GeometryTarget, marched: Target) -> None:
        for unit, texture in enumerate((*marched.textures, scene.depth)):
            texture.use(unit)
        self._blend.set(overview=0, overview_depths=1, geometry_depth=2, clip_planes=find_clip_planes(picture))
        self._blend.set(size=tuple(map(float, picture.camera.size)))
        scene.over.use()
        self._context.enable_only(moderngl.BLEND)
        self._context.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA
        self._blend.draw()

    def _geometry_target(self, size: tuple[int, int]) -> GeometryTarget:
        if self._scene is None or self._scene.size != size:
            if self._scene is not None:
                self._scene.release()
            self._scene = GeometryTarget(self._context, size)
        return self._scene
