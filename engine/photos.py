"""The training frames at every resolution that somebody asked for; each is made once."""

from __future__ import annotations

import torch

from engine import stage_data
from engine.scenes.scene import Scene
from engine.stage_data import StageData


class Photos:
    """A pyramid of the training frames, by integer factors."""

    def __init__(self, scene: Scene, frames: list[int], device: torch.device) -> None:
        self._scene, self._frames, self._device = scene, frames, device
        self._levels: dict[int, StageData] = {}

    @property
    def longer_side(self) -> int:
        """Of the scene's own images, pixels."""
        return max(self._scene.intrinsics.width, self._scene.intrinsics.height)

    def level(self, downsample: int) -> StageData:
        if downsample not in self._levels:
            self._levels[downsample] = stage_data.downsampled(self._scene, self._frames, downsample, self._device)
        return self._levels[downsample]
