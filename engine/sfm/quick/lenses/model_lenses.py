"""Lenses of a model by bundle adjustment, their covariance, and what was known of them before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.sfm.lens import OPTIONS as LENS_OPTIONS
from engine.sfm.lens import Lens, combine_lenses, make_prior_lens
from engine.sfm.quick.matching import SmallCamera

TOLERANCE = 1e-7  # relative decrease of the cost at which an adjustment ends; COLMAP's default takes all steps
ROBUST_STEPS = 100  # of a robust adjustment, at most: 300 frames end at 1.2° after 30 steps, and at 0.006° after 100


def improve_lens(lens: Lens, camera: SmallCamera) -> Lens:
    """The lens by the matches and by what was known before; few photos alone determine it badly."""
    return combine_lenses(make_prior_lens(camera.focal, camera.nominal), lens)


def adjust_robustly(model: Any, scale: float) -> None:
    """Adjusts poses, points and lenses of a `pycolmap.Reconstruction`; `scale` is that of the loss, pixels."""
    make_adjuster(model, make_options(scale)).solve()


def keep_lenses(model: Any, lenses: dict[int, Lens], scale: float | None = None) -> None:
    """Adjusts poses and points of a `pycolmap.Reconstruction` to lenses that stay as they are.

    Args:
        model: to be adjusted.
        lenses: by the ids of the cameras.
        scale: of the robust loss, pixels; None takes squares.
    """
    for number, lens in lenses.items():
        width, height = model.cameras[number].width, model.cameras[number].height
        model.cameras[number].params = [lens.focal, width / 2, height / 2, lens.radial]
    options = make_options(scale)
    options.refine_focal_length = options.refine_extra_params = False
    make_adjuster(model, options).solve()
    model.update_point_3d_errors()


def make_adjuster(model: Any, options: Any, held: Iterable[int] = ()) -> Any:
    """A bundle adjustment of everything in a model (`pycolmap.CeresBundleAdjuster`).

    Args:
        model: to be adjusted.
        options: `pycolmap.BundleAdjustmentOptions`.
        held: ids of cameras whose lenses stay as they are.
    """
    import pycolmap

    config = pycolmap.BundleAdjustmentConfig()
    for camera in held:
        config.set_constant_cam_intrinsics(camera)
    for image in model.reg_image_ids():
        config.add_image(image)
    config.fix_gauge(pycolmap.BundleAdjustmentGauge.TWO_CAMS_FROM_WORLD)
    return pycolmap.create_default_ceres_bundle_adjuster(options, config, model)


def make_options(scale: float | None) -> Any:
    """Of an adjustment; with a scale, Cauchy's loss, under which errors far beyond it count little."""
    import pycolmap

    options = pycolmap.BundleAdjustmentOptions()
    options.ceres.solver_options.function_tolerance = TOLERANCE
    if scale is not None:
        options.ceres.loss_function_type = pycolmap.LossFunctionType.CAUCHY
        options.ceres.loss_function_scale = scale
        options.ceres.solver_options.max_num_iterations = ROBUST_STEPS
    return options


def estimate_lenses(model: Any, scale: float | None = None) -> dict[int, Lens]:
    """The lenses of a `pycolmap.Reconstruction` by the ids of its cameras, after another adjustment of everything.

    Covariances are those of the adjustment times the model's own mean reprojection error, enlarged by
    `LensOptions.deviation_factor`. A camera whose covariance cannot be computed, or whose focal length is not
    positive, has no lens.

    Args:
        model: to be adjusted.
        scale: of a robust loss, pixels; None takes squares.
    """
    import pycolmap

    adjuster = make_adjuster(model, make_options(scale))
    adjuster.solve()
    model.update_point_3d_errors()
    found = pycolmap.estimate_ba_covariance(
        pycolmap.BACovarianceOptions(params=pycolmap.BACovarianceOptionsParams.ALL), model, adjuster
    )
    noise = LENS_OPTIONS.deviation_factor * max(float(model.compute_mean_reprojection_error()), 1e-3)
    used = {image.camera_id for image in model.images.values() if image.has_pose}
    lenses = {}
    for number in used:
        parameters: NDArray[np.float64] = model.cameras[number].params
        covariance = None if found is None else found.get_other_params_cov(parameters)
        if covariance is None or not np.isfinite(covariance).all() or not parameters[0] > 0:
            continue
        by_logarithm = np.diag([1 / parameters[0], 1.0])
        scaled = by_logarithm @ covariance @ by_logarithm * noise**2
        lenses[number] = Lens(float(parameters[0]), float(parameters[3]), scaled)
    return lenses
