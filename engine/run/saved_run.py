"""A run opened from its folder to be evaluated or exported, not to be resumed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from engine.errors import UserError
from engine.run.checkpoint import Checkpoint, load_checkpoint, restore, scene_of_run
from engine.run.checkpoint_writer import CHECKPOINT_FILE
from engine.scenes import PlanarScene, load_scene
from engine.training.radiance import RadianceTrainer


@dataclass(frozen=True)
class SavedRun:
    """A run in the state of its checkpoint.

    Attributes:
        folder: what `l2g-train` or the window wrote.
        checkpoint: settings, history and clock; its tensors are those of `trainer`.
        trainer: field, poses and calibration as they stood; it makes no step.
    """

    folder: Path
    checkpoint: Checkpoint
    trainer: RadianceTrainer


def open_saved_run(folder: Path, scene_folder: Path | None = None, device: torch.device | str = "cpu") -> SavedRun:
    """Reads a run's checkpoint and its scene.

    Args:
        folder: of the run.
        scene_folder: where the scene is now, if it has been moved since.
        device: where to render.
    Raises:
        UserError: there is no such run, or its checkpoint or scene cannot be read.
    """
    path = folder / CHECKPOINT_FILE
    checkpoint = load_checkpoint(path)
    scene = load_scene(scene_folder or checkpoint.scene["path"], checkpoint.options)
    scene = scene_of_run(checkpoint, scene, path)
    if isinstance(scene, PlanarScene):
        raise UserError(
            f"{folder} is the run of one image: it has no cameras and holds no photos out; its result.json has the "
            "errors and the PSNR."
        )
    trainer = RadianceTrainer(scene, checkpoint.settings, device)
    restore(trainer, checkpoint, path)
    return SavedRun(folder, checkpoint, trainer)
