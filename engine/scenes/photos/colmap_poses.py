"""COLMAP's poses and lens as initial or reference poses of a scene of photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from engine.geometry.intrinsics import Intrinsics
from engine.scenes.canvas import cut_pictures
from engine.scenes.options import SpaceName
from engine.scenes.scene import Scene
from engine.scenes.world.kind import is_border_blank
from engine.scenes.world.placement import place_scene, start_from_placement
from engine.sfm.model import SfmModel

LENS_DEVIATION = 0.01  # standard deviation of COLMAP's focal length (relative) and of its k1


def apply_colmap_model(
    scene: Scene,
    model: SfmModel,
    inliers: Int[np.ndarray, "frames frames"],
    initial: bool,
    reference: bool,
    space: SpaceName,
) -> Scene:
    """The scene with COLMAP's poses and lens.

    A photo that COLMAP did not register gets the initial pose of the registered photo with which it shares most
    matches, and no reference pose.

    Args:
        scene: a scene of photos that starts from the identity.
        model: COLMAP's model of these photos, numbered like the frames.
        inliers: verified matches of each pair of frames.
        initial: whether registration starts from the model's poses and lens.
        reference: whether the model's poses become the reference poses.
        space: kind of the scene, or `auto`.
    Returns:
        the changed scene. With `initial` its world and unit are chosen as for scenes with poses (`world.placement`).
    Raises:
        UserError: the cameras look in all directions but all stand in one place.
    """
    frames = len(scene.names)
    missing = tuple(frame for frame in range(frames) if frame not in model.poses)
    neighbours = {frame: find_neighbour(frame, list(model.poses), inliers) for frame in missing}
    poses = torch.from_numpy(np.stack([model.poses[neighbours.get(frame, frame)] for frame in range(frames)]))
    lens = _scale_lens(scene.intrinsics, model, neighbours)
    points = torch.from_numpy(model.points)
    split = scene.training_frames, scene.held_out_frames
    pictures = cut_pictures(scene.images, scene.intrinsics)
    placement = place_scene(
        poses, lens, points, split, scene.path, space, lambda: is_border_blank(pictures), own_world=True
    )
    notes = list(scene.notes)
    if missing:
        names = ", ".join(scene.names[frame] for frame in missing)
        notes.append(f"COLMAP could not register {names}; registration starts from a neighbour there.")
    if reference and missing:
        notes.append("Errors are measured for the others.")
    known: Float[Tensor, "frames 3 4"] = placement.poses.float().clone()
    known[list(missing)] = torch.nan
    scene = replace(scene, reference_poses=known if reference else None, notes=tuple(notes))
    if not initial:
        return scene
    return replace(
        start_from_placement(scene, placement),
        intrinsics=lens,
        focal_known=True,
        lens_covariance=(torch.eye(2) * LENS_DEVIATION**2).repeat(scene.intrinsics.cameras_count, 1, 1),
        uncertain_frames=missing,
        notes=tuple(notes) + _lens_note(model),
    )


def _scale_lens(intrinsics: Intrinsics, model: SfmModel, neighbours: Mapping[int, int]) -> Intrinsics:
    """COLMAP's lenses for the scene's images; a photo without one takes over that of its neighbour."""
    focal, distortion = intrinsics.focal.clone(), torch.zeros_like(intrinsics.distortion)
    for frame in range(intrinsics.frames):
        lens = model.lenses[neighbours.get(frame, frame)]
        # The principal point tells the exact factor; width and height may have lost columns or rows in downsampling.
        focal[frame] = lens.focal * intrinsics.centre[frame, 0].item() * 2 / lens.width
        distortion[frame, 0] = lens.radial
    return replace(intrinsics, focal=focal, distortion=distortion)


def _lens_note(model: SfmModel) -> tuple[str, ...]:
    focals = list(dict.fromkeys(f"{lens.focal:.0f}" for lens in model.lenses.values()))
    shown = " and ".join(focals) if len(focals) < 4 else f"{focals[0]} to {focals[-1]}"
    return (
        f"COLMAP: {len(model.poses)} photos registered, {len(model.points)} points, {model.error:.2f} pixels "
        f"reprojection error, focal length {shown} pixels of the photos.",
    )


def find_neighbour(frame: int, registered: Sequence[int], inliers: Int[np.ndarray, "frames frames"]) -> int:
    """The registered photo that shares most matches with `frame`; among equals, the nearest in order."""
    return max(registered, key=lambda other: (int(inliers[frame, other]), -abs(frame - other)))
