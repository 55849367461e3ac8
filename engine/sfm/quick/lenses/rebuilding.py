"""A model as a `pycolmap.Reconstruction` again, and its errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.sfm.quick.mapping import SmallModel
from engine.sfm.quick.matching import make_camera


def build_reconstruction(model: SmallModel, camera_of: Sequence[int]) -> Any:
    """A `pycolmap.Reconstruction`; its ids of cameras, images and points are our numbers plus one.

    Args:
        model: its observations sorted by point, with a lens for each camera that registered photos have.
        camera_of: number of each photo's camera.
    """
    import pycolmap

    made = pycolmap.Reconstruction()
    for number, (camera, lens) in enumerate(zip(model.cameras, model.lenses, strict=True)):
        if lens is not None:
            small = make_camera(camera)
            small.camera_id = number + 1
            small.params = [lens.focal, camera.size[0] / 2, camera.size[1] / 2, lens.radial]
            made.add_camera_with_trivial_rig(small)
    place = np.zeros(len(model.photo), dtype=np.int64)  # of each observation among those of its photo
    for photo in np.unique(model.photo).tolist():
        own = np.nonzero(model.photo == photo)[0]
        place[own] = np.arange(len(own))
        image = pycolmap.Image(
            name=str(photo), camera_id=camera_of[photo] + 1, image_id=photo + 1, keypoints=model.pixels[own]
        )
        made.add_image_with_trivial_frame(image, pycolmap.Rigid3d(model.poses[photo]))
    black = np.zeros(3, dtype=np.uint8)
    bounds = np.searchsorted(model.point, np.arange(len(model.points) + 1))
    for point, (begin, end) in enumerate(zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True)):
        track = pycolmap.Track()
        for observation in range(begin, end):
            track.add_element(int(model.photo[observation]) + 1, int(place[observation]))
        made.add_point3D(model.points[point], track, black)
    return made


def list_points(reconstruction: Any, count: int) -> Float[np.ndarray, "points 3"]:
    """Positions of the points, in the order of our numbers."""
    return np.array([reconstruction.points3D[number + 1].xyz for number in range(count)])


def measure_median_error(reconstruction: Any, model: SmallModel) -> float:
    """Of the reprojection of all observations, pixels."""
    return float(np.nanmedian(measure_errors(reconstruction, model)))


def measure_mean_error(reconstruction: Any, model: SmallModel) -> float:
    """Of the reprojection of all observations, pixels.

    One counts the longer side at most: a point in the plane of a camera would have any error.
    """
    most = max(max(camera.size) for camera in model.cameras)
    return float(np.nan_to_num(measure_errors(reconstruction, model), nan=most).clip(max=most).mean())


def measure_errors(reconstruction: Any, model: SmallModel) -> Float[np.ndarray, " observations"]:
    """Distance of each observation from where its point is seen, pixels; NaN for points behind the camera."""
    points = list_points(reconstruction, len(model.points))
    errors = np.full(len(model.photo), np.nan)
    for photo in np.unique(model.photo).tolist():
        own, image = model.photo == photo, reconstruction.images[photo + 1]
        pose = image.cam_from_world().matrix()
        shown = image.camera.img_from_cam(points[model.point[own]] @ pose[:, :3].T + pose[:, 3])
        errors[own] = np.linalg.norm(np.asarray(shown, dtype=np.float64) - model.pixels[own], axis=1)
    return errors
