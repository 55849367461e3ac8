"""The field seen from a camera: marched at the resolution there is time for, then coloured as a picture."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import NamedTuple

import moderngl
import numpy as np
from jaxtyping import Float32

from app.model.common.pictures import NovelPicture
from app.render.gl.context import Driver
from app.render.gl.full_screen import FullScreen
from app.render.gl.march_target import MarchTarget
from app.render.gl.projection import make_camera_uniforms
from app.render.gl.targets import ReusedTarget, Target, read_pixels
from app.render.gl.volume_texture import VolumeTexture
from app.render.gl.volume_textures import VolumeTextures
from app.render.scheduling.effort import Effort
from engine.fields.baking import VolumeSpace
from engine.geometry.view_camera import ViewCamera

CHANNELS = {"colour": 0, "depth": 1, "opacity": 2, "residual": 3}
ACCENT = (0x35 / 255, 0xC4 / 255, 0xB5 / 255)
BACKGROUND = (0.08, 0.08, 0.08, 0.0)  # of a field that has no volume yet
MOST_BINS = 512  # as in march.frag.glsl
SAMPLES_PER_VOXEL = 2  # along the depth, where the volume has no pooled density to place samples by


class Part(NamedTuple):
    """What one field takes of a picture: fractions of its width."""

    camera: ViewCamera
    volume: Hashable
    begins: float
    ends: float


def _list_parts(picture: NovelPicture) -> list[Part]:
    second = picture.second
    if second is None:
        return [Part(picture.camera, picture.volume, 0.0, 1.0)]
    first = Part(picture.camera, picture.volume, 0.0, second.begins)
    return [first, Part(second.camera, second.volume, second.begins, 1.0)]


class Marcher:
    """The shader that marches through a volume, compiled once for each kind of volume."""

    def __init__(self, context: moderngl.Context) -> None:
        self._context = context
        self._variants: dict[tuple[VolumeSpace, bool, bool, bool], FullScreen] = {}

    def draw(self, camera: ViewCamera, texture: VolumeTexture, effort: Effort, target: Target) -> None:
        """Fills the target, within its scissor, with colour, opacity and depth (scene units); first row at the top."""
        volume = texture.volume
        assert volume is not None
        pooled = texture.shape("proposals")
        tinted = volume.tint is not None and effort.tint
        shader = self._variant(volume.space, pooled is not None, tinted, texture.detail_shape is not None)
        samples, bins = volume.samples, 1
        if pooled is not None:
            bins = min(pooled[0] * (2 if volume.space == "box" else 1), MOST_BINS)
        elif volume.proposals:
            samples = SAMPLES_PER_VOXEL * (texture.detail_shape or volume.voxels.shape)[0]
        texture.use(shader.program)
        shader.set(**make_camera_uniforms(camera, target.size))
        shader.set(samples=effort.count(samples), bins=effort.count(bins), background=volume.background)
        target.framebuffer.use()
        self._context.enable_only(moderngl.NOTHING)
        shader.draw()

    def release(self) -> None:
        """Gives everything back to OpenGL."""
        for shader in self._variants.values():
            shader.release()

    def _variant(self, space: VolumeSpace, proposals: bool, tinted: bool, detailed: bool) -> FullScreen:
        key = (space, proposals, tinted, detailed)
        if key not in self._variants:
            constants = {"PROJECTIVE": space == "projective", "CONTRACTED": space == "contracted"}
            constants |= {"PROPOSALS": proposals, "TINTED": tinted, "DETAILED": detailed}
            self._variants[key] = FullScreen(self._context, "march", **constants)
        return self._variants[key]


class NovelDrawing:
    """One view: what was marched last, and the picture made of it."""

    def __init__(self, context: moderngl.Context, driver: Driver, marcher: Marcher, present: FullScreen) -> None:
        self._context, self._driver, self._marcher, self._present = context, driver, marcher, present
        self._marched, self._shown = MarchTarget(context, driver, (4, 1)), ReusedTarget(context, (4,))
        self._photo: moderngl.Texture | None = None
        self._photo_key: object = None

    def march(self, picture: NovelPicture, volumes: VolumeTextures, effort: Effort, bands: int) -> Iterator[None]:
        """Marches in so many bands of rows, one per step; what was marched before stays until the last is done.

        Each field is marched through only where it is seen: two take about as long as one.
        """

        def draw(target: Target) -> None:
            _, first, width, rows = target.framebuffer.scissor
            for part in _list_parts(picture):
                left, right = round(width * part.begins), round(width * part.ends)
                texture = volumes.get(part.volume)
                if right > left and texture is not None:
                    target.framebuffer.scissor = (left, first, right - left, rows)
                    self._marcher.draw(part.camera, texture, effort, target)
                elif right > left:
                    target.framebuffer.clear(*BACKGROUND, viewport=(left, first, right - left, rows))

        return self._marched.march(effort.size(picture.camera.size), bands, draw)

    def show(self, picture: NovelPicture) -> Float32[np.ndarray, "height width 4"]:
        """The picture of what was marched last (there must be something): RGBA in [0, 1], rows from the top."""
        target, marched = self._shown.of_size(picture.camera.size), self._marched.last
        assert marched is not None
        for unit, texture in enumerate((*marched.textures, self._photo_texture(picture))):
            exact = texture.size == target.size
            texture.filter = (moderngl.NEAREST, moderngl.NEAREST) if exact else (moderngl.LINEAR, moderngl.LINEAR)
            texture.use(unit)
        width, _ = picture.camera.size
        channel = picture.channel if picture.photo is not None or picture.channel != "residual" else "colour"
        self._present.set(marched=0, depths=1, photo=2, channel=CHANNELS[channel], depth_range=picture.depth_range)
        self._present.set(wipe=width * picture.wipe if picture.photo is not None else 0.0, accent=ACCENT)
        self._present.set(size=tuple(map(float, picture.camera.size)))
        second = picture.second
        self._present.set(divider=width * second.begins if second is not None else -1.0)
        self._present.set(copies=2.0 if second is not None and second.apart else 1.0)
        self._present.set(second_range=picture.depth_range if second is None else second.depth_range)
        target.framebuffer.use()
        self._context.enable_only(moderngl.NOTHING)
        self._present.draw()
        return read_pixels(self._driver, target)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show yet."""
        return self._marched.last is None

    def forget(self) -> None:
        """Drops what was marched last."""
        self._marched.forget()

    def release(self) -> None:
        """Gives everything back to OpenGL."""
        self._marched.release()
        self._shown.release()
        if self._photo is not None:
            self._photo.release()

    def _photo_texture(self, picture: NovelPicture) -> moderngl.Texture:
        key = None if picture.photo is None else picture.photo.key
        if self._photo is None or key != self._photo_key:
            pixels = np.zeros((1, 1, 3), np.uint8) if picture.photo is None else picture.photo.pixels
            if self._photo is not None:
                self._photo.release()
            size = (pixels.shape[1], pixels.shape[0])
            self._photo = self._context.texture(size, 3, np.ascontiguousarray(pixels), alignment=1)
            self._photo.repeat_x = self._photo.repeat_y = False
            self._photo_key = key
        return self._photo
