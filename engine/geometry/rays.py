"""From pixels to the image plane to rays, and back from points to pixels.

Image-plane coordinates are those of the plane z = 1 in front of the camera, ideal (undistorted) unless a name
says otherwise. Pixel centres lie at +0.5. Leading batch dimensions broadcast.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from engine.geometry.distortion import distort, distortion_jacobian, undistort
from engine.geometry.se3 import camera_centre, transform

__all__ = [
    "differentiate_projection",
    "distort",
    "normalised_points",
    "pixel_grid",
    "project",
    "rays_through",
    "undistort",
]

_MINIMUM_DEPTH = 1e-6  # depths between plus and minus this are moved here before the perspective division


def pixel_grid(
    height: int, width: int, dtype: torch.dtype = torch.float32, device: torch.device | str | None = None
) -> Float[Tensor, "height width 2"]:
    """The centres (x, y) of all pixels: (0.5, 0.5) is the top-left one."""
    y = torch.arange(height, dtype=dtype, device=device) + 0.5
    x = torch.arange(width, dtype=dtype, device=device) + 0.5
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)


def normalised_points(
    pixels: Float[Tensor, "*#batch points 2"],
    focal: Float[Tensor, "*#batch 2"],
    centre: Float[Tensor, "*#batch 2"],
    distortion: Float[Tensor, "*#batch coefficients"] | None = None,
) -> Float[Tensor, "*batch points 2"]:
    """Pixel coordinates as points of the ideal image plane z = 1.

    Args:
        pixels: (x, y) in pixels, centres at +0.5.
        focal: fx, fy in pixels, > 0.
        centre: principal point cx, cy in pixels.
        distortion: as `lens_models` orders it; None skips the undistortion (do so where a camera has none).
    Returns:
        ideal image-plane coordinates.
    """
    points = (pixels - centre[..., None, :]) / focal[..., None, :]
    return points if distortion is None else undistort(points, distortion[..., None, :])


def rays_through(
    world_to_camera: Float[Tensor, "*#batch 3 4"], points: Float[Tensor, "*#batch 2"]
) -> tuple[Float[Tensor, "*batch 3"], Float[Tensor, "*batch 3"]]:
    r"""The rays from the camera centre through points of the image plane.

    .. math:: o = T^{-1} 0 = -R^T t, \quad d = T^{-1} (u, 1) - o = R^T (u, 1)

    so that o + z d is the point at depth z (not at distance z: d is not normalised). One pose per frame and
    many points per frame are `rays_through(poses[:, None], points)`.

    Args:
        world_to_camera: poses.
        points: image-plane coordinates u.
    Returns:
        origins and directions in the world, scene units, both of the shape of the broadcast batch.
    Reference:
        L2G-NeRF (Chen et al., CVPR 2023), section 3.
    """
    first, second, third = world_to_camera[..., :3].unbind(-2)
    direction = points[..., :1] * first + points[..., 1:] * second + third
    return camera_centre(world_to_camera).expand_as(direction), direction


def project(
    points: Float[Tensor, "*#batch points 3"],
    world_to_camera: Float[Tensor, "*#batch 3 4"],
    focal: Float[Tensor, "*#batch 2"],
    centre: Float[Tensor, "*#batch 2"],
    distortion: Float[Tensor, "*#batch coefficients"] | None = None,
) -> tuple[Float[Tensor, "*batch points 2"], Float[Tensor, "*batch points"]]:
    """Projects world points into images.

    Args:
        points: in the world, scene units.
        world_to_camera: poses.
        focal: fx, fy in pixels.
        centre: principal point in pixels.
        distortion: as `lens_models` orders it, or None.
    Returns:
        pixels (x, y), finite even for points in the plane of the camera; and depths z in scene units, <= 0 for
        points beside or behind the camera.
    """
    in_camera = transform(world_to_camera[..., None, :, :], points)
    depth = in_camera[..., 2]
    divisor = torch.where(depth < 0, depth.clamp(max=-_MINIMUM_DEPTH), depth.clamp(min=_MINIMUM_DEPTH))
    on_plane = in_camera[..., :2] / divisor[..., None]
    if distortion is not None:
        on_plane = distort(on_plane, distortion[..., None, :])
    return on_plane * focal[..., None, :] + centre[..., None, :], depth


def differentiate_projection(
    in_camera: Float[Tensor, "*#batch points 3"],
    focal: Float[Tensor, "*#batch 2"],
    distortion: Float[Tensor, "*#batch coefficients"] | None,
    least_depth: float,
) -> Float[Tensor, "*batch points 2 3"]:
    """The derivatives of pixels by the point in camera axes.

    Args:
        in_camera: points in camera axes, scene units.
        focal: fx, fy in pixels.
        distortion: as `lens_models` orders it, or None.
        least_depth: depth below which a point counts as this deep, so that the derivatives stay finite.
    """
    x, y, z = in_camera.unbind(-1)
    inverse = 1 / z.clamp(min=least_depth)
    zero = torch.zeros_like(x)
    rows = [
        torch.stack([inverse, zero, -x * inverse**2], dim=-1),
        torch.stack([zero, inverse, -y * inverse**2], dim=-1),
    ]
    by_point = torch.stack(rows, dim=-2)
    if distortion is not None:
        plane = in_camera[..., :2] * inverse[..., None]
        by_point = distortion_jacobian(plane, distortion[..., None, :]) @ by_point
    return by_point * focal[..., None, :, None]
