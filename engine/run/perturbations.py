"""Cameras or patches knocked off by hand, taken back, and knocked off again."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float
from torch import Tensor

from engine.errors import UserError
from engine.messages import PerturbAll, PerturbPatch, PerturbPose
from engine.run.planar_perturbations import knocked_everywhere, placed
from engine.training.planar import PlanarTrainer
from engine.training.trainers import AnyTrainer

if TYPE_CHECKING:
    from engine.run.session import Session

Perturbation = PerturbPose | PerturbPatch | PerturbAll


def perturb(session: Session, trainer: AnyTrainer, command: Perturbation) -> str:
    """Moves the frames that a command speaks of, and remembers it.

    Returns:
        a sentence about it.
    Raises:
        UserError: no such frame, or no such number; nothing was moved.
    """
    if isinstance(command, PerturbAll):
        count = len(session.scene.training_frames)
        command = replace(command, frames=count if command.frames is None else min(command.frames, count))
    else:
        checked_frame(session, command.frame)
    if isinstance(trainer, PlanarTrainer):
        moves, detail = _planar(trainer, command)
    else:
        moves, detail = _posed(session, command)
    if not moves.isfinite().all():
        raise UserError(f"A {_thing(trainer)} cannot be moved by something that is not a number.")
    for frame, move in zip(frames_of(session, command), moves, strict=True):
        trainer.perturb(frame, move)
    session.undoable.append(command)
    return detail


def _posed(session: Session, command: Perturbation) -> tuple[Float[Tensor, "frames 6"], str]:
    """Twists, in the axes of the cameras."""
    if isinstance(command, PerturbPatch):
        raise UserError("There are no patches in a scene of photos with cameras.")
    if isinstance(command, PerturbPose):
        degrees, units = (
            math.degrees(math.dist(command.rotation, (0, 0, 0))),
            math.dist(command.translation, (0, 0, 0)),
        )
        twists = torch.tensor([*command.rotation, *command.translation], dtype=torch.float32)[None]
        return twists, f"{name_of(session, command.frame)}: {degrees:.3g}°, {units:.3g} units"
    sigma = torch.tensor([command.rotation_sigma] * 3 + [command.translation_sigma] * 3)
    generator = torch.Generator().manual_seed(command.seed)
    return torch.randn(len(frames_of(session, command)), 6, generator=generator) * sigma, everywhere(command)


def _planar(trainer: PlanarTrainer, command: Perturbation) -> tuple[Float[Tensor, "patches 3 3"], str]:
    """Transforms, from pixels of the patches to those of the image."""
    if isinstance(command, PerturbPose):
        raise UserError("There are no cameras in a scene of one image.")
    if isinstance(command, PerturbAll):
        return knocked_everywhere(trainer, command), everywhere(command)
    transform, pixels = placed(trainer, command)
    return transform[None], f"{trainer.scene.names[command.frame]}: {pixels:.3g} px"


def undo(session: Session, trainer: AnyTrainer) -> str:
    """Takes the last perturbation back, so that it may be done again; a sentence about it."""
    command = session.undoable.pop()
    for _ in frames_of(session, command):
        trainer.undo_perturbation()
    session.redoable.append(command)
    return "all frames" if isinstance(command, PerturbAll) else name_of(session, command.frame)


def frames_of(session: Session, command: Perturbation) -> list[int]:
    """The frames that a command moves. The first patch of a planar scene, which holds the gauge, is not among all."""
    if not isinstance(command, PerturbAll):
        return [command.frame]
    count = len(session.scene.training_frames) if command.frames is None else command.frames
    return list(range(session.scene.kind == "planar", count))


def everywhere(command: PerturbAll) -> str:
    """What its event says."""
    degrees = math.degrees(command.rotation_sigma)
    return f"{degrees:.3g}°, {command.translation_sigma:.3g} units, seed {command.seed}"


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
    if kind == "PerturbPatch":
        first, second, third, fourth = (tuple(corner) for corner in fields["corners"])
        return PerturbPatch(fields["frame"], (first, second, third, fourth))
    return PerturbPose(fields["frame"], tuple(fields["rotation"]), tuple(fields["translation"]))


def _thing(trainer: AnyTrainer) -> str:
    return "patch" if isinstance(trainer, PlanarTrainer) else "camera"
