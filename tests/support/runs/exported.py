"""Cameras and runs to export, made without training."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from PIL import Image
from roma import rotvec_to_rotmat
from torch import Tensor

from engine.config.settings import Settings
from engine.export.cameras import ExportedCameras
from engine.export.images import ExportedImages
from engine.export.points import PointCloud
from engine.geometry.intrinsics import Intrinsics
from engine.registration.calibration import Calibration
from engine.run.saved_run import SavedRun
from engine.scenes.scene import Scene

number = st.floats(-3, 3, width=32)


@st.composite
def poses(draw: st.DrawFn, least: int = 2, most: int = 6) -> Tensor:
    """World-to-camera poses anywhere, double."""
    count = draw(st.integers(least, most))
    vectors = torch.tensor([[draw(number) for _ in range(6)] for _ in range(count)], dtype=torch.float64)
    return torch.cat([rotvec_to_rotmat(vectors[:, :3]), vectors[:, 3:, None]], dim=-1)


def lens(frames: int, distorted: bool = False, width: int = 32, height: int = 24) -> Intrinsics:
    """Intrinsics whose numbers all differ; those of the frames agree."""
    distortion = [0.01, -0.02, 0.001, -0.002] if distorted else [0.0] * 4
    return Intrinsics(
        torch.tensor([[40.0, 41.0]]).repeat(frames, 1),
        torch.tensor([[15.5, 12.25]]).repeat(frames, 1),
        torch.tensor([distortion]).repeat(frames, 1),
        width,
        height,
    )


def several_cameras(frames: int) -> Intrinsics:
    """Three cameras in turn: one of 32 x 24, a zoom of the same size, and one of 24 x 32 pixels."""
    number = torch.arange(frames) % 3
    sizes = torch.tensor([[32, 24], [32, 24], [24, 32]])
    focals = torch.tensor([[40.0, 41.0], [55.0, 55.5], [39.0, 39.0]])
    centres = torch.tensor([[15.5, 12.25], [16.0, 12.0], [12.25, 15.75]])
    return Intrinsics(focals[number], centres[number], torch.zeros(frames, 4), 32, 32, sizes[number], number)


def cameras_of(poses: Tensor, intrinsics: Intrinsics | None = None, held_out: tuple[int, ...] = ()) -> ExportedCameras:
    frames = tuple(range(len(poses)))
    names = tuple(f"photo_{index:02d}.png" for index in frames)
    intrinsics = intrinsics or lens(len(poses))
    return ExportedCameras(frames, names, poses, intrinsics, tuple(names[index] for index in held_out), ())


def images_of(cameras: ExportedCameras) -> ExportedImages:
    return ExportedImages(cameras.names, cameras.intrinsics, None)


def some_points(count: int = 20) -> PointCloud:
    generator = np.random.default_rng(0)
    positions = generator.normal(size=(count, 3)).astype(np.float32)
    return PointCloud(positions, generator.integers(0, 256, (count, 3), dtype=np.uint8))


def write_photos(cameras: ExportedCameras, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(cameras.names):
        pixels = np.full((*cameras.intrinsics.own_size(index)[::-1], 3), index, np.uint8)
        Image.fromarray(pixels).save(folder / name)


def standing(scene: Scene, fitted: Tensor, folder: Path, field: Any = None, iteration: int = 7) -> SavedRun:
    """As much of a saved run as cameras are exported from; `fitted` are the poses of all training frames."""
    settings = Settings()
    trainer = SimpleNamespace(
        scene=scene,
        settings=settings,
        frames=list(scene.training_frames),
        device=torch.device("cpu"),
        poses=lambda: fitted,
        statuses=SimpleNamespace(never_registered=set(), unregistered=list),
        calibration=Calibration(
            settings, len(scene.training_frames), torch.device("cpu"), cameras=scene.intrinsics.cameras_count
        ),
        iteration=iteration,
        field=field,
    )
    return SavedRun(folder, None, trainer)  # type: ignore[arg-type]
