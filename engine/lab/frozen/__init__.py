"""A run's frames with a copy of its field: what experiments look at while the run goes on."""

from __future__ import annotations

from engine.errors import UserError
from engine.lab.frozen.camera import FrozenCameras, freeze_cameras
from engine.lab.frozen.frame import Axis, FrozenFrame, FrozenRun
from engine.lab.frozen.patch import FrozenPatches, freeze_patches
from engine.run.session import Session
from engine.training.cameras import CameraTrainer
from engine.training.planar.trainer import PlanarTrainer

__all__ = ["Axis", "FrozenCameras", "FrozenFrame", "FrozenPatches", "FrozenRun", "freeze"]


def freeze(session: Session) -> FrozenCameras | FrozenPatches:
    """All frames as the run has them now, between two steps: copies the field once, and changes nothing of the run.

    Raises:
        UserError: there is nothing to look at yet.
    """
    trainer = session.trainer
    if trainer is None:
        raise UserError("The run has no field yet; wait until it trains.")
    if isinstance(trainer, CameraTrainer):
        return freeze_cameras(trainer)
    assert isinstance(trainer, PlanarTrainer)
    return freeze_patches(trainer)
