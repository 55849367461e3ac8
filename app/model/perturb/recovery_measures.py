"""The errors of which the recovery after a kick is measured: two of a camera, one of a patch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.geometry.view_camera import centres
from engine.messages import Snapshot

Errors = Float[np.ndarray, "measures frames"]


@dataclass(frozen=True)
class Measure:
    """Attributes:
    names: of the errors.
    formats: of their values, for `str.format`.
    floors: errors up to these count as recovered: a trained frame's error fluctuates by so much.
    frames: number of frames that a snapshot has errors of; 0 while it has none.
    errors: of the frames of a snapshot; its second argument is the snapshot before the kick.
    has_reference: whether errors are measured against a reference, or against the pose before the kick.
    """

    names: tuple[str, ...]
    formats: tuple[str, ...]
    floors: tuple[float, ...]
    frames: Callable[[Snapshot], int]
    errors: Callable[[Snapshot, Snapshot], Errors]
    has_reference: Callable[[Snapshot], bool]


def measure_camera_errors(snapshot: Snapshot, before: Snapshot) -> Errors:
    """Rotation (degrees) and translation (scene units) errors, against the reference where there is one."""
    if snapshot.rotation_error_deg is not None and snapshot.translation_error is not None:
        return np.stack([snapshot.rotation_error_deg, snapshot.translation_error]).astype(np.float64)
    turned = np.einsum("fij,fij->f", snapshot.poses[:, :, :3].astype(np.float64), before.poses[:, :, :3])
    angle = np.degrees(np.arccos(np.clip((turned - 1) / 2, -1.0, 1.0)))
    return np.stack([angle, np.linalg.norm(centres(snapshot.poses) - centres(before.poses), axis=1)])


def measure_patch_errors(snapshot: Snapshot, _before: Snapshot) -> Errors:
    """Corner errors (pixels) against where the patches were cut."""
    assert snapshot.planar is not None
    return snapshot.planar.corner_error_px[None].astype(np.float64)


CAMERAS = Measure(
    names=("turn", "place"),
    formats=("{:.2f}°", "{:.4f}"),
    floors=(0.02, 5e-4),
    frames=lambda snapshot: len(snapshot.poses),
    errors=measure_camera_errors,
    has_reference=lambda snapshot: snapshot.rotation_error_deg is not None,
)
PATCHES = Measure(
    names=("corners",),
    formats=("{:.2f} px",),
    floors=(0.1,),
    frames=lambda snapshot: len(snapshot.planar.corners) if snapshot.planar is not None else 0,
    errors=measure_patch_errors,
    has_reference=lambda snapshot: True,
)
