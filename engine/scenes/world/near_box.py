"""The near part of an unbounded scene, which is held at full detail, and its upright world. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass

import roma
import torch
from jaxtyping import Float
from torch import Tensor

from engine.scenes.world.axes import camera_centres, optical_axes
from engine.scenes.world.extent import find_nearest_point_to_axes


@dataclass(frozen=True)
class NearBoxOptions:
    """How the near part is chosen.

    Attributes:
        looking: cosine of the angle between a camera's axis and its direction to the point where the axes meet, from
            which it counts as looking at that point; if the median camera does, that point is the middle.
        beyond: where the axes meet so many times farther away than the median point, or farther, they are nearly
            parallel (a walk along a facade): the middle of the points is the middle then.
        held: share of the points that the box holds.
        unknown: half extent where no points are known, in median distances of the cameras from the middle.
        least, most: bounds of the half extent, in median distances of the cameras from the middle. At 1 the box
            would reach the cameras, and its voxels would be twice as coarse: outside of it they grow in depth only, as
            long as things are seen from its other side. Of 0.35, 0.5, 0.7 and 1 one half is best on scenes/desk, whose
            whole room has points (22.3, 23.1, 22.8 and 22.1 dB held out at 256 pixels and 128 voxels).
        beside: the upper bound where cameras do not look at one point: what they pass by reaches far to the sides.
    """

    looking: float = 0.9
    beyond: float = 2.0
    held: float = 0.8
    unknown: float = 0.5
    least: float = 0.3
    most: float = 0.5
    beside: float = 1.0


OPTIONS = NearBoxOptions()


def find_near_box(
    poses: Float[Tensor, "frames 3 4"], points: Float[Tensor, "points 3"] | None
) -> tuple[Float[Tensor, " 3"], float]:
    """Centre and half extent of the axis-aligned cube that holds most of what the cameras look at.

    Args:
        poses: world-to-camera.
        points: that the cameras see, in the same world; None if none are known.
    Returns:
        the centre and the half extent, in the unit of the poses; 0 where all cameras stand in the centre.
    """
    centres, axes = camera_centres(poses), optical_axes(poses)
    middle = find_nearest_point_to_axes(poses)
    known = points is not None and len(points) > 0
    most = OPTIONS.most
    towards = torch.nn.functional.normalize(middle - centres, dim=-1)
    if points is not None and len(points):
        usual = torch.cdist(centres.to(points), points).median()
        too_far = (centres - middle).norm(dim=-1).median() > OPTIONS.beyond * usual
        if too_far or (towards * axes).sum(dim=-1).median() < OPTIONS.looking:
            middle, most = points.median(dim=0).values, OPTIONS.beside
    distance = (centres - middle).norm(dim=-1).median().item()
    if not known:
        return middle, OPTIONS.unknown * distance
    assert points is not None
    reach = torch.quantile((points - middle).abs().amax(dim=-1), OPTIONS.held).item()
    return middle, min(max(reach, OPTIONS.least * distance), most * distance)


def find_upright_rotation(poses: Float[Tensor, "frames 3 4"]) -> Float[Tensor, "3 3"]:
    """The rotation into a world whose z axis is the mean upward direction of the cameras, as in NeRF's scenes."""
    up = torch.nn.functional.normalize(-poses[:, 1, :3].mean(dim=0), dim=0)
    target = torch.tensor([0.0, 0.0, 1.0], dtype=poses.dtype)
    axis = torch.linalg.cross(up, target)
    sine, cosine = axis.norm(), up @ target
    if sine < 1e-9:
        flip = torch.tensor([torch.pi if cosine < 0 else 0.0, 0.0, 0.0], dtype=poses.dtype)
        return roma.rotvec_to_rotmat(flip)
    return roma.rotvec_to_rotmat(axis / sine * torch.atan2(sine, cosine))
