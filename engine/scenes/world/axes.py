"""Conversion of the camera axes of files to ours: world-to-camera `[R|t]`, x right, y down, z forward (OpenCV)."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def invert_pose(pose: Float[Tensor, "*frames 3 4"]) -> Float[Tensor, "*frames 3 4"]:
    """Camera-to-world from world-to-camera and back: `[R|t] -> [Rᵀ | -Rᵀt]`."""
    transposed = pose[..., :3].mT
    return torch.cat([transposed, -transposed @ pose[..., 3:]], dim=-1)


def convert_from_opengl(camera_to_world: Float[Tensor, "*frames 3 4"]) -> Float[Tensor, "*frames 3 4"]:
    """World-to-camera from camera-to-world whose axes are right, up, back (Blender, nerfstudio, instant-ngp)."""
    return invert_pose(camera_to_world * camera_to_world.new_tensor([1.0, -1.0, -1.0, 1.0]))


def convert_from_arkit(camera_to_world: Float[Tensor, "*frames 3 4"]) -> Float[Tensor, "*frames 3 4"]:
    """As `convert_from_opengl`, from a world whose y axis is up (apps for phones) to one whose z axis is."""
    return convert_from_opengl(camera_to_world[..., [2, 0, 1], :])


def convert_from_llff(camera_to_world: Float[Tensor, "*frames 3 4"]) -> Float[Tensor, "*frames 3 4"]:
    """World-to-camera from camera-to-world whose axes are down, right, back (`poses_bounds.npy`)."""
    down, right, back, centre = camera_to_world.unbind(dim=-1)
    return invert_pose(torch.stack([right, down, -back, centre], dim=-1))


def camera_centres(poses: Float[Tensor, "*frames 3 4"]) -> Float[Tensor, "*frames 3"]:
    """Camera centres in the world, -Rᵀt."""
    return invert_pose(poses)[..., 3]


def optical_axes(poses: Float[Tensor, "*frames 3 4"]) -> Float[Tensor, "*frames 3"]:
    """Viewing directions of the cameras in the world (the z axes), unit vectors."""
    return poses[..., 2, :3]
