"""Poses, lens and tracks of the quick reconstruction as the start of a scene of photos."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float

from engine.scenes.canvas import cut_pictures
from engine.scenes.options import SpaceName
from engine.scenes.photos.colmap_poses import find_neighbour
from engine.scenes.photos.quick_start import convert_tracks
from engine.scenes.scene import Scene
from engine.scenes.world.kind import is_border_blank
from engine.scenes.world.placement import Placement, place_scene, start_from_placement
from engine.sfm.quick.result import QuickReconstruction

MOST_FOCALS = 3  # in a sentence


def apply_reconstruction(
    scene: Scene, found: QuickReconstruction, scales: Float[np.ndarray, "photos 2"], space: SpaceName
) -> Scene:
    """The scene, starting from the poses of the quick reconstruction.

    A photo that was not registered gets the initial pose of the registered photo with which it shares most matches.

    Args:
        scene: a scene of photos that starts from the identity, with the lens of the reconstruction.
        found: numbered like the frames; at least one photo is registered.
        scales: pixels of the scene's images per pixel of each photo, across and down.
        space: kind of the scene, or `auto`.
    Returns:
        the changed scene; its world and unit are chosen as for scenes with poses (`world.placement`).
    Raises:
        UserError: the cameras look in all directions but all stand in one place.
    """
    known = np.nonzero(found.registered)[0].tolist()
    missing = tuple(np.nonzero(~found.registered)[0].tolist())
    poses = found.poses.copy()
    for frame in missing:
        poses[frame] = found.poses[find_neighbour(frame, known, found.matches.inliers)]
    points = found.matches.tracks.points
    seen = torch.from_numpy(points[np.isfinite(points).all(axis=1)])
    placement = place_scene(
        torch.from_numpy(poses),
        scene.intrinsics,
        seen,
        (scene.training_frames, scene.held_out_frames),
        scene.path,
        space,
        lambda: is_border_blank(cut_pictures(scene.images, scene.intrinsics)),
        own_world=True,
    )
    notes = scene.notes + _describe(found, scene, missing)
    return replace(
        start_from_placement(scene, placement),
        uncertain_frames=missing,
        notes=notes,
        tracks=convert_tracks(found, scales, move_points(points, poses[known[0]], placement, known[0])),
    )


def move_points(
    points: Float[np.ndarray, "points 3"], pose: Float[np.ndarray, "3 4"], placement: Placement, frame: int
) -> Float[np.ndarray, "points 3"]:
    """Points after a scene was placed, by what one camera sees before and after it.

    Args:
        points: in the world before.
        pose: of one frame before, world-to-camera.
        placement: the new world.
        frame: number of that frame.
    """
    placed = placement.poses[frame].numpy()
    in_camera = placement.file_scale * (points @ pose[:, :3].T + pose[:, 3])
    return (in_camera - placed[:, 3]) @ placed[:, :3]


def _describe(found: QuickReconstruction, scene: Scene, missing: tuple[int, ...]) -> tuple[str, ...]:
    count, total = len(scene.names) - len(missing), len(scene.names)
    focals = [f"{lens.focal:.0f}" for lens in found.lenses[:MOST_FOCALS] if lens is not None]
    focal = f", focal length {' and '.join(focals)} pixels of the photos" if focals else ""
    notes = [
        f"Matches register {count} of {total} photos: {found.error:.2f} pixels reprojection error{focal}. "
        "Registration starts from there."
    ]
    if missing:
        names = ", ".join(scene.names[frame] for frame in missing)
        notes.append(f"Matches could not register {names}; registration starts from a neighbour there.")
    return tuple(notes)
