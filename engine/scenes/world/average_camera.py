"""The world frame of forward-facing scenes: that of the average camera.

Its centre is the origin, x points right, y down and z forward, along its viewing direction.
"""

from __future__ import annotations

import roma
import torch
from jaxtyping import Float
from torch import Tensor

from engine.scenes.world.axes import camera_centres, invert_pose

# The scene unit of forward-facing scenes, as in NeRF and BARF: 0.75 times the nearest depth is one unit, so the
# plane at depth 1, where normalised device coordinates begin, lies in front of everything.
NEAREST_DEPTH = 0.75


def find_average_camera(poses: Float[Tensor, "frames 3 4"]) -> Float[Tensor, "3 4"]:
    """The average camera, world-to-camera: the mean centre and the rotation nearest to the mean (chordal mean)."""
    centre = camera_centres(poses).mean(dim=0)
    rotation = roma.special_procrustes(poses[:, :, :3].mean(dim=0))
    return torch.cat([rotation, -(rotation @ centre)[:, None]], dim=-1)


def centre_on(poses: Float[Tensor, "frames 3 4"], camera: Float[Tensor, "3 4"]) -> Float[Tensor, "frames 3 4"]:
    """The same cameras in the world frame in which the pose of `camera` (world-to-camera) is the identity."""
    camera_to_world = invert_pose(camera)
    rotation = poses[..., :3] @ camera_to_world[:, :3]
    translation = poses[..., :3] @ camera_to_world[:, 3:] + poses[..., 3:]
    return torch.cat([rotation, translation], dim=-1)


def move_origin(poses: Float[Tensor, "frames 3 4"], origin: Float[Tensor, " 3"]) -> Float[Tensor, "frames 3 4"]:
    """The same cameras in a world whose origin lies at a point of the old one; axes stay."""
    return torch.cat([poses[..., :3], poses[..., 3:] + (poses[..., :3] @ origin)[..., None]], dim=-1)


def scale_world(poses: Float[Tensor, "frames 3 4"], scale: float) -> Float[Tensor, "frames 3 4"]:
    """The same cameras in a world whose lengths are multiplied by `scale`."""
    return poses * poses.new_tensor([1.0, 1.0, 1.0, scale])
