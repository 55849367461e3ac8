"""Photos at all scales are held once for all contestants, as numbers they take several times what the scene takes."""

from __future__ import annotations

import threading
from dataclasses import fields
from typing import NamedTuple

import torch
from torch import Tensor

from engine.config.settings import Settings
from engine.geometry.intrinsics import Intrinsics
from engine.run.session import TrainerFactory
from engine.scenes import AnyScene, Scene
from engine.scenes.pyramid.photo_pyramid import PhotoPyramid
from engine.training.cameras import CameraTrainer
from engine.training.kinds import make_trainer
from engine.training.trainer import Trainer


class HeldPhotos(NamedTuple):
    """An image pyramid, of which scene, and where; no trainer, whose field would be kept with it."""

    scene: Scene
    device: torch.device
    photos: PhotoPyramid


class SharedPhotos:
    """Makes trainers; those of the same photos with the same lens on the same device share an image pyramid.

    It may be called by several threads, which train with these photos later.
    """

    def __init__(self, make_trainer: TrainerFactory = make_trainer) -> None:
        """`make_trainer` is called in place of `engine.training.kinds.make_trainer`."""
        self._make_trainer = make_trainer
        self._held: HeldPhotos | None = None
        self._lock = threading.Lock()

    def __call__(self, scene: AnyScene, settings: Settings, device: torch.device) -> Trainer:
        """A trainer at the beginning of its schedule.

        Raises:
            UserError: settings that make no sense together or for this scene.
        """
        trainer = self._make_trainer(scene, settings, device)
        if isinstance(trainer, CameraTrainer):
            with self._lock:
                self._share(trainer)
        return trainer

    def _share(self, trainer: CameraTrainer) -> None:
        held = self._held
        if held is None or held.device != trainer.device or not have_same_photos(held.scene, trainer.scene):
            self._held = HeldPhotos(trainer.scene, trainer.device, trainer.photos)
        else:
            trainer.photos = held.photos.share()


def have_same_photos(one: Scene, other: Scene) -> bool:
    """Whether two scenes have the same training photos, in the same memory, with the same lenses and masks."""
    return (
        one.images is other.images
        and one.training_frames == other.training_frames
        and _are_equal(one.masks, other.masks)
        and have_same_lenses(one.intrinsics, other.intrinsics)
    )


def have_same_lenses(one: Intrinsics, other: Intrinsics) -> bool:
    """Whether all values are the same."""
    pairs = [(getattr(one, field.name), getattr(other, field.name)) for field in fields(Intrinsics)]
    return all(_are_equal(*pair) for pair in pairs)


def _are_equal(one: object, other: object) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one is other or torch.equal(one, other)
    return one is other or (not isinstance(one, Tensor) and not isinstance(other, Tensor) and one == other)
