"""Kind, split, world frame, depths and box of a scene whose files give only cameras (nerfstudio, COLMAP).

Axes stay OpenCV's. A forward-facing scene is moved into the frame of its average training camera and scaled; an object
or unbounded scene keeps the world frame and the unit of its files, or gets an upright one where no files have one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from engine.errors import UserError
from engine.geometry.intrinsics import Intrinsics
from engine.scenes.options import SpaceName
from engine.scenes.scene import Scene, SceneKind
from engine.scenes.world.average_camera import NEAREST_DEPTH, centre_on, find_average_camera, move_origin, scale_world
from engine.scenes.world.extent import (
    find_box_depths,
    find_object_box,
    guess_depths,
    measure_depths_in_view,
)
from engine.scenes.world.kind import classify_scene
from engine.scenes.world.near_box import find_near_box, find_upright_rotation
from engine.scenes.world.split import choose_held_out, list_remaining

Split = tuple[tuple[int, ...], tuple[int, ...]]


@dataclass(frozen=True)
class Placement:
    """The result, with the attributes of `Scene` of the same names.

    Attributes:
        kind, training_frames, held_out_frames, near, far, box_centre, box_half_extent, file_scale: as in `Scene`.
        poses: reference world-to-camera poses in scene units, double precision.
    """

    kind: SceneKind
    poses: Float[Tensor, "frames 3 4"]
    training_frames: tuple[int, ...]
    held_out_frames: tuple[int, ...]
    near: float
    far: float
    box_centre: tuple[float, float, float] = (0.0, 0.0, 0.0)
    box_half_extent: float = 1.0
    file_scale: float = 1.0


def start_from_placement(scene: Scene, placement: Placement) -> Scene:
    """The scene as it was placed: in that world, split and unit, with those poses as its known initial ones."""
    placed = {field.name: getattr(placement, field.name) for field in fields(placement) if field.name != "poses"}
    return replace(scene, initial_poses=placement.poses.float(), poses_known=True, **placed)


def place_scene(
    poses: Float[Tensor, "frames 3 4"],
    intrinsics: Intrinsics,
    points: Float[Tensor, "points 3"] | None,
    split: Split | None,
    file: Path,
    space: SpaceName = "auto",
    is_blank: Callable[[], bool] = lambda: False,
    own_world: bool = False,
) -> Placement:
    """Places a scene by its cameras and, where there are any, by 3D points in their world.

    Forward-facing scenes are moved into the average training camera's frame and scaled so that the nearest depth
    times 0.75 is 1, as for LLFF; objects and unbounded scenes keep the file's world, unless it is a world that was not
    chosen: then z points up, the middle is the origin and the box has the half extent 1.

    Args:
        poses: world-to-camera, in the files' world and unit, double precision.
        intrinsics: of the frames.
        points: sparse 3D points in the same world, or None.
        split: (training, held-out) frame indices of the files; None applies the rule of `world.split`.
        file: names the scene in error messages.
        space: kind of the scene; `auto` decides by cameras, points and background.
        is_blank: whether the background of the photos is blank; called only where it matters.
        own_world: whether world and unit may be chosen, because they are those of a reconstruction of ours.
    Raises:
        UserError: the cameras of an object or of an unbounded scene all stand in one place.
    """
    object_box = find_object_box(poses, intrinsics)
    kind = classify_scene(poses, points, is_blank, object_box) if space == "auto" else space
    if split is None:
        held_out = choose_held_out(kind, len(poses))
        split = list_remaining(len(poses), held_out), held_out
    training = list(split[0])
    depths = measure_depths_in_view(points, poses, intrinsics) if points is not None and len(points) else None
    if kind == "forward-facing":
        near, far = depths or guess_depths(poses)
        scale = 1 / (near * NEAREST_DEPTH)
        centred = scale_world(centre_on(poses, find_average_camera(poses[training] if training else poses)), scale)
        return Placement(kind, centred, *split, near=near * scale, far=far * scale, file_scale=scale)

    if own_world:
        rotation = find_upright_rotation(poses)
        poses = torch.cat([poses[:, :, :3] @ rotation.mT, poses[:, :, 3:]], dim=-1)
        points = None if points is None else points @ rotation.mT
    chosen = poses[training] if training else poses
    if kind == "object":
        centre, half = find_object_box(chosen, intrinsics[torch.tensor(training)])
    else:
        centre, half = find_near_box(chosen, points)
    if not half > 0:
        raise UserError(
            f"{file} has all its cameras in one place; depth cannot be seen from there, so give photos "
            "taken from different places."
        )
    near, far = depths or find_box_depths(poses, centre, half)
    if not own_world:
        return Placement(kind, poses, *split, near=near, far=far, box_centre=_to_tuple(centre), box_half_extent=half)
    scale = 1 / half
    moved = scale_world(move_origin(poses, centre), scale)
    return Placement(kind, moved, *split, near=near * scale, far=far * scale, file_scale=scale)


def _to_tuple(point: Float[Tensor, " 3"]) -> tuple[float, float, float]:
    return point[0].item(), point[1].item(), point[2].item()
