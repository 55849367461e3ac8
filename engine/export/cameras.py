"""The cameras of a run for an export: in units of the scene's files, aligned to the reference poses if any."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from engine.evaluation.report import TEST_NAME
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.numerics import to_double
from engine.geometry.pose_errors import pose_errors
from engine.geometry.similarity import Similarity
from engine.run.saved_run import SavedRun
from engine.scenes.scene import Scene


@dataclass(frozen=True)
class ExportedCameras:
    """Cameras in the exported world, in the order of the scene's frames.

    Attributes:
        frames: indices within the scene.
        names: of the frames.
        poses: world-to-camera, double precision, translations in units of the scene's files.
        intrinsics: of the scene's images, with the fitted lens.
        held_out: names of those that were not trained on; an evaluation has refined their poses.
        left_out: names of held-out frames that have no refined pose and are not exported.
        not_registered: names of added frames that were not relocalised and are not exported.
    """

    frames: tuple[int, ...]
    names: tuple[str, ...]
    poses: Float[Tensor, "frames 3 4"]
    intrinsics: Intrinsics
    held_out: tuple[str, ...]
    left_out: tuple[str, ...]
    not_registered: tuple[str, ...] = ()


def find_gauge(scene: Scene, fitted: Float[Tensor, "frames 3 4"]) -> Similarity:
    """The similarity from the world of a run to the exported world, double precision.

    It aligns the training cameras with their reference poses, as for the pose errors; without reference poses it only
    changes the unit. The exported world has the units of the scene's files.

    Args:
        scene: its training frames are those of `fitted`.
        fitted: world-to-camera poses of the training frames.
    """
    fitted = to_double(fitted.detach().cpu())
    if scene.reference_poses is not None:
        reference = to_double(scene.reference_poses[list(scene.training_frames)])
        aligned = pose_errors(fitted, reference).alignment
    else:
        one = torch.ones((), dtype=fitted.dtype)
        aligned = Similarity(one, torch.eye(3, dtype=fitted.dtype), torch.zeros(3, dtype=fitted.dtype))
    unit = 1 / scene.file_scale
    return Similarity(aligned.scale * unit, aligned.rotation, aligned.translation * unit)


def collect_cameras(run: SavedRun) -> ExportedCameras:
    """Fitted training cameras, and held-out cameras with the poses that the run's last evaluation has refined."""
    trainer, scene = run.trainer, run.trainer.scene
    fitted = to_double(trainer.poses().detach().cpu())
    poses = dict(zip(scene.training_frames, fitted, strict=True))
    not_registered = [scene.training_frames[index] for index in sorted(trainer.statuses.never_registered)]
    for frame in not_registered:
        del poses[frame]
    refined = read_refined_poses(run.folder, trainer.iteration)
    for frame in scene.held_out_frames:
        if scene.names[frame] in refined:
            poses[frame] = refined[scene.names[frame]]
    frames = tuple(sorted(poses))
    known = set(frames)
    return ExportedCameras(
        frames=frames,
        names=tuple(scene.names[frame] for frame in frames),
        poses=find_gauge(scene, fitted).apply_to_poses(torch.stack([poses[frame] for frame in frames])),
        intrinsics=trainer.calibration.intrinsics(scene.intrinsics)[torch.tensor(frames)],
        held_out=tuple(scene.names[frame] for frame in scene.held_out_frames if frame in known),
        left_out=tuple(scene.names[frame] for frame in scene.held_out_frames if frame not in known),
        not_registered=tuple(scene.names[frame] for frame in not_registered),
    )


def read_refined_poses(folder: Path, iteration: int) -> dict[str, Float[Tensor, "3 4"]]:
    """World-to-camera poses of the held-out frames by name, if the run was evaluated at this iteration."""
    evaluation = read_evaluation(folder, iteration)
    try:
        entries = evaluation["poses"] if evaluation is not None else []
        found = {str(entry["name"]): np.array(entry["world_to_camera"], np.float64) for entry in entries}
    except (ValueError, KeyError, TypeError, OverflowError):
        return {}
    usable = {name: pose for name, pose in found.items() if pose.shape == (3, 4) and np.isfinite(pose).all()}
    return {name: torch.from_numpy(pose) for name, pose in usable.items()}


def read_evaluation(folder: Path, iteration: int) -> dict[str, Any] | None:
    """The content of a run's `test.json`; None if the file is missing, damaged, or of another iteration.

    After an evaluation of an earlier iteration the field and the world of the run have changed.
    """
    try:
        content = json.loads((folder / TEST_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    usable = isinstance(content, dict) and content.get("iteration") == iteration and _has_scores(content)
    return content if usable else None


def _has_scores(content: dict[str, Any]) -> bool:
    """Whether all scores are there, as numbers or None."""
    rows = content.get("per_frame")
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "name" in row for row in rows):
        return False
    values = [row.get(key, "missing") for row in [content, *rows] for key in ("psnr", "ssim", "lpips")]
    return "frames" in content and all(value is None or isinstance(value, float | int) for value in values)
