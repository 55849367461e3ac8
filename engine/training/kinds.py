"""Which trainer a kind of scene has, and what can be shown before there is one. The one place that asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import torch

from engine.config.settings import Settings
from engine.messages import Snapshot
from engine.scenes import AnyScene, PlanarScene, Scene
from engine.training.camera_snapshot import with_poses
from engine.training.planar.snapshot import starting_patches
from engine.training.planar.trainer import PlanarTrainer
from engine.training.radiance import RadianceTrainer
from engine.training.trainer import Trainer


class TrainerKind(NamedTuple):
    """What a kind of scene is trained by.

    Attributes:
        make: the trainer at the beginning of its schedule, from scene, settings and device.
        start: a snapshot with what is known before there is a trainer: where frames begin.
    """

    make: Callable[[Any, Settings, torch.device | str], Trainer]
    start: Callable[[Snapshot, Any], Snapshot]


KINDS: dict[type, TrainerKind] = {
    Scene: TrainerKind(
        RadianceTrainer,
        lambda snapshot, scene: with_poses(snapshot, scene, scene.initial_poses[list(scene.training_frames)]),
    ),
    PlanarScene: TrainerKind(PlanarTrainer, lambda snapshot, scene: replace(snapshot, planar=starting_patches(scene))),
}


def make_trainer(scene: AnyScene, settings: Settings, device: torch.device | str = "cpu") -> Trainer:
    """At the beginning of its schedule.

    Raises:
        UserError: settings that make no sense together or for this scene.
    """
    return KINDS[type(scene)].make(scene, settings, device)
