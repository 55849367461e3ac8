"""What perturbations do to cameras."""

from __future__ import annotations

import math

import torch

from engine.errors import UserError
from engine.messages import PerturbAll, PerturbPatch, PerturbPose
from engine.scenes.scene import Scene
from engine.training.trainer import Moves, Perturbation


def camera_moves(scene: Scene, command: Perturbation) -> Moves:
    """Twists (rotation vector in radians, then translation in scene units) in the axes of the cameras.

    Raises:
        UserError: the command is about patches.
    """
    match command:
        case PerturbPatch():
            raise UserError("There are no patches in a scene of photos with cameras.")
        case PerturbPose(frame, rotation, translation):
            degrees, units = (math.degrees(math.dist(rotation, (0, 0, 0))), math.dist(translation, (0, 0, 0)))
            twist = torch.tensor([*rotation, *translation], dtype=torch.float32)
            name = scene.names[scene.training_frames[frame]]
            return Moves([frame], twist[None], f"{name}: {degrees:.3g}°, {units:.3g} units")
        case PerturbAll(rotation_sigma, translation_sigma, seed):
            frames = list(range(count_of_all(command, len(scene.training_frames))))
            sigma = torch.tensor([rotation_sigma] * 3 + [translation_sigma] * 3)
            generator = torch.Generator().manual_seed(seed)
            return Moves(frames, torch.randn(len(frames), 6, generator=generator) * sigma, describe_all(command))


def count_of_all(command: PerturbAll, frames: int) -> int:
    """How many of the first frames are moved: all, or as many as there were when it was given first."""
    return frames if command.frames is None else min(command.frames, frames)


def describe_all(command: PerturbAll) -> str:
    """The noise, for an event."""
    degrees = math.degrees(command.rotation_sigma)
    return f"{degrees:.3g}°, {command.translation_sigma:.3g} units, seed {command.seed}"
