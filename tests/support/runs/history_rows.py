"""Rows and snapshots of runs that never were."""

from __future__ import annotations

import numpy as np

from engine.messages import Event, Snapshot, WarpSnapshot
from engine.run.history import Row

FRAMES = 4


def row(iteration: int, *, photometric: float = 0.01, alignment: float = 1e-6, error: float | None = 1.0) -> Row:
    """A row at two iterations per second; frame i has i + 1 times the error."""
    errors = None if error is None else np.arange(1, FRAMES + 1, dtype=np.float32) * np.float32(error)
    return Row(
        iteration=iteration,
        seconds=iteration / 2,
        stage="1/4",
        psnr=20.0,
        photometric=photometric,
        alignment=alignment,
        lambda_exponent=2.0,
        poses=standing(),
        rotation_error_deg=errors,
        translation_error=None if errors is None else errors / 100,
        relative_rotation_error_deg=errors,
    )


def standing() -> np.ndarray:
    """Poses of cameras side by side on the x axis that look ahead."""
    poses = np.tile(np.eye(3, 4, dtype=np.float32), (FRAMES, 1, 1))
    poses[:, 0, 3] = -np.arange(FRAMES)
    return poses


def snapshot(
    iteration: int,
    *,
    poses: np.ndarray | None = None,
    rotation: list[float] | None = None,
    translation: list[float] | None = None,
    events: tuple[Event, ...] = (),
    warp: WarpSnapshot | None = None,
    exponent: float = 2.0,
) -> Snapshot:
    """A snapshot at ten iterations per second; without errors where `rotation` is None."""
    errors = None if rotation is None else np.array(rotation, np.float32)
    return Snapshot(
        status="running",
        message="",
        iteration=iteration,
        iterations=1000,
        seconds=iteration / 10,
        stage="1/4",
        stage_index=0,
        lambda_exponent=exponent,
        photometric=0.01,
        alignment=1e-6,
        psnr=20.0,
        skipped_steps=0,
        frames=np.arange(FRAMES),
        poses=standing() if poses is None else poses,
        aligned_reference=None,
        rotation_error_deg=errors,
        translation_error=None if translation is None else np.array(translation, np.float32),
        relative_rotation_error_deg=errors,
        frame_psnr=np.full(FRAMES, 20.0, np.float32),
        warp=warp,
        field_version=iteration,
        events=events,
    )
