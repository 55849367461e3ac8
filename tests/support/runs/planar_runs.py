"""A planar scene and its snapshots by hand, without an engine."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.messages import PatchWarpSnapshot, PlanarSnapshot

PATCH = (40, 30)  # width, height
SQUARE = np.array([(0.0, 0.0), (PATCH[0], 0.0), PATCH, (0.0, PATCH[1])])


def shifted(x: float, y: float) -> np.ndarray:
    """Corners of an upright patch."""
    return SQUARE + np.array((x, y))


def patch_warp(residual: float = 0.0, shape: tuple[int, int] = (5, 7), frame: int = 1) -> PatchWarpSnapshot:
    """A lattice over an upright patch at (20, 10), whose points stand off to the right by so many pixels."""
    y, x = np.meshgrid(np.linspace(0, PATCH[1], shape[0]), np.linspace(0, PATCH[0], shape[1]), indexing="ij")
    points = np.stack([x, y], axis=-1).reshape(-1, 2).astype(np.float32)
    fitted = points + np.array((20, 10), np.float32)
    local = fitted + np.array((residual, 0), np.float32)
    return PatchWarpSnapshot(frame, shape, points, local, fitted, np.full(len(points), residual, np.float32))


def planar(fitted: np.ndarray, reference: np.ndarray, **changes: Any) -> PlanarSnapshot:
    """What a run says whose patches stand upright."""
    transforms = np.tile(np.eye(3, dtype=np.float32), (len(fitted), 1, 1))
    transforms[:, :2, 2] = fitted[:, 0]
    values: dict[str, Any] = {
        "transforms": transforms,
        "corners": fitted.astype(np.float32),
        "reference_corners": reference.astype(np.float32),
        "corner_error_px": np.linalg.norm(fitted - reference, axis=-1).mean(axis=1).astype(np.float32),
    }
    return PlanarSnapshot(**values | changes)
