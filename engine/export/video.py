"""A video of the field along a camera path, rendered by the engine."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8

from engine.evaluation.views import render_view
from engine.export.camera_path_file import PATH_FILE, read_path
from engine.export.progress import Progress
from engine.geometry.camera_path import interpolate_cameras, make_orbit, make_spiral, make_tour
from engine.geometry.rays import normalised_points, pixel_grid
from engine.geometry.view_camera import ViewCamera, pinhole
from engine.run.saved_run import SavedRun
from engine.system.video_writer import encode_video
from engine.training.radiance import RadianceTrainer

_FOCUS = 1.6  # of the nearest depth: distance of the point that the cameras of a spiral look at, as in LLFF's


def plan_cameras(run: SavedRun, path: Path | None, count: int, height: int | None) -> tuple[list[ViewCamera], str]:
    """The cameras of a video, and a sentence about the path.

    Args:
        run: whose field is shown.
        path: a saved camera path; None takes the one in the run's folder, else the spiral of the NeRF papers, an
            orbit around an object, or a flight past the cameras of an unbounded scene.
        count: frames of the video.
        height: of the video, pixels; None takes that of the path's views, or of the scene's images.
    Raises:
        UserError: the path cannot be read.
    """
    trainer = run.trainer
    saved = path if path is not None else run.folder / PATH_FILE
    if path is not None or saved.is_file():
        keys, closed = read_path(saved)
        cameras, words = interpolate_cameras(keys, count, closed), f"Along the {len(keys)} views of {saved}."
    else:
        scene, poses = trainer.scene, trainer.poses().detach().cpu().numpy()
        lens = trainer.calibration.intrinsics(scene.intrinsics).fitted_to(0)
        field_of_view = 2 * math.atan(0.5 * lens.height / float(lens.focal[0, 1]))
        if scene.kind == "object":
            path_poses, words = make_orbit(poses, scene.box_centre, count), "On an orbit around the object."
        elif scene.kind == "unbounded":
            path_poses, words = make_tour(poses, count), "Past the cameras, there and back."
        else:
            path_poses, words = make_spiral(poses, _FOCUS * scene.near, count), "On a spiral around the mean camera."
        cameras = [pinhole(pose, field_of_view, (lens.width, lens.height)) for pose in path_poses]
    return [resize(camera, height or camera.size[1]) for camera in cameras], words


def resize(camera: ViewCamera, height: int) -> ViewCamera:
    """The same view at another height; both sides are even, the aspect ratio changes as little as possible."""
    height = max(height - height % 2, 2)
    width = max(round(camera.size[0] * height / camera.size[1] / 2) * 2, 2)
    factors = width / camera.size[0], height / camera.size[1]
    focal, centre = ((pair[0] * factors[0], pair[1] * factors[1]) for pair in (camera.focal, camera.centre))
    return replace(camera, focal=focal, centre=centre, size=(width, height))


def render_picture(trainer: RadianceTrainer, camera: ViewCamera) -> UInt8[np.ndarray, "height width 3"]:
    """The field seen by a camera; RGB."""
    width, height = camera.size
    device = trainer.device
    points = normalised_points(
        pixel_grid(height, width, device=device).flatten(0, 1),
        torch.tensor(camera.focal, device=device),
        torch.tensor(camera.centre, device=device),
    )
    pose = torch.from_numpy(camera.world_to_camera).to(device)
    view = render_view(trainer.field, pose, points.unflatten(0, (height, width)))
    return (view.colour * 255).round().byte().cpu().numpy()


def write_video(
    trainer: RadianceTrainer, cameras: list[ViewCamera], frames_per_second: int, path: Path, progress: Progress
) -> None:
    """Renders and writes a video (.mp4 or .gif, by the suffix of `path`).

    Raises:
        UserError: it cannot be written.
    """

    def pictures() -> Iterator[UInt8[np.ndarray, "height width 3"]]:
        for done, camera in enumerate(cameras):
            progress(done / len(cameras), f"picture {done + 1} of {len(cameras)}")
            yield render_picture(trainer, camera)

    encode_video(path, pictures(), len(cameras), frames_per_second)
