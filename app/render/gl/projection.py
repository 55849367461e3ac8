"""Where OpenCV cameras become OpenGL's matrices, and nowhere else.

World and camera axes are OpenCV's (x right, y down, z forward); OpenGL's eye looks along -z with y up. Matrices here
are for column vectors, `clip = projection @ view @ point`.
"""

from __future__ import annotations

import numpy as np
import pyrr
from jaxtyping import Float

from app.model.common.pictures import CamerasPicture
from app.render.gl.programs import Value, to_matrix_bytes
from engine.geometry.view_camera import ViewCamera

Matrix = Float[np.ndarray, "4 4"]

OPENGL_EYE = np.diag([1.0, -1.0, -1.0, 1.0])
MOST_FAR_TO_NEAR = 4000.0  # ratio: up to it the depth buffer's 24 bits still tell a line from the photo it frames
SMALLEST_NEAR = 1e-4  # scene units


def make_view_matrix(camera: ViewCamera) -> Matrix:
    """From the world to OpenGL's eye."""
    matrix = np.eye(4)
    matrix[:3] = camera.world_to_camera
    return OPENGL_EYE @ matrix


def make_projection_matrix(camera: ViewCamera, near: float, far: float) -> Matrix:
    """From OpenGL's eye to clip space, with depths 0 < near < far in scene units; any principal point is allowed."""
    (width, height), (fx, fy), (cx, cy) = camera.size, camera.focal, camera.centre
    left, right = -cx / fx * near, (width - cx) / fx * near
    bottom, top = -(height - cy) / fy * near, cy / fy * near
    rows = pyrr.matrix44.create_perspective_projection_from_bounds(left, right, bottom, top, near, far, np.float64)
    return rows.T  # pyrr multiplies row vectors


def find_clip_planes(picture: CamerasPicture) -> tuple[float, float]:
    """Depths of the clip planes, scene units, between which everything in the picture lies."""
    points = _extent(picture)
    pose = picture.camera.world_to_camera.astype(np.float64)
    depths = points @ pose[2, :3] + pose[2, 3]
    reach = max(picture.frustum_depth * (1 + max(picture.image_plane)), 1e-6)
    far = max(float(depths.max(initial=0.0)) + 2 * reach, 4 * reach)
    near = float(depths.min(initial=far)) - 2 * reach
    return max(near, far / MOST_FAR_TO_NEAR, SMALLEST_NEAR), max(far, 2 * SMALLEST_NEAR)


def make_view_projection(picture: CamerasPicture) -> tuple[Matrix, Matrix]:
    """View and projection of the 3D view."""
    near, far = find_clip_planes(picture)
    return make_view_matrix(picture.camera), make_projection_matrix(picture.camera, near, far)


def make_camera_uniforms(camera: ViewCamera, size: tuple[int, int]) -> dict[str, Value]:
    """The uniforms of a camera for shaders that follow its rays, at a size (width, height) other than its own."""
    rotation, translation = camera.world_to_camera[:, :3], camera.world_to_camera[:, 3]
    across, down = size[0] / camera.size[0], size[1] / camera.size[1]
    return {
        "camera_to_world": to_matrix_bytes(rotation.T),
        "origin": tuple(map(float, -rotation.T @ translation)),
        "focal": (camera.focal[0] * across, camera.focal[1] * down),
        "centre": (camera.centre[0] * across, camera.centre[1] * down),
    }


def _extent(picture: CamerasPicture) -> Float[np.ndarray, "points 3"]:
    """Points in the world that enclose what is drawn; not finite ones are left out."""
    groups = []
    for cameras in (picture.fitted, picture.initial, picture.reference, picture.colmap, picture.contestants):
        if cameras is not None and len(cameras.poses):
            poses = cameras.poses.astype(np.float64)
            groups.append(-np.einsum("fij,fi->fj", poses[:, :, :3], poses[:, :, 3]))
    if picture.points is not None:
        groups.append(picture.points.places.astype(np.float64))
    if picture.trails is not None:
        groups.append(picture.trails.reshape(-1, 3).astype(np.float64))
    if picture.rays is not None:
        origins = picture.rays.origins.astype(np.float64)
        groups += [origins, origins + picture.rays.length * picture.rays.directions]
    if picture.ground is not None:
        half = picture.ground.spacing * picture.ground.cells * 2**0.5
        corners = np.array([[x, y, z] for x in (-half, half) for y in (-half, half) for z in (-half, half)])
        groups.append(np.array(picture.ground.origin) + corners)
    points = np.concatenate(groups) if groups else np.zeros((0, 3))
    return points[np.isfinite(points).all(axis=1)]
