"""What the matches of a quick look tell about the lens: a small reconstruction, of which only the lens is kept.

Photos from the identity know nothing of their lens, and colours tell little: over a scene that all cameras face, a
longer focal length with a deeper world looks nearly the same. Matched points are more exact than colours, and a bundle
adjustment of a few hundred of them says how sure it is.
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

FEWEST_POINTS = 60
FEWEST_SHARE = 0.5  # of the photos must be registered
NOMINAL, GUESSED = 0.03, 0.2  # standard deviation of a focal length that EXIF tells, and of one that nobody does
USUAL_RADIAL = 0.02  # standard deviation of k1 over the lenses of phones and the like
OPTIMISM = 3.0  # mistakes of matches go together: on three scenes focal lengths ended 2 to 4 times as far off as said


@dataclass(frozen=True)
class Lens:
    """A focal length and radial distortion, and how sure they are.

    Attributes:
        focal: pixels.
        radial: k1.
        covariance: of the logarithm of the focal length, and k1.
    """

    focal: float
    radial: float
    covariance: Float[np.ndarray, "2 2"]

    @property
    def sure_of_focal(self) -> float:
        """Relative standard deviation of the focal length."""
        return float(np.sqrt(self.covariance[0, 0]))

    def scaled(self, factor: float) -> Lens:
        """The same lens in pixels that many times smaller."""
        return Lens(self.focal * factor, self.radial, self.covariance)


def make_prior_lens(focal: float, nominal: bool) -> Lens:
    """What is known before anybody has looked; `nominal` where EXIF tells the focal length."""
    return Lens(focal, 0.0, np.diag([NOMINAL if nominal else GUESSED, USUAL_RADIAL]) ** 2)


def combine_lenses(one: Lens, other: Lens) -> Lens:
    """The product of two normal distributions."""
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
    """The lens that makes most of the matches agree in space; None where too few do.

    Args:
        points: features of each photo, pixels.
        pairs: `pycolmap.TwoViewGeometry` of those that overlap.
        size: of all photos, pixels.
        focal: to begin with, pixels.
    """
    with tempfile.TemporaryDirectory() as folder:
        model = _reconstructed(Path(folder), points, pairs, size, focal)
    few = model is None or model.num_points3D() < FEWEST_POINTS
    if few or model.num_reg_images() < max(FEWEST_SHARE * len(points), 3):
        return None
    covariance = _covariance(model)
    parameters = next(iter(model.cameras.values())).params
    if covariance is None or not parameters[0] > 0:
        return None
    return Lens(float(parameters[0]), float(parameters[3]), covariance)


def _reconstructed(
    folder: Path,
    points: Sequence[NDArray[np.float64]],
    pairs: Mapping[tuple[int, int], Any],
    size: tuple[int, int],
    focal: float,
) -> Any:
    """The model with most photos, or None."""
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
    """One camera for all photos, their features, and the matches that agree."""
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


def _covariance(model: Any) -> NDArray[np.float64] | None:
    """Of the logarithm of the focal length, and k1; at the size of the model's own residuals."""
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
    noise = OPTIMISM * max(float(model.compute_mean_reprojection_error()), 1e-3)
    return by_logarithm @ covariance @ by_logarithm * noise**2
