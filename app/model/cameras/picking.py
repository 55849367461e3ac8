"""Which frame of the 3D view lies under the mouse: computed from the cameras, not from rendered pixels."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from app.model.cameras.segments import EDGES, make_frustum_corners
from app.model.common.pictures import CamerasPicture
from app.model.common.view_rays import find_ray, measure_distances_to_segments, transform_to_view

REACH = 8.0  # pixels from an edge of a frustum within which a click selects it


def pick_frame(picture: CamerasPicture, x: float, y: float, size: tuple[int, int]) -> int | None:
    """The frame under a pixel (x, y) of the picture, or None.

    The nearest photo under the pixel; else the frame with an edge within `REACH`: of several the nearest on screen,
    and of those at equal distance the nearest in depth. Frusta that are not shown are left out.

    Args:
        size: (width, height) at which the picture is shown.
    """
    width, height = picture.camera.size
    across, down = x * width / size[0], y * height / size[1]
    poses = picture.fitted.poses.astype(np.float64)
    shown = np.flatnonzero(np.isfinite(poses).all(axis=(1, 2)) & (picture.fitted.colours[:, 3] > 0))
    if not len(shown):
        return None
    poses = poses[shown]
    planes = np.array(picture.image_plane) if picture.fitted.planes is None else picture.fitted.planes[shown]
    depths = _find_photo_depths(picture, poses, planes, across, down)
    if np.isfinite(depths).any():
        return int(shown[np.argmin(depths)])
    corners = make_frustum_corners(poses, planes, picture.frustum_depth)
    apart, depth = measure_distances_to_segments(
        picture.camera, corners[:, EDGES[:, 0]], corners[:, EDGES[:, 1]], across, down
    )
    order = np.lexsort((depth.ravel(), np.floor(apart.ravel())))
    best = order[0]
    if apart.ravel()[best] > REACH * width / size[0]:
        return None
    return int(shown[best // len(EDGES)])


def _find_photo_depths(
    picture: CamerasPicture,
    poses: Float[np.ndarray, "frames 3 4"],
    planes: Float[np.ndarray, "*frames 2"],
    x: float,
    y: float,
) -> Float[np.ndarray, " frames"]:
    """Distance along the ray through a pixel at which it meets each photo; infinity where it does not."""
    origin, direction = find_ray(picture.camera, x, y)
    seen_from = np.einsum("fij,j->fi", poses[:, :, :3], origin) + poses[:, :, 3]
    towards = np.einsum("fij,j->fi", poses[:, :, :3], direction)
    with np.errstate(divide="ignore", invalid="ignore"):
        far = (picture.frustum_depth - seen_from[:, 2]) / towards[:, 2]
        place = (seen_from + far[:, None] * towards)[:, :2] / picture.frustum_depth
        hit = (np.abs(place) <= planes).all(axis=1) & (far > 0)
    return np.where(hit, far, np.inf)


def find_screen_place(picture: CamerasPicture, frame: int) -> tuple[float, float] | None:
    """The middle of a frame's photo in the picture, pixels; None where it is behind the viewer or not finite."""
    pose = picture.fitted.poses[frame].astype(np.float64)
    middle = pose[:, :3].T @ (np.array([0.0, 0.0, picture.frustum_depth]) - pose[:, 3])
    x, y, z = transform_to_view(picture.camera, middle)
    if not (np.isfinite([x, y, z]).all() and z > 0):
        return None
    (fx, fy), (cx, cy) = picture.camera.focal, picture.camera.centre
    return float(x / z * fx + cx), float(y / z * fy + cy)
