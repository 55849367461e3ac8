"""Cameras knocked off by hand, taken back, and knocked off again."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch

from engine.errors import UserError
from engine.messages import PerturbAll, PerturbPose
from engine.trainer import Trainer

if TYPE_CHECKING:
    from engine.session import Session

Perturbation = PerturbPose | PerturbAll


def perturb(session: Session, trainer: Trainer, command: Perturbation) -> str:
    """Moves the frames that a command speaks of, and remembers it.

    Returns:
        a sentence about it.
    Raises:
        UserError: no such frame, or no such number; nothing was moved.
    """
    match command:
        case PerturbPose(frame, rotation, translation):
            frames = [checked_frame(session, frame)]
            twists = torch.tensor([*rotation, *translation], dtype=torch.float32)[None]
            degrees, units = math.degrees(math.dist(rotation, (0, 0, 0))), math.dist(translation, (0, 0, 0))
            detail = f"{name_of(session, frame)}: {degrees:.3g}°, {units:.3g} units"
        case PerturbAll(rotation_sigma, translation_sigma, seed):
            frames = list(range(len(session.scene.training_frames)))
            sigma = torch.tensor([rotation_sigma] * 3 + [translation_sigma] * 3)
            twists = torch.randn(len(frames), 6, generator=torch.Generator().manual_seed(seed)) * sigma
            detail = f"{math.degrees(rotation_sigma):.3g}°, {translation_sigma:.3g} units, seed {seed}"
    if not twists.isfinite().all():
        raise UserError("A camera cannot be moved by something that is not a number.")
    for frame, twist in zip(frames, twists, strict=True):
        trainer.perturb(frame, twist)
    session.undoable.append(command)
    return detail


def undo(session: Session, trainer: Trainer) -> str:
    """Takes the last perturbation back, so that it may be done again; a sentence about it."""
    command = session.undoable.pop()
    for _ in range(len(session.scene.training_frames) if isinstance(command, PerturbAll) else 1):
        trainer.undo_perturbation()
    session.redoable.append(command)
    return "all frames" if isinstance(command, PerturbAll) else name_of(session, command.frame)


def checked_frame(session: Session, frame: int) -> int:
    """The index of a training frame.

    Raises:
        UserError: there is none of this index.
    """
    frames = len(session.scene.training_frames)
    if not 0 <= frame < frames:
        raise UserError(f"There is no training frame {frame}; there are {frames}, counted from 0.")
    return frame


def name_of(session: Session, frame: int) -> str:
    """What the scene calls a training frame."""
    return session.scene.names[session.scene.training_frames[frame]]


def saved(commands: list[Perturbation]) -> list[dict[str, Any]]:
    """Perturbations as JSON can hold them."""
    return [{"kind": type(command).__name__} | asdict(command) for command in commands]


def restored(saved: list[dict[str, Any]]) -> list[Perturbation]:
    """What `saved` was given."""
    return [_restored(**entry) for entry in saved]


def _restored(kind: str, **fields: Any) -> Perturbation:
    if kind == "PerturbAll":
        return PerturbAll(**fields)
    return PerturbPose(fields["frame"], tuple(fields["rotation"]), tuple(fields["translation"]))
