"""The training frames at several resolutions, each computed when it is first used and then kept."""

from __future__ import annotations

import copy
import threading

import torch

from engine.scenes.pyramid import photo_level
from engine.scenes.pyramid.photo_level import PhotoLevel
from engine.scenes.scene import Scene


class PhotoPyramid:
    """An image pyramid of some frames of a scene, by integer factors. Several threads may ask at the same time.

    Args:
        scene: the scene.
        frames: indices of the frames.
        device: where the images are kept.
    """

    def __init__(self, scene: Scene, frames: list[int], device: torch.device) -> None:
        self._scene, self._frames, self._device = scene, frames, device
        self._levels: dict[int, PhotoLevel] = {}
        self._making = threading.Lock()
        self._subset: tuple[list[int], PhotoPyramid] | None = None

    def share(self) -> PhotoPyramid:
        """Another one of the same frames; both hold each resolution once, together."""
        other = copy.copy(self)
        other._subset = None
        return other

    @property
    def longer_side(self) -> int:
        """Longer side of the scene's images, pixels."""
        return max(self._scene.intrinsics.width, self._scene.intrinsics.height)

    def level(self, downsample: int) -> PhotoLevel:
        """The frames at a resolution `downsample` times smaller than the scene's."""
        with self._making:
            if downsample not in self._levels:
                self._levels[downsample] = photo_level.downsample_photos(
                    self._scene, self._frames, downsample, self._device
                )
            return self._levels[downsample]

    def of(self, frames: list[int]) -> PhotoPyramid:
        """The pyramid of some of these frames, by their positions in this pyramid; the last such pyramid is kept."""
        if len(frames) == len(self._frames):
            return self
        if self._subset is None or self._subset[0] != frames:
            self._subset = (frames, PhotoPyramid(self._scene, [self._frames[frame] for frame in frames], self._device))
        return self._subset[1]
