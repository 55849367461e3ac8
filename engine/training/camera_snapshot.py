"""What a snapshot holds of cameras: poses, their errors, a warp field. Everything here waits for the device."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from engine.geometry.pose_errors import pose_errors
from engine.geometry.rays import project
from engine.messages import Snapshot, WarpSnapshot
from engine.registration.registration import WarpField
from engine.scenes.scene import Scene
from engine.system.arrays import frozen
from engine.training.matches.monitor import CameraEvidence


def with_poses(
    snapshot: Snapshot, scene: Scene, poses: Float[Tensor, "frames 3 4"], excluded: Sequence[int] = ()
) -> Snapshot:
    """The snapshot with these poses and, where the scene has a reference, how far they are from it.

    `excluded` frames, by their index among the training frames, do not count: their errors are NaN.
    """
    fitted = poses.detach().cpu()
    if scene.reference_poses is None:
        return dataclasses.replace(snapshot, poses=frozen(fitted))
    reference = scene.reference_poses[list(scene.training_frames)]
    if excluded:
        reference = reference.clone()
        reference[list(excluded)] = torch.nan
    errors = pose_errors(fitted, reference)
    return dataclasses.replace(
        snapshot,
        poses=frozen(fitted),
        aligned_reference=frozen(errors.aligned_reference),
        rotation_error_deg=frozen(errors.rotation_deg),
        translation_error=frozen(errors.translation),
        relative_rotation_error_deg=frozen(errors.relative_rotation_deg),
    )


def with_evidence(snapshot: Snapshot, evidence: CameraEvidence) -> Snapshot:
    """The snapshot with what the tracks say of the frames, and the verdict."""
    snapshot = dataclasses.replace(snapshot, verdict=evidence.verdict)
    if evidence.fit is None:
        return snapshot
    return dataclasses.replace(
        snapshot,
        track_count=frozen(evidence.fit.tracks),
        track_share=frozen(evidence.fit.share.float()),
        reprojection_px=frozen(evidence.fit.median_px.float()),
    )


def warp_snapshot(warp: WarpField, scene: Scene, frame: int) -> WarpSnapshot:
    r"""The warp field of a training frame with its residual on screen.

    A point u of the image plane (depth 1) is taken into the world by its local warp,
    :math:`x_w(u) = T(u)^{-1} (u, 1)`, and the global transform T* fitted to them all sees it at

    .. math:: u^*(u) = \pi(T^* x_w(u)), \quad r(u) = |K(u^*(u)) - K(u)|

    where K takes the image plane to pixels, distortion included. The residual r is that distance on screen, in
    pixels of the scene's images: zero where local and global agree (always, for methods with one pose per frame).
    Points that the global camera does not have in front of it, or far outside the picture, count as the picture's
    diagonal.
    """
    scene_frame = scene.training_frames[frame]
    intrinsics = scene.intrinsics[scene_frame : scene_frame + 1]
    lens = (intrinsics.focal, intrinsics.centre, intrinsics.distortion if intrinsics.distorted else None)
    warp = WarpField(*(part.detach().cpu() for part in warp))
    on_plane = torch.nn.functional.pad(warp.points, (0, 1), value=1.0)
    # The global transform itself: its rays are R^T (u, 1) from -R^T t.
    rotation = torch.linalg.lstsq(on_plane.double(), warp.global_directions.double()).solution
    centre = warp.global_origins.double().mean(0)
    pose = torch.cat([rotation, -(rotation @ centre)[:, None]], dim=-1).to(warp.points)
    wanted, _ = project(on_plane[None], torch.eye(3, 4)[None], *lens)
    seen, depth = project((warp.local_origins + warp.local_directions)[None], pose[None], *lens)
    diagonal = math.hypot(intrinsics.width, intrinsics.height)
    residual = (seen - wanted).norm(dim=-1).nan_to_num(diagonal, diagonal).clamp(max=diagonal)
    return WarpSnapshot(
        frame=frame,
        points=frozen(warp.points),
        local_origins=frozen(warp.local_origins),
        local_directions=frozen(warp.local_directions),
        global_origins=frozen(warp.global_origins),
        global_directions=frozen(warp.global_directions),
        residual_px=frozen(torch.where(depth > 0, residual, diagonal)[0]),
    )
