"""One frame of a run with a copy of its field: what experiments look at while the run goes on."""

from __future__ import annotations

from engine.errors import UserError
from engine.fields.field import Field
from engine.lab.frozen.camera import freeze_camera
from engine.lab.frozen.frame import Axis, FrozenFrame
from engine.lab.frozen.patch import freeze_patch
from engine.run.session import Session
from engine.training.cameras import CameraTrainer
from engine.training.planar import PlanarTrainer

__all__ = ["Axis", "FrozenFrame", "freeze"]


def freeze(
    session: Session, frame: int, stage: int | None = None, pixels: int = 1024, field: Field | None = None
) -> FrozenFrame:
    """A frame as the run has it now, between two steps; copies the field, and changes nothing of the run.

    Args:
        session: of the run.
        frame: index among the training frames.
        stage: whose band limit counts, an index into the schedule; None for that of now.
        pixels: of the photo, at most, drawn once with the seed of the run.
        field: the copy of a camera that was frozen before in the same stage, to be shared; None for another copy.
    Raises:
        UserError: there is no such frame or stage, or nothing to look at yet.
    """
    trainer = session.trainer
    if trainer is None:
        raise UserError("The run has no field yet; wait until it trains.")
    session.state.check_frame(frame)
    if stage is not None and not 0 <= stage < len(trainer.stages):
        raise UserError(f"There is no stage {stage + 1}; the schedule has {len(trainer.stages)}.")
    if isinstance(trainer, CameraTrainer):
        return freeze_camera(trainer, frame, stage, pixels, field)
    assert isinstance(trainer, PlanarTrainer)
    return freeze_patch(trainer, frame, stage, pixels)
