"""Poses, lens and points of a model that COLMAP made, by the number of the photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from engine.sfm.background_call import silence_pycolmap


@dataclass(frozen=True)
class SfmModel:
    """A sparse model.

    Attributes:
        poses: world-to-camera of the registered photos, by number.
        focal: in pixels of the photos.
        radial: k1 of the lens.
        width: of the photos, pixels.
        points: sparse points.
        error: mean reprojection error, pixels.
    """

    poses: dict[int, Float[np.ndarray, "3 4"]]
    focal: float
    radial: float
    width: int
    points: Float[np.ndarray, "points 3"]
    error: float


def read_sfm_model(folder: Path, names: Sequence[str]) -> SfmModel:
    """A model whose photos share a camera without or with one radial distortion, as `run_sfm` makes it."""
    silence_pycolmap()
    import pycolmap

    model = pycolmap.Reconstruction(folder)
    number = {name: index for index, name in enumerate(names)}
    images = [image for image in model.images.values() if image.has_pose]
    camera = images[0].camera
    return SfmModel(
        poses={number[image.name]: image.cam_from_world().matrix() for image in images},
        focal=float(camera.mean_focal_length()),
        radial=float(camera.params[3]) if camera.model.name == "SIMPLE_RADIAL" else 0.0,
        width=camera.width,
        points=np.array([point.xyz for point in model.points3D.values()]).reshape(-1, 3),
        error=float(model.compute_mean_reprojection_error()),
    )
