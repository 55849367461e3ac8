"""Lens estimation from the matches of the quick overlap check, by a small reconstruction.

Colours alone determine the focal length badly: in a forward-facing scene a longer focal length with a deeper world
looks nearly the same. Matched points are more exact, and the bundle adjustment of a few hundred of them also gives a
covariance.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray


@dataclass(frozen=True)
class LensOptions:
    """Numbers of lens estimation.

    Attributes:
        minimum_points: of the small reconstruction; from fewer the lens is not taken.
        minimum_share: of the photos that must be registered in it, in [0, 1].
        exif_deviation: relative standard deviation of a focal length that comes from EXIF (rounded to millimetres).
        guess_deviation: the same where EXIF has none and a usual one is assumed.
        radial_deviation: standard deviation of k1 over the lenses of phones and similar cameras.
        deviation_factor: by which standard deviations of the bundle adjustment are enlarged. Errors of matches are
            correlated: on three scenes focal lengths were 2 to 4 times as far off as the adjustment said.
    """

    minimum_points: int = 60
    minimum_share: float = 0.5
    exif_deviation: float = 0.03
    guess_deviation: float = 0.2
    radial_deviation: float = 0.02
    deviation_factor: float = 3.0


OPTIONS = LensOptions()


@dataclass(frozen=True)
class Lens:
    """A focal length and a radial distortion with their covariance.

    Attributes:
        focal: pixels, > 0.
        radial: k1 of OpenCV's model.
        covariance: of (logarithm of the focal length, k1).
    """

    focal: float
    radial: float
    covariance: Float[np.ndarray, "2 2"]

    @property
    def focal_deviation(self) -> float:
        """Relative standard deviation of the focal length."""
        return float(np.sqrt(self.covariance[0, 0]))

    def scaled(self, factor: float) -> Lens:
        """The same lens for an image `factor` times as large: the focal length is multiplied by it."""
        return Lens(self.focal * factor, self.radial, self.covariance)


def make_prior_lens(focal: float, nominal: bool) -> Lens:
    """The prior distribution of a lens before any matches are used.

    Args:
        focal: pixels.
        nominal: whether the focal length comes from EXIF; else it is a guess.
    """
    deviation = OPTIONS.exif_deviation if nominal else OPTIONS.guess_deviation
    return Lens(focal, 0.0, np.diag([deviation, OPTIONS.radial_deviation]) ** 2)


def combine_lenses(one: Lens, other: Lens) -> Lens:
    """The product of two normal distributions of the same lens: precisions add up."""
    precisions = [np.linalg.inv(lens.covariance) for lens in (one, other)]
    means = [np.array([np.log(lens.focal), lens.radial]) for lens in (one, other)]
    covariance = np.linalg.inv(sum(precisions))
    mean = covariance @ sum(precision @ mean for precision, mean in zip(precisions, means, strict=True))
    return Lens(float(np.exp(mean[0])), float(mean[1]), covariance)


def estimate_lens(
    points: Sequence[Float[np.ndarray, "features 2"]],
    pairs: Mapping[tuple[int, int], Any],
    size: tuple[int, int],
    focal: float,
) -> Lens | None:
    """The lens of a reconstruction from verified matches; None where too few photos or points can be registered.

    Args:
        points: features of each photo, pixels.
        pairs: `pycolmap.TwoViewGeometry` by photo indices, for pairs that overlap.
        size: (width, height) of all photos, pixels.
        focal: initial focal length, pixels.
    """
    with tempfile.TemporaryDirectory() as folder:
        model = _reconstruct(Path(folder), points, pairs, size, focal)
    too_few = model is None or model.num_points3D() < OPTIONS.minimum_points
    if too_few or model.num_reg_images() < max(OPTIONS.minimum_share * len(points), 3):
        return None
    covariance = _estimate_covariance(model)
    parameters = next(iter(model.cameras.values())).params
    if covariance is None or not parameters[0] > 0:
        return None
    return Lens(float(parameters[0]), float(parameters[3]), covariance)


def _reconstruct(
    folder: Path,
    points: Sequence[NDArray[np.float64]],
    pairs: Mapping[tuple[int, int], Any],
    size: tuple[int, int],
    focal: float,
) -> Any:
    """The `pycolmap.Reconstruction` with most registered photos, or None."""
    import pycolmap

    database = folder / "database.db"
    with pycolmap.Database.open(database) as open_database:
        _fill(open_database, points, pairs, size, focal)
    options = pycolmap.IncrementalPipelineOptions(
        min_model_size=3, multiple_models=False, extract_colors=False, random_seed=0
    )
    models = pycolmap.incremental_mapping(database, folder, folder, options)
    return max(models.values(), key=lambda model: model.num_reg_images(), default=None)


def _fill(
    database: Any,
    points: Sequence[NDArray[np.float64]],
    pairs: Mapping[tuple[int, int], Any],
    size: tuple[int, int],
    focal: float,
) -> None:
    """Writes one camera for all photos, their features and their verified matches into a COLMAP database."""
    import pycolmap

    width, height = size
    camera = pycolmap.Camera(
        model="SIMPLE_RADIAL", width=width, height=height, params=[focal, width / 2, height / 2, 0.0]
    )
    camera.camera_id = database.write_camera(camera)
    rig = pycolmap.Rig()
    rig.add_ref_sensor(camera.sensor_id)
    rig.rig_id = database.write_rig(rig)
    numbers = []
    for index, features in enumerate(points):
        image = pycolmap.Image(name=f"{index:06d}", camera_id=camera.camera_id)
        image.image_id = database.write_image(image)
        frame = pycolmap.Frame()
        frame.rig_id = rig.rig_id
        frame.add_data_id(image.data_id)
        database.write_frame(frame)
        database.write_keypoints(image.image_id, features.astype(np.float32))
        numbers.append(image.image_id)
    for (first, second), geometry in pairs.items():
        database.write_two_view_geometry(numbers[first], numbers[second], geometry)


def _estimate_covariance(model: Any) -> NDArray[np.float64] | None:
    """Covariance of (logarithm of the focal length, k1), scaled by the model's own mean reprojection error."""
    import pycolmap

    config = pycolmap.BundleAdjustmentConfig()
    for image in model.reg_image_ids():
        config.add_image(image)
    config.fix_gauge(pycolmap.BundleAdjustmentGauge.TWO_CAMS_FROM_WORLD)
    adjuster = pycolmap.create_default_ceres_bundle_adjuster(pycolmap.BundleAdjustmentOptions(), config, model)
    adjuster.solve()
    found = pycolmap.estimate_ba_covariance(pycolmap.BACovarianceOptions(), model, adjuster)
    parameters = next(iter(model.cameras.values())).params
    covariance = None if found is None else found.get_other_params_cov(parameters)
    if covariance is None or not np.isfinite(covariance).all():
        return None
    by_logarithm = np.diag([1 / parameters[0], 1.0])
    noise = OPTIONS.deviation_factor * max(float(model.compute_mean_reprojection_error()), 1e-3)
    return by_logarithm @ covariance @ by_logarithm * noise**2
