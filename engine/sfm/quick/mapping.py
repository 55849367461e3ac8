"""Mapping: poses, lenses and points from verified pairs, and the covariance of the lenses."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from engine.sfm.events import Mapped
from engine.sfm.lens import Lens, contradicts, make_prior_lens
from engine.sfm.mapping import MAXIMUM_MODELS, map_largest_model
from engine.sfm.quick.features import open_feature_file
from engine.sfm.quick.lenses.model_lenses import estimate_lenses, improve_lens, keep_lenses
from engine.sfm.quick.lenses.own_lenses import PhotoLenses
from engine.sfm.quick.matching import MatchedPair, SmallCamera, make_camera


@dataclass(frozen=True)
class MappingOptions:
    """How exactly the mapper adjusts everything in between; `refinement` does so once more at the end.

    Attributes:
        tolerance: relative decrease of the cost at which an adjustment ends. COLMAP's default, 0, takes all of its
            steps each time.
        many_photos: from so many photos on,
        growth: everything is adjusted each time that the model has grown by this factor (COLMAP: 1.1), and
        repeats: so many times at most (COLMAP: 5).
        points_per_photo: of a model, below which it is poor, as one with less than half of the photos is.
        focal_factors: instead of a poor model others are begun, with so many times the focal length that was guessed;
            it is adjusted as they grow.
        models_per_focal: that are begun with each, at most: a right focal length needs one or two.
    """

    tolerance: float = 1e-5
    many_photos: int = 100
    growth: float = 1.3
    repeats: int = 2
    points_per_photo: int = 5
    focal_factors: tuple[float, ...] = (1.0, 1.4, 0.7)
    models_per_focal: int = 5


OPTIONS = MappingOptions()


@dataclass(frozen=True)
class SmallModel:
    """The largest model, in pixels of the small copies.

    Attributes:
        poses: world-to-camera `[R|t]` of each photo; NaN where it was not registered.
        lenses: of each camera, by matches and prior knowledge; None where no photo of it was registered.
        points: of the model, in its world.
        photo, feature, point: of each observation: which photo's which feature shows which point.
        pixels: of each observation, where it was seen.
        error: mean reprojection error.
        cameras: with the focal lengths that the mapper began with.
        own: lenses of the photos, where those of a camera do not share its lens.
    """

    poses: Float[np.ndarray, "photos 3 4"]
    lenses: tuple[Lens | None, ...]
    points: Float[np.ndarray, "points 3"]
    photo: Int[np.ndarray, " observations"]
    feature: Int[np.ndarray, " observations"]
    point: Int[np.ndarray, " observations"]
    pixels: Float[np.ndarray, "observations 2"]
    error: float
    cameras: tuple[SmallCamera, ...]
    own: PhotoLenses | None = None


@dataclass(frozen=True)
class _Numbering:
    """Photos are named by their numbers."""

    names: tuple[str, ...]

    def find_number(self, name: str) -> int:
        return int(name)


def map_photos(
    folder: Path,
    cameras: Sequence[SmallCamera],
    camera_of: Sequence[int],
    pairs: Sequence[MatchedPair],
    cropped: Sequence[SmallCamera] | None = None,
) -> Iterator[Mapped | SmallModel | None]:
    """Registers as many photos as possible in one model (a task of `Workers`).

    Args:
        folder: of a `FeatureFile`.
        cameras: photos of one camera share their lens.
        camera_of: number of each photo's camera.
        pairs: those with a geometry.
        cropped: the cameras if photos of several sizes were cropped from those of one, which is tried where the model
            is poor or does not tell their lenses.
    Yields:
        the model after each step, and the result: None if no three photos could be registered.
    """
    model, images, lenses = yield from _map_once(folder, cameras, camera_of, pairs)
    for factor in OPTIONS.focal_factors:
        if not _is_poor(model, len(camera_of)):
            break
        # COLMAP begins with the focal length that two photos alone seem to tell, unless it takes it for known.
        guessed = [replace(camera, focal=factor * camera.focal, nominal=True) for camera in cameras]
        again = yield from _map_once(folder, guessed, camera_of, pairs, OPTIONS.models_per_focal)
        if _measure_size(again[0]) > _measure_size(model):
            model, images, lenses = again
    if cropped is not None and (_is_poor(model, len(camera_of)) or not _has_lenses(model, lenses)):
        again = yield from _map_once(folder, cropped, camera_of, pairs, OPTIONS.models_per_focal)
        fewer = _measure_size(again[0])[0] < _measure_size(model)[0]
        if not fewer and _has_lenses(again[0], again[2]):
            model, images, lenses = again
            cameras = [replace(camera, nominal=False) for camera in cropped]
    wrong = [number for number, lens in lenses.items() if _is_wrong(cameras[number - 1], lens)]
    if wrong:  # the mapper began with a wrong focal length: another model begins with the one that it ended with
        corrected = list(cameras)
        for number in wrong:
            corrected[number - 1] = replace(cameras[number - 1], focal=lenses[number].focal, nominal=False)
        again = yield from _map_once(folder, corrected, camera_of, pairs)
        if _rate(again[0]) > _rate(model):
            model, images, lenses = again
        cameras = corrected
    if model is None:
        yield None
        return
    improved = {number: improve_lens(lens, cameras[number - 1]) for number, lens in lenses.items()}
    keep_lenses(model, improved)
    yield _read(model, images, tuple(improved.get(number + 1) for number in range(len(cameras))), tuple(cameras))


def _map_once(
    folder: Path,
    cameras: Sequence[SmallCamera],
    camera_of: Sequence[int],
    pairs: Sequence[MatchedPair],
    most_models: int = MAXIMUM_MODELS,
) -> Generator[Mapped, None, tuple[Any, list[int], dict[int, Lens]]]:
    """The largest model (`pycolmap.Reconstruction` or None), COLMAP's ids of the photos, and lenses by those of the
    cameras."""
    import pycolmap

    with pycolmap.Database.open(":memory:") as database:
        images = _fill(database, folder, cameras, camera_of, pairs)
        names = tuple(map(str, range(len(camera_of))))
        model = yield from map_largest_model(_Numbering(names), database, _choose_options(len(names)), most_models)
    return model, images, {} if model is None else estimate_lenses(model)


def _choose_options(photos: int) -> Any:
    """Of the mapper (`pycolmap.IncrementalPipelineOptions`)."""
    import pycolmap

    chosen = pycolmap.IncrementalPipelineOptions(random_seed=0, extract_colors=False)
    chosen.ba_local_function_tolerance = chosen.ba_global_function_tolerance = OPTIONS.tolerance
    if photos >= OPTIONS.many_photos:
        chosen.ba_global_frames_ratio = chosen.ba_global_points_ratio = OPTIONS.growth
        chosen.ba_global_max_refinements = OPTIONS.repeats
    return chosen


def _is_poor(model: Any, photos: int) -> bool:
    """Whether a model has less than half of the photos, or hardly any points."""
    registered, points = _measure_size(model)
    return 2 * registered < photos or points < OPTIONS.points_per_photo * registered


def _has_lenses(model: Any, lenses: dict[int, Lens]) -> bool:
    """Whether each camera that registered photos have got a lens; without one, photos contradict each other."""
    return model is not None and {image.camera_id for image in model.images.values() if image.has_pose} <= set(lenses)


def _measure_size(model: Any) -> tuple[int, int]:
    """Registered photos and points."""
    return (0, 0) if model is None else (model.num_reg_images(), model.num_points3D())


def _is_wrong(camera: SmallCamera, lens: Lens) -> bool:
    """Whether the camera's focal length comes from EXIF and the matches rule it out."""
    return camera.nominal and contradicts(make_prior_lens(camera.focal, True), lens)


def _rate(model: Any) -> tuple[int, float]:
    """The better model registers more photos; of equals, it has the smaller reprojection error."""
    return (0, 0.0) if model is None else (model.num_reg_images(), -model.compute_mean_reprojection_error())


def _fill(
    database: Any, folder: Path, cameras: Sequence[SmallCamera], camera_of: Sequence[int], pairs: Sequence[MatchedPair]
) -> list[int]:
    """Writes cameras, features and verified matches into a COLMAP database; returns COLMAP's id of each photo."""
    import pycolmap

    features = open_feature_file(folder)
    rigs = []
    for camera in map(make_camera, cameras):
        camera.camera_id = database.write_camera(camera)
        rig = pycolmap.Rig()
        rig.add_ref_sensor(camera.sensor_id)
        rig.rig_id = database.write_rig(rig)
        rigs.append((camera, rig))
    images: list[int] = []
    for photo, number in enumerate(camera_of):
        camera, rig = rigs[number]
        image = pycolmap.Image(name=str(photo), camera_id=camera.camera_id)
        image.image_id = database.write_image(image)
        frame = pycolmap.Frame()
        frame.rig_id = rig.rig_id
        frame.add_data_id(image.data_id)
        database.write_frame(frame)
        database.write_keypoints(image.image_id, features.read_points(photo).astype(np.float32))
        images.append(image.image_id)
    for matched in pairs:
        first, second = matched.pair
        geometry = pycolmap.TwoViewGeometry(**(matched.geometry or {}))
        geometry.inlier_matches = matched.inliers
        database.write_two_view_geometry(images[first], images[second], geometry)
    return images


def _read(
    model: Any, images: list[int], lenses: tuple[Lens | None, ...], cameras: tuple[SmallCamera, ...]
) -> SmallModel:
    number = {image: photo for photo, image in enumerate(images)}
    poses = np.full((len(images), 3, 4), np.nan)
    for image in model.images.values():
        if image.has_pose:
            poses[number[image.image_id]] = image.cam_from_world().matrix()
    points = list(model.points3D.values())
    observations = [
        (number[element.image_id], element.point2D_idx, index)
        for index, point in enumerate(points)
        for element in point.track.elements
    ]
    table = np.array(observations, dtype=np.int64).reshape(-1, 3)
    pixels = [
        model.images[element.image_id].point2D(element.point2D_idx).xy
        for point in points
        for element in point.track.elements
    ]
    return SmallModel(
        poses=poses,
        lenses=lenses,
        points=np.array([point.xyz for point in points]).reshape(-1, 3),
        photo=table[:, 0],
        feature=table[:, 1],
        point=table[:, 2],
        pixels=np.array(pixels).reshape(-1, 2),
        error=float(model.compute_mean_reprojection_error()),
        cameras=cameras,
    )
