"""What each command does to a session, and the detail that its event keeps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from engine.errors import UserError
from engine.messages import (
    Command,
    Pause,
    PerturbAll,
    PerturbPose,
    Restart,
    Resume,
    SaveCheckpoint,
    SelectFrame,
    SetLambda,
    Step,
    Stop,
    UndoPerturbation,
)
from engine.settings import Settings
from engine.trainer import Trainer

if TYPE_CHECKING:
    from engine.session import Session

_STEEPEST = 30.0  # 10^30 squared is still a finite float32 when it meets a small residual; nobody needs more


def obey(session: Session, command: Command) -> str:
    """Does what a command asks.

    Returns:
        what its event says, for people to read.
    Raises:
        UserError: the command makes no sense here; nothing was changed.
    """
    match command:
        case Pause():
            session.paused = True
        case Resume():
            session.paused = False
        case Step():
            session.paused = session.single_step = True
        case SelectFrame(frame):
            session.selected_frame = None if frame is None else _checked_frame(session, frame)
            return "none" if frame is None else _name(session, frame)
        case SaveCheckpoint(path):
            return str(session.writer.write(session, path))
        case Stop():
            session.stop()
        case Restart(settings):
            if settings is not None and not isinstance(settings, Settings):
                raise UserError(f"A run cannot be restarted with {settings!r}; give `Settings`.")
            session.restart(settings)
        case SetLambda(exponent):
            trainer = _trainer(session)
            if not abs(exponent) <= _STEEPEST:
                raise UserError(f"lambda cannot be 10^{exponent}; give an exponent between -30 and 30.")
            trainer.set_lambda(exponent)
            return f"10^{exponent:g}"
        case PerturbPose(frame, rotation, translation):
            trainer = _trainer(session)
            twist = torch.tensor([*rotation, *translation], dtype=torch.float32)
            _perturb(session, trainer, [_checked_frame(session, frame)], twist[None])
            degrees = math.degrees(math.dist(rotation, (0, 0, 0)))
            return f"{_name(session, frame)}: {degrees:.3g}°, {math.dist(translation, (0, 0, 0)):.3g} units"
        case PerturbAll(rotation_sigma, translation_sigma, seed):
            trainer = _trainer(session)
            frames = list(range(len(session.scene.training_frames)))
            sigma = torch.tensor([rotation_sigma] * 3 + [translation_sigma] * 3)
            twists = torch.randn(len(frames), 6, generator=torch.Generator().manual_seed(seed)) * sigma
            _perturb(session, trainer, frames, twists)
            return f"{math.degrees(rotation_sigma):.3g}°, {translation_sigma:.3g} units, seed {seed}"
        case UndoPerturbation():
            trainer = _trainer(session)
            if not session.undoable:
                raise UserError("There is no perturbation to take back.")
            for _ in range(session.undoable.pop()):
                trainer.undo_perturbation()
    return ""


def _trainer(session: Session) -> Trainer:
    if session.trainer is None:
        raise UserError("The run has not begun.")
    return session.trainer


def _perturb(session: Session, trainer: Trainer, frames: list[int], twists: torch.Tensor) -> None:
    if not twists.isfinite().all():
        raise UserError("A camera cannot be moved by something that is not a number.")
    for frame, twist in zip(frames, twists, strict=True):
        trainer.perturb(frame, twist)
    session.undoable.append(len(frames))


def _checked_frame(session: Session, frame: int) -> int:
    frames = len(session.scene.training_frames)
    if not 0 <= frame < frames:
        raise UserError(f"There is no training frame {frame}; there are {frames}, counted from 0.")
    return frame


def _name(session: Session, frame: int) -> str:
    return session.scene.names[session.scene.training_frames[frame]]
