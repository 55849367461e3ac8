"""A model of small copies made as exact as their pixels allow: refined keypoints, and everything adjusted to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from engine.sfm.quick.keypoint_refinement import CopiesFile, SeenPoints, refine_keypoints
from engine.sfm.quick.mapping import SmallModel
from engine.sfm.quick.matching import make_camera
from engine.sfm.quick.model_lenses import adjust_robustly, estimate_lenses, improve_lens, keep_lenses
from engine.sfm.quick.workers import Workers


@dataclass(frozen=True)
class AdjustmentOptions:
    """How strongly wrong keypoints count.

    Attributes:
        first_scale: of the robust loss in the first adjustment, pixels: about the errors of SIFT's keypoints.
        deviations: its scale in the second one, in medians of the errors that the first one leaves.
        least_scale: of the second one at least, pixels.
        observations_per_task: that a process refines before it gets new ones.
    """

    first_scale: float = 1.0
    deviations: float = 3.0
    least_scale: float = 0.1
    observations_per_task: int = 4000


OPTIONS = AdjustmentOptions()


def refine_model(
    model: SmallModel,
    images: Sequence[UInt8[np.ndarray, "height width"]],
    camera_of: Sequence[int],
    folder: Path,
    workers: Workers,
) -> SmallModel:
    """The model with refined keypoints, and poses, points and lenses adjusted to them.

    Args:
        model: of the small copies.
        images: these copies, grey.
        camera_of: number of each photo's camera.
        folder: for files of the processes.
        workers: processes that do the work.
    Returns:
        the refined model; the one given where a camera of it has no lens.
    """
    lenses = [model.lenses[number] for number in camera_of]
    registered = np.isfinite(model.poses[:, 0, 0])
    if any(lens is None for lens, known in zip(lenses, registered, strict=True) if known):
        return model
    order = np.argsort(model.point, kind="stable")
    model = replace(model, **{name: getattr(model, name)[order] for name in ("photo", "feature", "point", "pixels")})
    seen = SeenPoints(
        photo=model.photo,
        point=model.point,
        pixels=model.pixels,
        poses=model.poses,
        focal=np.array([1.0 if lens is None else lens.focal for lens in lenses]),
        radial=np.array([0.0 if lens is None else lens.radial for lens in lenses]),
        points=model.points,
    )
    CopiesFile.write(folder, images)
    parts = list(_split(seen))
    refined: dict[int, Float[np.ndarray, "observations 2"]] = dict(
        workers.run([(refine_keypoints, (folder, part)) for part in parts])
    )
    pixels = np.concatenate([refined[number] for number in range(len(parts))])
    ((_, adjusted),) = workers.run([(adjust_model, (replace(model, pixels=pixels), camera_of))])
    return adjusted


def _split(seen: SeenPoints) -> Iterator[SeenPoints]:
    """Parts of the observations, each with all those of its points."""
    starts = np.nonzero(np.diff(seen.point, prepend=-1))[0]  # of each point's observations
    begin = 0
    while begin < len(seen.photo):
        later = starts[starts >= begin + OPTIONS.observations_per_task]
        end = int(later[0]) if len(later) else len(seen.photo)
        first, last = seen.point[begin], seen.point[end - 1]
        yield replace(
            seen,
            photo=seen.photo[begin:end],
            point=seen.point[begin:end] - first,
            pixels=seen.pixels[begin:end],
            points=seen.points[first : last + 1],
        )
        begin = end


def adjust_model(model: SmallModel, camera_of: Sequence[int]) -> Iterator[SmallModel]:
    """Adjusts poses, points and lenses to the keypoints, robustly (a task of `Workers`).

    Args:
        model: with a lens for each camera that registered photos have.
        camera_of: number of each photo's camera.
    Yields:
        the adjusted model.
    """
    reconstruction = _build(model, camera_of)
    adjust_robustly(reconstruction, OPTIONS.first_scale)
    scale = max(OPTIONS.deviations * _measure_median_error(reconstruction, model), OPTIONS.least_scale)
    lenses = {
        number: improve_lens(lens, model.cameras[number - 1])
        for number, lens in estimate_lenses(reconstruction, scale).items()
    }
    keep_lenses(reconstruction, lenses, scale)
    poses = np.full_like(model.poses, np.nan)
    for number, image in reconstruction.images.items():
        poses[number - 1] = image.cam_from_world().matrix()
    yield replace(
        model,
        poses=poses,
        lenses=tuple(lenses.get(number + 1, lens) for number, lens in enumerate(model.lenses)),
        points=_list_points(reconstruction, len(model.points)),
        error=float(reconstruction.compute_mean_reprojection_error()),
    )


def _build(model: SmallModel, camera_of: Sequence[int]) -> Any:
    """A `pycolmap.Reconstruction`; its ids of cameras, images and points are our numbers plus one."""
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


def _list_points(reconstruction: Any, count: int) -> Float[np.ndarray, "points 3"]:
    """Positions of the points, in the order of our numbers."""
    return np.array([reconstruction.points3D[number + 1].xyz for number in range(count)])


def _measure_median_error(reconstruction: Any, model: SmallModel) -> float:
    """Of the reprojection of all observations, pixels."""
    points = _list_points(reconstruction, len(model.points))
    errors = []
    for photo in np.unique(model.photo).tolist():
        own, image = model.photo == photo, reconstruction.images[photo + 1]
        pose = image.cam_from_world().matrix()
        shown = image.camera.img_from_cam(points[model.point[own]] @ pose[:, :3].T + pose[:, 3])
        errors.append(np.linalg.norm(np.asarray(shown, dtype=np.float64) - model.pixels[own], axis=1))
    return float(np.nanmedian(np.concatenate(errors)))
