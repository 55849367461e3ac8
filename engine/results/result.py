"""The run folder's files for people and programs: `result.json`, `poses.json`, `errors.png`, `cameras.mp4`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.errors import UserError
from engine.geometry.pose_errors import pose_errors
from engine.geometry.se3 import is_finite
from engine.results.outliers import outliers
from engine.results.planar import TRANSFORMS_FILE, planar_result, transforms
from engine.run.checkpoint_writer import CHECKPOINT_FILE
from engine.run.history import History, Row, summary
from engine.run.session import Session
from engine.scenes import PlanarScene, Scene
from engine.system.files import write_json
from engine.system.memory import peak_memory_bytes
from engine.training.planar import PlanarTrainer
from engine.training.radiance import Trainer

RESULT_FILE, POSES_FILE, ERRORS_PLOT, CAMERAS_VIDEO = "result.json", "poses.json", "errors.png", "cameras.mp4"
RUN_FILES = (CHECKPOINT_FILE, RESULT_FILE, POSES_FILE, ERRORS_PLOT, CAMERAS_VIDEO, TRANSFORMS_FILE, "test.json")

CONVENTIONS = (
    "world_to_camera is [R|t], 3x4: x_camera = R x_world + t. Camera axes as in OpenCV: x right, y down, z forward. "
    "Lengths are in scene units; divide by file_scale for the units of the scene's files. Intrinsics are in pixels of "
    "images of width x height, pixel centres at +0.5; distortion is OpenCV's k1, k2, p1, p2. The fitted world is "
    "known up to a similarity; reference poses are aligned to it. exposure, where it was fitted, is what the scene's "
    "colours are multiplied by in that frame. found is false for frames that joined late and fit nowhere: their pose "
    "is a guess."
)


def write_results(session: Session, folder: Path) -> list[UserError]:
    """Writes what a run has come to; returns what could not be written, after writing all that could."""
    from engine.results.convergence_video import write_video
    from engine.results.error_plot import plot_errors

    history, scene = session.history, session.scene
    if not history.rows:
        return []
    writers: list[Callable[[], object]] = [lambda: write_json(folder / RESULT_FILE, result(session))]
    if isinstance(scene, PlanarScene):
        writers += [
            lambda: write_json(folder / TRANSFORMS_FILE, transforms(scene, history.rows[-1])),
            lambda: plot_errors(history, scene, folder / ERRORS_PLOT),
        ]
    else:
        trainer = session.trainer if isinstance(session.trainer, Trainer) else None
        writers += [
            lambda: write_json(folder / POSES_FILE, poses(scene, history.rows[-1], trainer)),
            lambda: plot_errors(history, scene, folder / ERRORS_PLOT),
            lambda: write_video(history, scene, folder / CAMERAS_VIDEO),
        ]
    failures = []
    for write in writers:
        try:
            write()
        except UserError as error:
            failures.append(error)
    return failures


def result(session: Session) -> dict[str, Any]:
    """The content of `result.json`: degrees, scene units, seconds, dB, bytes; None for what is not known."""
    history, last = session.history, session.history.rows[-1]
    content = {
        "scene": session.scene.name,
        "method": session.settings.method,
        "field": session.settings.field,
        "assist": session.settings.assist,
        "device": str(session.device),
        "seed": session.settings.seed,
        "seconds": last.seconds,
        "iterations": last.iteration,
        "frames": len(session.scene.training_frames),
        "pose": {
            "rotation_error_deg": summary(last.rotation_error_deg),
            "translation_error": summary(last.translation_error),
            "relative_rotation_error_deg": summary(last.relative_rotation_error_deg),
        },
        "train_psnr": training_psnr(history),
        "test": {"psnr": None, "ssim": None, "lpips": None, "frames": 0},
        "outliers": [asdict(photo) for photo in outliers(session)],
        "notes": list(getattr(session.scene, "notes", ())),
        "peak_memory_bytes": peak_memory_bytes(),
        "history": [_row(row) for row in history.rows],
        "events": [asdict(event) for event in history.events],
    }
    if isinstance(session.scene, PlanarScene):
        trainer = session.trainer if isinstance(session.trainer, PlanarTrainer) else None
        content["planar"] = planar_result(trainer, last)
    return content


def training_psnr(history: History) -> float | None:
    """The last PSNR that was measured (a stage that has just begun has none yet), dB."""
    return next((row.psnr for row in reversed(history.rows) if np.isfinite(row.psnr)), None)


def poses(scene: Scene, last: Row, trainer: Trainer | None = None) -> dict[str, Any]:
    """The content of `poses.json`; with a trainer, the focal length and the exposures that it has learned."""
    aligned = None
    if scene.reference_poses is not None:
        reference = scene.reference_poses[list(scene.training_frames)]
        aligned = pose_errors(torch.tensor(last.poses), reference).aligned_reference
        known = is_finite(aligned).tolist()
    intrinsics, gains, frames = scene.intrinsics, None, []
    if trainer is not None:
        intrinsics = trainer.calibration.intrinsics(intrinsics)
        log_gain = trainer.calibration.log_gain.detach().cpu()
        gains = (log_gain - log_gain.mean(dim=0)).exp() if trainer.settings.optimise_exposure else None
    for index, frame in enumerate(scene.training_frames):
        entry = {
            "name": scene.names[frame],
            "world_to_camera": last.poses[index],
            "reference_world_to_camera": None if aligned is None or not known[index] else aligned[index],
            "focal": intrinsics.focal[frame],
            "centre": intrinsics.centre[frame],
            "distortion": intrinsics.distortion[frame],
        }
        if gains is not None:
            entry["exposure"] = gains[index]
        if trainer is not None and index in trainer.strangers:
            entry["found"] = False
        if scene.noise is not None:
            entry["initial_noise"] = {
                "rotation": scene.noise.rotation[frame],
                "translation": scene.noise.translation[frame],
            }
        frames.append(entry)
    return {
        "scene": scene.name,
        "conventions": CONVENTIONS,
        "file_scale": scene.file_scale,
        "width": intrinsics.width,
        "height": intrinsics.height,
        "noise_seed": scene.noise.seed if scene.noise else None,
        "frames": frames,
    }


def _row(row: Row) -> dict[str, Any]:
    planar = {} if row.corner_error_px is None else {"corner_error_px": summary(row.corner_error_px)["mean"]}
    return planar | {
        "iteration": row.iteration,
        "seconds": row.seconds,
        "stage": row.stage,
        "psnr": row.psnr,
        "rotation_error_deg": summary(row.rotation_error_deg)["mean"],
        "translation_error": summary(row.translation_error)["mean"],
    }
