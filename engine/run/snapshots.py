"""A trainer as it stands, measured and copied into a `Snapshot`. Everything here waits for the device."""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from engine.config.settings import Settings
from engine.messages import Event, FrameStatus, Snapshot, Status
from engine.scenes import AnyScene
from engine.system.arrays import frozen
from engine.training.kinds import KINDS
from engine.training.trainer import Trainer

HIGHEST_PSNR = 90.0  # dB


def starting_snapshot(scene: AnyScene, settings: Settings, status: Status = "starting", message: str = "") -> Snapshot:
    """What can be shown while there is no trainer yet, or none could be made: where frames begin, no numbers."""
    unknown, count = float("nan"), len(scene.training_frames)
    snapshot = Snapshot(
        status=status,
        message=message,
        iteration=0,
        iterations=settings.max_iterations or 0,
        seconds=0.0,
        stage="",
        stage_index=0,
        lambda_exponent=settings.lambda_exponent,
        photometric=unknown,
        alignment=unknown,
        psnr=unknown,
        skipped_steps=0,
        frames=frozen(torch.tensor(scene.training_frames)),
        poses=np.empty((0, 3, 4), np.float32),
        aligned_reference=None,
        rotation_error_deg=None,
        translation_error=None,
        relative_rotation_error_deg=None,
        frame_psnr=frozen(torch.full((count,), unknown)),
        warp=None,
        field_version=0,
        frame_status=(FrameStatus.REGISTERED,) * count,
        mu_exponent=settings.mu_exponent,
        matches=settings.uses_matches,
    )
    return KINDS[type(scene)].start(snapshot, scene)


def take_snapshot(
    trainer: Trainer, status: Status, message: str, seconds: float, selected: int | None, events: tuple[Event, ...]
) -> Snapshot:
    """Measures a trainer between two steps.

    Args:
        trainer: whose device is waited for.
        status, message: of the run.
        seconds: the run's own clock.
        selected: index among the training frames whose warp field is included, or None.
        events: of the whole run.
    """
    frame_psnr = trainer.frame_psnr()
    snapshot = Snapshot(
        status=status,
        message=message,
        iteration=trainer.iteration,
        iterations=trainer.iterations,
        seconds=seconds,
        stage=trainer.stage.name,
        stage_index=trainer.stage_index,
        lambda_exponent=trainer.lambda_exponent,
        photometric=trainer.photometric(),
        alignment=trainer.alignment(),
        psnr=pooled_psnr(frame_psnr),
        skipped_steps=trainer.skipped_steps,
        frames=frozen(torch.tensor(trainer.scene.training_frames)),
        poses=np.empty((0, 3, 4), np.float32),
        aligned_reference=None,
        rotation_error_deg=None,
        translation_error=None,
        relative_rotation_error_deg=None,
        frame_psnr=frozen(frame_psnr),
        warp=None,
        field_version=trainer.field.version,
        events=events,
        rate_factors=trainer.rate_factors,
        mu_exponent=trainer.mu_exponent,
        auto_lambda=trainer.auto_lambda,
        matches=trainer.matches,
        match_loss=trainer.match_loss(),
        doing=trainer.doing,
    )
    return trainer.measure(snapshot, selected)


def pooled_psnr(frame_psnr: Float[Tensor, " frames"]) -> float:
    """The PSNR of all frames taken together, dB: of the mean of their squared errors; NaN where none is known.

    An exact rendering of 8-bit photos cannot be told from one with rounding errors, 59 dB: what is above
    `HIGHEST_PSNR`, or NaN, is a frame that the trainer has not seen yet.
    """
    known = frame_psnr[frame_psnr < HIGHEST_PSNR].double()
    return -10 * math.log10(torch.pow(10, -known / 10).mean()) if len(known) else float("nan")
