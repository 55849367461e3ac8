"""A trainer as it stands, measured and copied into a `Snapshot`. Everything here waits for the device."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from engine.config.settings import Settings
from engine.geometry.pose_errors import pose_errors
from engine.geometry.rays import project
from engine.messages import Event, FrameStatus, Snapshot, Status, WarpSnapshot
from engine.registration.registration import WarpField
from engine.run.planar_snapshots import starting_planar, take_planar
from engine.scenes import AnyScene
from engine.scenes.planar import PlanarScene
from engine.scenes.scene import Scene
from engine.system.arrays import frozen
from engine.training.planar import PlanarTrainer
from engine.training.radiance import Trainer
from engine.training.trainers import AnyTrainer

HIGHEST_PSNR = 90.0  # dB


def starting_snapshot(scene: AnyScene, settings: Settings, status: Status = "starting", message: str = "") -> Snapshot:
    """What can be shown while there is no trainer yet, or none could be made: the initial poses, no numbers."""
    nowhere = float("nan")
    snapshot = Snapshot(
        status=status,
        message=message,
        iteration=0,
        iterations=settings.max_iterations or 0,
        seconds=0.0,
        stage="",
        stage_index=0,
        lambda_exponent=settings.lambda_exponent,
        photometric=nowhere,
        alignment=nowhere,
        psnr=nowhere,
        skipped_steps=0,
        frames=frozen(torch.tensor(scene.training_frames)),
        poses=np.empty((0, 3, 4), np.float32),
        aligned_reference=None,
        rotation_error_deg=None,
        translation_error=None,
        relative_rotation_error_deg=None,
        frame_psnr=frozen(torch.full((len(scene.training_frames),), nowhere)),
        warp=None,
        field_version=0,
        frame_status=(FrameStatus.REGISTERED,) * len(scene.training_frames),
    )
    if isinstance(scene, PlanarScene):
        return dataclasses.replace(snapshot, planar=starting_planar(scene))
    return with_poses(snapshot, scene, scene.initial_poses[list(scene.training_frames)])


def take_snapshot(
    trainer: AnyTrainer, status: Status, message: str, seconds: float, selected: int | None, events: tuple[Event, ...]
) -> Snapshot:
    """Measures a trainer between two steps.

    Args:
        trainer: whose device is waited for.
        status, message: of the run.
        seconds: the run's own clock.
        selected: index among the training frames whose warp field is included, or None.
        events: of the whole run.
    """
    frame_psnr = trainer.frame_psnr()
    snapshot = Snapshot(
        status=status,
        message=message,
        iteration=trainer.iteration,
        iterations=trainer.iterations,
        seconds=seconds,
        stage=trainer.stage.name,
        stage_index=trainer.stage_index,
        lambda_exponent=trainer.lambda_exponent,
        photometric=trainer.photometric(),
        alignment=trainer.alignment(),
        psnr=pooled_psnr(frame_psnr),
        skipped_steps=trainer.skipped_steps,
        frames=frozen(torch.tensor(trainer.scene.training_frames)),
        poses=np.empty((0, 3, 4), np.float32),
        aligned_reference=None,
        rotation_error_deg=None,
        translation_error=None,
        relative_rotation_error_deg=None,
        frame_psnr=frozen(frame_psnr),
        warp=None,
        field_version=trainer.field.version,
        events=events,
        rate_factors=trainer.rate_factors,
        frame_status=frame_status(trainer),
    )
    if isinstance(trainer, PlanarTrainer):
        return dataclasses.replace(snapshot, planar=take_planar(trainer, selected))
    snapshot = dataclasses.replace(snapshot, lost=trainer.lost, apart=_apart(trainer))
    warp = None if selected is None else warp_snapshot(trainer.warp(selected), trainer.scene, selected)
    return with_poses(dataclasses.replace(snapshot, warp=warp), trainer.scene, trainer.poses())


def frame_status(trainer: AnyTrainer) -> tuple[FrameStatus, ...]:
    """The status of each training frame (or patch) of a trainer."""
    if isinstance(trainer, PlanarTrainer):
        return tuple(FrameStatus.REGISTERED if joined else FrameStatus.SEARCHING for joined in trainer.joined())
    searching, rejected = set(trainer.lost), set(_apart(trainer))
    return tuple(
        FrameStatus.SEARCHING
        if frame in searching
        else FrameStatus.REJECTED
        if frame in rejected
        else FrameStatus.REGISTERED
        for frame in range(len(trainer.scene.training_frames))
    )


def _apart(trainer: Trainer) -> tuple[int, ...]:
    """Frames that joined late, were looked for, and fit nowhere."""
    return tuple(frame for frame in trainer.strangers if frame not in trainer.lost)


def with_poses(snapshot: Snapshot, scene: Scene, poses: Float[Tensor, "frames 3 4"]) -> Snapshot:
    """The snapshot with these poses and, where the scene has a reference, how far they are from it."""
    fitted = poses.detach().cpu()
    if scene.reference_poses is None:
        return dataclasses.replace(snapshot, poses=frozen(fitted))
    errors = pose_errors(fitted, scene.reference_poses[list(scene.training_frames)])
    return dataclasses.replace(
        snapshot,
        poses=frozen(fitted),
        aligned_reference=frozen(errors.aligned_reference),
        rotation_error_deg=frozen(errors.rotation_deg),
        translation_error=frozen(errors.translation),
        relative_rotation_error_deg=frozen(errors.relative_rotation_deg),
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


def pooled_psnr(frame_psnr: Float[Tensor, " frames"]) -> float:
    """The PSNR of all frames taken together, dB: of the mean of their squared errors; NaN where none is known.

    An exact rendering of 8-bit photos cannot be told from one with rounding errors, 59 dB; a trainer that has not
    seen a frame yet may say so by more than that, or by NaN.
    """
    known = frame_psnr[frame_psnr < HIGHEST_PSNR].double()
    return -10 * math.log10(torch.pow(10, -known / 10).mean()) if len(known) else float("nan")
