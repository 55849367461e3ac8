"""What the geometry of the cameras says about the scene: forward-facing or object, its box, its depths."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from engine.geometry.intrinsics import Intrinsics
from engine.scenes.scene import SceneKind
from engine.scenes.world.axes import camera_centres, optical_axes

WIDEST_CONE = math.radians(60)  # of optical axes about their mean, in a forward-facing scene
WIDEST_CONVERGENCE = math.radians(35)  # of the cameras as seen from where their axes meet, in a forward-facing scene
BOX_MARGIN = 1.1


def find_nearest_point_to_axes(poses: Float[Tensor, "frames 3 4"]) -> Float[Tensor, " 3"]:
    """The point nearest (least squares) to all optical axes.

    With centres c and unit axes d: argmin_p Σ |(I - ddᵀ)(p - c)|². Along directions that the axes leave open
    (they are parallel) the solution of least norm about the mean centre is taken.
    """
    centres, axes = camera_centres(poses), optical_axes(poses)
    middle = centres.mean(dim=0)
    projections = torch.eye(3, dtype=poses.dtype) - axes[:, :, None] * axes[:, None, :]
    target = (projections @ (centres - middle)[:, :, None]).mean(dim=0)
    inverse = torch.linalg.pinv(projections.mean(dim=0), hermitian=True, rtol=1e-6)
    return middle + (inverse @ target)[:, 0]


def classify_scene(poses: Float[Tensor, "frames 3 4"]) -> SceneKind:
    """Forward-facing if all optical axes lie within 60 degrees of their mean and the cameras do not stand around
    a point that all look at (within 35 degrees of their mean direction from it); else an object."""
    axes = optical_axes(poses)
    if _widest_angle(axes) > WIDEST_CONE:
        return "object"
    towards = find_nearest_point_to_axes(poses) - camera_centres(poses)
    looking_at_it = (towards * axes).sum(dim=-1) > 0.9 * towards.norm(dim=-1)
    if bool(looking_at_it.all()) and _widest_angle(towards) > WIDEST_CONVERGENCE:
        return "object"
    return "forward-facing"


def find_object_box(poses: Float[Tensor, "frames 3 4"], intrinsics: Intrinsics) -> tuple[Float[Tensor, " 3"], float]:
    """Centre and half extent of the cube that the cameras look at, in the units of the poses.

    The half extent is the mean distance of the cameras times the tangent of half the smaller field of view,
    with a margin of 10 %.
    """
    centre = find_nearest_point_to_axes(poses)
    distance = (camera_centres(poses) - centre).norm(dim=-1).mean().item()
    tangents = torch.tensor([intrinsics.width, intrinsics.height]) / (2 * intrinsics.focal.double())
    return centre, distance * tangents.amin(dim=-1).mean().item() * BOX_MARGIN


def find_box_depths(
    poses: Float[Tensor, "frames 3 4"], centre: Float[Tensor, " 3"], half: float
) -> tuple[float, float]:
    """Nearest and farthest depth of the sphere around the box as the cameras see it (2 and 6 in style for Blender).

    The nearest is kept above a twentieth of the mean distance where cameras stand inside the sphere.
    """
    distances = (camera_centres(poses) - centre).norm(dim=-1)
    radius = half * math.sqrt(3)
    near = max(distances.min().item() - radius, 0.05 * distances.mean().item())
    return near, distances.max().item() + radius


def measure_depths_in_view(
    points: Float[Tensor, "points 3"], poses: Float[Tensor, "frames 3 4"], intrinsics: Intrinsics
) -> tuple[float, float] | None:
    """Nearest and farthest depth of 3D points in the images, without 0.5 % of outliers at each end.

    None where fewer than ten points are seen. Distortion is left aside; at most about 20,000 points are used.
    """
    points = points[:: max(1, len(points) // 20_000)]
    size = torch.tensor([intrinsics.width, intrinsics.height], dtype=points.dtype)
    seen = []
    for pose, focal, principal in zip(poses, intrinsics.focal, intrinsics.centre, strict=True):
        x, y, depth = (points @ pose[:, :3].T + pose[:, 3]).unbind(dim=-1)
        pixels = torch.stack([x, y], dim=-1) / depth[:, None] * focal + principal
        seen.append(depth[(depth > 0) & ((pixels >= 0) & (pixels <= size)).all(dim=-1)])
    depths = torch.cat(seen).sort().values
    if len(depths) < 10:
        return None
    outliers = int(0.005 * len(depths))
    near, far = depths[outliers].item(), depths[len(depths) - 1 - outliers].item()
    return near, max(far, 1.1 * near)  # a wall seen head-on still gets some depth


def guess_depths(poses: Float[Tensor, "frames 3 4"]) -> tuple[float, float]:
    """Nearest and farthest depth of a forward-facing scene of which nothing but the cameras is known.

    Where the optical axes meet in front of all cameras, half the depth of that point; otherwise ten times the
    spread of the cameras, which is usual for hand-held forward-facing photos. The farthest is infinite.
    """
    centres = camera_centres(poses)
    spread = (centres - centres.mean(dim=0)).norm(dim=-1).square().mean().sqrt().item()
    depths = ((find_nearest_point_to_axes(poses) - centres) * optical_axes(poses)).sum(dim=-1)
    nearest = 0.5 * depths.min().item()
    if not 2 * spread < nearest < 50 * spread:
        nearest = 10 * spread if spread > 0 else 1.0
    return nearest, math.inf


def _widest_angle(directions: Float[Tensor, "frames 3"]) -> float:
    """Largest angle between the directions and their mean, in radians."""
    directions = torch.nn.functional.normalize(directions, dim=-1)
    mean = torch.nn.functional.normalize(directions.mean(dim=0), dim=0)
    return torch.acos((directions @ mean).clamp(-1, 1)).max().item()
