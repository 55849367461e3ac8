"""The results of a run with cameras: `poses.json`, and the video of its cameras converging."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import torch

from engine.geometry.pose_errors import pose_errors
from engine.geometry.se3 import is_finite
from engine.run.history import Row
from engine.run.session import Session
from engine.scenes.scene import Scene
from engine.system.files import write_json
from engine.training.radiance import RadianceTrainer

POSES_FILE, CAMERAS_VIDEO = "poses.json", "cameras.mp4"

CONVENTIONS = (
    "world_to_camera is [R|t], 3x4: x_camera = R x_world + t. Camera axes as in OpenCV: x right, y down, z forward. "
    "Lengths are in scene units; divide by file_scale for the units of the scene's files. Intrinsics are in pixels of "
    "images of width x height, pixel centres at +0.5; distortion is OpenCV's k1, k2, p1, p2, k3 to k6, s1 to s4, as "
    "far as given, then the number of the lens model (0 perspective, 1 fisheye, ...). The fitted world is "
    "known up to a similarity; reference poses are aligned to it. exposure, where it was fitted, is what the scene's "
    "colours are multiplied by in that frame. found is false for added frames that fit nowhere: their pose is a "
    "guess."
)


def camera_writers(session: Session, folder: Path, videos: bool = True) -> list[Callable[[], object]]:
    """One function for each file beside `result.json`; without `videos` not the film."""
    from engine.results.convergence_video import write_video

    history, scene = session.history, cast(Scene, session.scene)
    trainer = cast("RadianceTrainer | None", session.trainer)  # that of a scene with cameras
    written: list[Callable[[], object]] = [
        lambda: write_json(folder / POSES_FILE, poses(scene, history.rows[-1], trainer))
    ]
    if videos:
        written.append(lambda: write_video(history, scene, folder / CAMERAS_VIDEO))
    return written


def poses(scene: Scene, last: Row, trainer: RadianceTrainer | None = None) -> dict[str, Any]:
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
        if intrinsics.sizes is not None:
            entry["width"], entry["height"] = intrinsics.own_size(frame)
        if intrinsics.cameras is not None:
            entry["camera"] = int(intrinsics.cameras[frame])
        if gains is not None:
            entry["exposure"] = gains[index]
        if trainer is not None and index in trainer.statuses.never_registered:
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
