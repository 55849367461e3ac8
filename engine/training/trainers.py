"""Which trainer a scene wants."""

from __future__ import annotations

import torch

from engine.config.settings import Settings
from engine.scenes import AnyScene
from engine.scenes.planar import PlanarScene
from engine.training.planar import PlanarTrainer
from engine.training.radiance import Trainer

AnyTrainer = Trainer | PlanarTrainer


def make_trainer(scene: AnyScene, settings: Settings, device: torch.device | str = "cpu") -> AnyTrainer:
    """At the beginning of its schedule.

    Raises:
        UserError: settings that make no sense together or for this scene.
    """
    if isinstance(scene, PlanarScene):
        return PlanarTrainer(scene, settings, device)
    return Trainer(scene, settings, device)
