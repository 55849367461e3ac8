"""Photos in the image planes of the frusta."""

from __future__ import annotations

from collections.abc import Hashable

import moderngl
import numpy as np
from jaxtyping import Float32, UInt8

from app.model.cameras.segments import find_camera_centres, find_usable
from app.model.common.pictures import CameraSet, Thumbnails
from app.model.common.unchanged import Remembered
from app.render.gl.programs import compile_program, set_uniforms

_LAYOUT = "3f 3f 3f 3f 2f 1f/i"
_INPUTS = ("centre", "right", "down", "forward", "image_plane", "layer")


class ThumbnailPlanes:
    """The photos of one scene and the planes to draw them on.

    OpenGL 3.3 guarantees 256 layers in a texture: more frames need several textures.

    Attributes:
        program: the shader; `to_clip` and `viewer` are set by the caller.
    """

    def __init__(self, context: moderngl.Context) -> None:
        self._context = context
        self.program = compile_program(context, "thumbnail")
        self._layers = int(context.info["GL_MAX_ARRAY_TEXTURE_LAYERS"])
        self._key: Hashable = None
        self._sheets: list[_Sheet] = []
        self._inputs = Remembered()

    def draw(
        self,
        thumbnails: Thumbnails,
        cameras: CameraSet,
        image_plane: tuple[float, float],
        depth: float,
    ) -> None:
        """Draws the photos of all frames.

        Args:
            thumbnails: the photos.
            cameras: of the frames.
            image_plane: half width and half height of the photos at depth 1, unless `cameras` has those of each.
            depth: length of the frusta, scene units.
        """
        if self._key != thumbnails.key:
            self._take_photos(thumbnails)
        if self._inputs.changed(thumbnails.key, cameras.poses, cameras.planes, image_plane):
            same = np.tile(np.array(image_plane, np.float32), (len(cameras.poses), 1))
            planes = same if cameras.planes is None else cameras.planes
            for index, sheet in enumerate(self._sheets):
                sheet.place(cameras.poses[index * self._layers :], planes[index * self._layers :])
        set_uniforms(self.program, depth=depth)
        for sheet in self._sheets:
            sheet.draw()

    def release(self) -> None:
        """Gives everything back to OpenGL."""
        for sheet in self._sheets:
            sheet.release()
        self.program.release()

    def _take_photos(self, thumbnails: Thumbnails) -> None:
        for sheet in self._sheets:
            sheet.release()
        parts = range(0, len(thumbnails.pixels), self._layers)
        self._sheets = [
            _Sheet(self._context, self.program, thumbnails.pixels[first : first + self._layers]) for first in parts
        ]
        self._key = thumbnails.key


class _Sheet:
    """As many photos as one texture holds, with their places."""

    def __init__(
        self, context: moderngl.Context, program: moderngl.Program, photos: UInt8[np.ndarray, "frames height width 3"]
    ) -> None:
        self._frames, height, width, _ = photos.shape
        texture = context.texture_array((width, height, len(photos)), 3, np.ascontiguousarray(photos), alignment=1)
        texture.build_mipmaps()
        texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
        texture.repeat_x = texture.repeat_y = False
        self._texture = texture
        self._buffer = context.buffer(reserve=self._frames * 15 * 4, dynamic=True)
        self._vertices = context.vertex_array(program, [(self._buffer, _LAYOUT, *_INPUTS)])
        self._count = 0

    def place(self, poses: Float32[np.ndarray, "frames 3 4"], planes: Float32[np.ndarray, "frames 2"]) -> None:
        """Puts the photos where the cameras are; those with a pose that is not finite are not drawn."""
        layers = np.flatnonzero(find_usable(poses[: self._frames]))
        packed = np.empty((len(layers), 15), np.float32)
        packed[:, :3], packed[:, 3:12] = find_camera_centres(poses[layers]), poses[layers, :, :3].reshape(-1, 9)
        packed[:, 12:14], packed[:, 14] = planes[layers], layers
        self._count = len(layers)
        if self._count:
            self._buffer.write(packed)

    def draw(self) -> None:
        if self._count:
            self._texture.use(0)
            self._vertices.render(moderngl.TRIANGLE_STRIP, vertices=4, instances=self._count)

    def release(self) -> None:
        for thing in (self._vertices, self._buffer, self._texture):
            thing.release()
