"""A model of small copies made as exact as their pixels allow: refined keypoints, and everything adjusted to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from engine.sfm.quick.keypoint_refinement import CopiesFile, SeenPoints, refine_keypoints
from engine.sfm.quick.lenses.model_lenses import adjust_robustly, estimate_lenses, improve_lens, keep_lenses
from engine.sfm.quick.lenses.own_lenses import PhotoGroups, PhotoLenses
from engine.sfm.quick.lenses.photo_lenses import adjust_photo_lenses, find_photo_lenses
from engine.sfm.quick.lenses.rebuilding import (
    build_reconstruction,
    list_points,
    measure_mean_error,
    measure_median_error,
)
from engine.sfm.quick.mapping import SmallModel
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
    model = refine_points(
        model,
        np.array([1.0 if lens is None else lens.focal for lens in lenses]),
        np.array([0.0 if lens is None else lens.radial for lens in lenses]),
        images,
        folder,
        workers,
    )
    ((_, adjusted),) = workers.run([(adjust_model, (model, camera_of))])
    return adjusted


def refine_photo_lenses(
    model: SmallModel,
    images: Sequence[UInt8[np.ndarray, "height width"]],
    groups: PhotoGroups,
    folder: Path,
    workers: Workers,
) -> SmallModel:
    """The model with lenses of the photos' own, where they do not share their camera's: cropped or zoomed ones.

    Args:
        model: refined.
        images: the small copies, grey.
        groups: of the photos.
        folder: for files of the processes.
        workers: processes that do the work.
    Returns:
        the model given where photos share lenses, or matches do not tell theirs.
    """
    ((_, found),) = workers.run([(find_photo_lenses, (model, groups))])
    if found is None:
        return model
    own: PhotoLenses = found.own
    if not own.certain:
        return found
    # keypoints were brought into agreement under wrong cameras; now these are nearly right
    found = refine_points(found, np.nan_to_num(own.focal, nan=1.0), np.nan_to_num(own.radial), images, folder, workers)
    ((_, adjusted),) = workers.run([(adjust_photo_lenses, (found, groups))])
    return adjusted


def refine_points(
    model: SmallModel,
    focal: Float[np.ndarray, " photos"],
    radial: Float[np.ndarray, " photos"],
    images: Sequence[UInt8[np.ndarray, "height width"]],
    folder: Path,
    workers: Workers,
) -> SmallModel:
    """The model with refined keypoints, its observations sorted by point; cameras and points are as before.

    Args:
        model: of the small copies.
        focal, radial: of each photo's lens.
        images: the copies, grey.
        folder: for files of the processes.
        workers: processes that do the work.
    """
    order = np.argsort(model.point, kind="stable")
    model = replace(model, **{name: getattr(model, name)[order] for name in ("photo", "feature", "point", "pixels")})
    seen = SeenPoints(model.photo, model.point, model.pixels, model.poses, focal, radial, model.points)
    CopiesFile.write(folder, images)
    parts = list(_split(seen))
    refined: dict[int, Float[np.ndarray, "observations 2"]] = dict(
        workers.run([(refine_keypoints, (folder, part)) for part in parts])
    )
    return replace(model, pixels=np.concatenate([refined[number] for number in range(len(parts))]))


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
    reconstruction = build_reconstruction(model, camera_of)
    adjust_robustly(reconstruction, OPTIONS.first_scale)
    scale = max(OPTIONS.deviations * measure_median_error(reconstruction, model), OPTIONS.least_scale)
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
        points=list_points(reconstruction, len(model.points)),
        error=measure_mean_error(reconstruction, model),
    )
