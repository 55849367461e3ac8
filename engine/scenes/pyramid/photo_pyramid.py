"""The training frames at every resolution that somebody asked for; each is made once."""

from __future__ import annotations

import torch

from engine.scenes.pyramid import photo_level
from engine.scenes.pyramid.photo_level import PhotoLevel
from engine.scenes.scene import Scene


class PhotoPyramid:
    """A pyramid of the training frames, by integer factors."""

    def __init__(self, scene: Scene, frames: list[int], device: torch.device) -> None:
        self._scene, self._frames, self._device = scene, frames, device
        self._levels: dict[int, PhotoLevel] = {}
        self._some: tuple[list[int], PhotoPyramid] | None = None

    @property
    def longer_side(self) -> int:
        """Of the scene's own images, pixels."""
        return max(self._scene.intrinsics.width, self._scene.intrinsics.height)

    def level(self, downsample: int) -> PhotoLevel:
        if downsample not in self._levels:
            self._levels[downsample] = photo_level.downsample_photos(
                self._scene, self._frames, downsample, self._device
            )
        return self._levels[downsample]

    def of(self, frames: list[int]) -> PhotoPyramid:
        """Those of some of the frames only; `frames` counts them."""
        if len(frames) == len(self._frames):
            return self
        if self._some is None or self._some[0] != frames:
            self._some = (frames, PhotoPyramid(self._scene, [self._frames[frame] for frame in frames], self._device))
        return self._some[1]
