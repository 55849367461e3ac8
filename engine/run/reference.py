"""Reference poses that are set during a run: errors are measured against them, those of the history too."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from jaxtyping import Float

from engine.errors import UserError
from engine.geometry.pose_errors import pose_errors
from engine.geometry.se3 import is_finite
from engine.run.history import Row
from engine.run.state import RunState
from engine.scenes.scene import Scene
from engine.system.arrays import frozen

FEWEST_CAMERAS = 3  # cameras that a similarity is found from


def use_reference(state: RunState, poses: Float[np.ndarray, "frames 3 4"]) -> None:
    """Measures the errors of a run against other poses from now on, and those of its history anew.

    Raises:
        UserError: the scene has no cameras, or these are no reference for it; see `with_reference`.
    """
    if not isinstance(state.scene, Scene):
        raise UserError("A scene of one image has no cameras that a reference could be of.")
    scene = with_reference(state.scene, poses)
    reference = _training(scene)
    state.scene = scene
    if state.trainer is not None:
        state.trainer.set_scene(scene)
    state.history.rows = [_measured(row, reference) for row in state.history.rows]


def with_reference(scene: Scene, poses: Float[np.ndarray, "frames 3 4"]) -> Scene:
    """The scene with these poses of all its frames as its reference.

    Frames that have joined may be missing at the end. A pose that is not finite is none: nothing is measured there.

    Raises:
        UserError: there are poses for more or fewer frames than the scene was read with, or hardly any is finite.
    """
    frames, read = len(scene.names), scene.frames_read
    if not (read <= len(poses) <= frames and poses.shape[1:] == (3, 4)):
        raise UserError(f"A reference wants a pose for each of the {read} frames.")
    everywhere = torch.full((frames, 3, 4), torch.nan)
    everywhere[: len(poses)] = torch.tensor(poses, dtype=torch.float32)
    if is_finite(everywhere[list(scene.training_frames)]).sum() < FEWEST_CAMERAS:
        raise UserError(f"A reference wants poses of {FEWEST_CAMERAS} training frames at least: fewer align no world.")
    return dataclasses.replace(scene, reference_poses=everywhere)


def _training(scene: Scene) -> torch.Tensor:
    assert scene.reference_poses is not None
    return scene.reference_poses[list(scene.training_frames)]


def _measured(row: Row, reference: torch.Tensor) -> Row:
    if row.poses is None or not np.isfinite(row.poses).all():
        return row
    errors = pose_errors(torch.tensor(row.poses), reference[: len(row.poses)])
    return dataclasses.replace(
        row,
        rotation_error_deg=frozen(errors.rotation_deg),
        translation_error=frozen(errors.translation),
        relative_rotation_error_deg=frozen(errors.relative_rotation_deg),
    )
