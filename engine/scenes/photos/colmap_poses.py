"""A scene of photos, put where COLMAP's model says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from engine.geometry.intrinsics import Intrinsics
from engine.scenes.scene import Scene
from engine.scenes.world.placement import place_scene
from engine.sfm.model import SfmModel
from engine.sfm.overlap_check import OverlapCheck

LENS_SURE = 0.01  # standard deviation of COLMAP's focal length, relatively, and of its k1


def apply_colmap_model(scene: Scene, model: SfmModel, seen: OverlapCheck, initial: bool, reference: bool) -> Scene:
    """The scene with COLMAP's poses and lens.

    A photo that COLMAP did not register is put where the registered photo stands that it shares most with, and has no
    reference pose.

    Args:
        scene: that starts from the identity.
        model: of its photos, numbered as the frames.
        seen: the quick look at the matches.
        initial: whether registration starts at the model's poses and lens.
        reference: whether they are what errors are measured against.
    Raises:
        UserError: the cameras go round something but all stand in one place.
    """
    frames = len(scene.names)
    missing = tuple(frame for frame in range(frames) if frame not in model.poses)
    neighbours = {frame: _neighbour(frame, model, seen) for frame in missing}
    poses = torch.from_numpy(np.stack([model.poses[neighbours.get(frame, frame)] for frame in range(frames)]))
    lens = _lens(scene.intrinsics, model)
    placement = place_scene(poses, lens, torch.from_numpy(model.points), None, scene.path)
    notes = list(scene.notes)
    if missing:
        names = ", ".join(scene.names[frame] for frame in missing)
        notes.append(f"COLMAP could not register {names}; registration starts from a neighbour there.")
    if reference and missing:
        notes.append("Errors are measured for the others.")
    found: Float[Tensor, "frames 3 4"] = placement.poses.float()
    known = found.clone()
    known[list(missing)] = torch.nan
    scene = replace(scene, reference_poses=known if reference else None, notes=tuple(notes))
    if not initial:
        return scene
    return replace(
        scene,
        kind=placement.kind,
        intrinsics=lens,
        initial_poses=found,
        training_frames=placement.training_frames,
        held_out_frames=placement.held_out_frames,
        near=placement.near,
        far=placement.far,
        box_centre=placement.box_centre,
        box_half_extent=placement.box_half_extent,
        file_scale=placement.file_scale,
        focal_known=True,
        poses_known=True,
        lens_covariance=torch.diag(torch.tensor([LENS_SURE, LENS_SURE])) ** 2,
        uncertain_frames=missing,
        notes=tuple(notes) + _lens_note(model),
    )


def _lens(intrinsics: Intrinsics, model: SfmModel) -> Intrinsics:
    frames = intrinsics.frames
    shrunk = intrinsics.centre[0, 0].item() * 2 / model.width  # sides may have lost a rest of pixels, centres have not
    return replace(
        intrinsics,
        focal=torch.full((frames, 2), model.focal * shrunk),
        distortion=torch.tensor([model.radial, 0.0, 0.0, 0.0]).expand(frames, 4).clone(),
    )


def _lens_note(model: SfmModel) -> tuple[str, ...]:
    return (
        f"COLMAP: {len(model.poses)} photos registered, {len(model.points)} points, {model.error:.2f} pixels "
        f"reprojection error, focal length {model.focal:.0f} pixels of the photos.",
    )


def _neighbour(frame: int, model: SfmModel, seen: OverlapCheck) -> int:
    """The registered photo with most matches, of those the nearest in order."""
    return max(model.poses, key=lambda other: (int(seen.inliers[frame, other]), -abs(frame - other)))
