"""Box and depths of a scene, from its cameras and, where there are any, its 3D points.

Poses are world-to-camera `[R|t]` with OpenCV axes; lengths are in the unit of the poses. A depth is the z coordinate
in the camera frame, not the distance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from engine.geometry.intrinsics import Intrinsics
from engine.geometry.rays import project
from engine.scenes.world.axes import camera_centres, optical_axes


@dataclass(frozen=True)
class ExtentOptions:
    """Thresholds.

    Attributes:
        box_margin: factor on the half extent of an object's box, so that nothing in view is cut off.
        minimum_depth_share: lower bound of the nearest depth of an object, relative to the mean distance.
        depth_outliers: share of the points left out at each end of the depths.
        minimum_points: in view; from fewer no depths are measured.
        maximum_points: about so many points are used, to save time.
    """

    box_margin: float = 1.1
    minimum_depth_share: float = 0.05
    depth_outliers: float = 0.005
    minimum_points: int = 10
    maximum_points: int = 20_000


OPTIONS = ExtentOptions()


def find_nearest_point_to_axes(poses: Float[Tensor, "frames 3 4"]) -> Float[Tensor, " 3"]:
    """The world point nearest to all optical axes in the sense of least squares.

    With centres c and unit axes d: argmin_p Σ |(I - ddᵀ)(p - c)|². Where the axes do not determine it (they are
    parallel) the minimiser nearest to the mean centre is returned.
    """
    centres, axes = camera_centres(poses), optical_axes(poses)
    middle = centres.mean(dim=0)
    projections = torch.eye(3, dtype=poses.dtype) - axes[:, :, None] * axes[:, None, :]
    target = (projections @ (centres - middle)[:, :, None]).mean(dim=0)
    inverse = torch.linalg.pinv(projections.mean(dim=0), hermitian=True, rtol=1e-6)
    return middle + (inverse @ target)[:, 0]


def find_object_box(poses: Float[Tensor, "frames 3 4"], intrinsics: Intrinsics) -> tuple[Float[Tensor, " 3"], float]:
    """Centre and half extent of the axis-aligned cube that the cameras look at, in the unit of the poses.

    The centre is the point nearest to the optical axes; the half extent is the mean distance of the cameras from it
    times the tangent of half the smaller field of view, with a margin of 10 %.
    """
    centre = find_nearest_point_to_axes(poses)
    distance = (camera_centres(poses) - centre).norm(dim=-1).mean().item()
    tangents = intrinsics.own_sizes / (2 * intrinsics.focal.double())
    return centre, distance * tangents.amin(dim=-1).mean().item() * OPTIONS.box_margin


def find_box_depths(
    poses: Float[Tensor, "frames 3 4"], centre: Float[Tensor, " 3"], half: float
) -> tuple[float, float]:
    """Nearest and farthest distance of the sphere around the box from the cameras (2 and 6 for NeRF's scenes).

    The nearest is at least a twentieth of the mean distance, which matters where cameras stand inside the sphere.
    """
    distances = (camera_centres(poses) - centre).norm(dim=-1)
    radius = half * math.sqrt(3)
    near = max(distances.min().item() - radius, OPTIONS.minimum_depth_share * distances.mean().item())
    return near, distances.max().item() + radius


def measure_depths_in_view(
    points: Float[Tensor, "points 3"], poses: Float[Tensor, "frames 3 4"], intrinsics: Intrinsics
) -> tuple[float, float] | None:
    """Nearest and farthest depth of 3D points in the images, without 0.5 % of outliers at each end.

    Args:
        points: in the world of the poses.
        poses: world-to-camera.
        intrinsics: of the images.
    Returns:
        depths, the farthest at least 1.1 times the nearest; None where fewer than ten points are in view.
    """
    points = points[:: max(1, len(points) // OPTIONS.maximum_points)]
    seen = []
    for frame, (pose, size) in enumerate(zip(poses, intrinsics.own_sizes, strict=True)):
        lens = (intrinsics.focal[frame], intrinsics.centre[frame], intrinsics.distortion[frame])
        pixels, depth = project(points, pose, *(part.to(points) for part in lens))
        seen.append(depth[(depth > 0) & ((pixels >= 0) & (pixels <= size)).all(dim=-1)])
    depths = torch.cat(seen).sort().values
    if len(depths) < OPTIONS.minimum_points:
        return None
    outliers = int(OPTIONS.depth_outliers * len(depths))
    near, far = depths[outliers].item(), depths[len(depths) - 1 - outliers].item()
    return near, max(far, 1.1 * near)  # a flat wall has nearly one depth only


def guess_depths(poses: Float[Tensor, "frames 3 4"]) -> tuple[float, float]:
    """A guess of nearest and farthest depth of a forward-facing scene of which only the cameras are known.

    The nearest is half the depth of the point where the optical axes meet, if that is plausible (2 to 50 times the
    spread of the cameras); otherwise ten times the spread, as is usual for hand-held photos. The farthest is infinite.
    """
    centres = camera_centres(poses)
    spread = (centres - centres.mean(dim=0)).norm(dim=-1).square().mean().sqrt().item()
    depths = ((find_nearest_point_to_axes(poses) - centres) * optical_axes(poses)).sum(dim=-1)
    nearest = 0.5 * depths.min().item()
    if not 2 * spread < nearest < 50 * spread:
        nearest = 10 * spread if spread > 0 else 1.0
    return nearest, math.inf
