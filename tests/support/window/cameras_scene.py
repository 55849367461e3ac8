"""Pictures of a few cameras for tests, and what OpenGL draws of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import moderngl
import numpy as np
from jaxtyping import Float, Float32

from app.model.common.pictures import CameraSet, CamerasPicture
from app.render.cameras.scene_geometry import SceneGeometry
from app.render.gl.lines import Veil
from engine.geometry.view_camera import ViewCamera, look_along, pinhole

SIZE = (320, 240)
IMAGE_PLANE = (0.5, 0.4)


def from_the_side(size: tuple[int, int] = SIZE) -> ViewCamera:
    """A viewer two units to the right and above a camera at the origin, with its frustum in the middle."""
    position = np.array([2.0, -1.5, -1.2])
    return pinhole(look_along(position, np.array([0, 0, 0.6]) - position, np.array([0.0, -1, 0])), 0.8, size)


def from_behind(size: tuple[int, int] = SIZE) -> ViewCamera:
    """A viewer three units behind a camera at the origin, who looks the same way."""
    return pinhole(look_along(np.array([0.0, 0, -3]), np.array([0.0, 0, 1]), np.array([0.0, -1, 0])), 0.8, size)


def picture_of(fitted: CameraSet, **changes: Any) -> CamerasPicture:
    """A picture from the side, of these cameras."""
    picture = CamerasPicture(from_the_side(), fitted, IMAGE_PLANE, 1.0)
    return replace(picture, **changes)


def one_colour(poses: Float32[np.ndarray, "frames 3 4"], *colour: float) -> CameraSet:
    """Cameras that all have one colour."""
    return CameraSet(poses, np.tile(np.array(colour, np.float32), (len(poses), 1)))


def at(*centre: float) -> Float32[np.ndarray, "3 4"]:
    """The pose of a camera that looks along +z from a place."""
    return np.concatenate([np.eye(3), -np.array(centre)[:, None]], axis=1).astype(np.float32)


def seen_at(picture: CamerasPicture, point: Float[np.ndarray, "3"]) -> Float[np.ndarray, "2"]:
    """Where a point of the world is in the picture, pixels from the top left."""
    camera = picture.camera
    x, y, z = camera.world_to_camera[:, :3] @ point + camera.world_to_camera[:, 3]
    return np.array([x / z * camera.focal[0] + camera.centre[0], y / z * camera.focal[1] + camera.centre[1]])


class Easel:
    """A geometry with something to draw on, of any size; made in the thread that draws."""

    def __init__(self, context: moderngl.Context) -> None:
        self.context, self.geometry = context, SceneGeometry(context)
        self._targets: dict[tuple[int, int], moderngl.Framebuffer] = {}

    def draw(
        self, picture: CamerasPicture, *, veil: Veil | None = None, size: tuple[int, int] | None = None
    ) -> Float[np.ndarray, "height width 3"]:
        """The picture on black, rows from the top, in [0, 1]; drawn at `size` rather than its own, if given."""
        width, height = size or picture.camera.size
        target = self._target((width, height))
        target.use()
        target.clear(0.0, 0.0, 0.0, 1.0)
        self.geometry.draw(picture)
        self.geometry.draw_overlay(picture, veil)
        assert self.context.error == "GL_NO_ERROR"
        pixels = np.frombuffer(target.read(components=4), np.uint8).reshape(height, width, 4)[::-1]
        assert (pixels[..., 3] == 255).all()  # blending must not make the picture see-through
        return pixels[..., :3] / 255

    def _target(self, size: tuple[int, int]) -> moderngl.Framebuffer:
        if size not in self._targets:
            colour, depth = self.context.renderbuffer(size, 4), self.context.depth_renderbuffer(size)
            self._targets[size] = self.context.framebuffer([colour], depth)
            _ = self.context.error  # moderngl binds the framebuffer before once more, which may be released by now
        return self._targets[size]
