"""Poses, lens and points of a sparse model that COLMAP made, by the numbers of the photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.sfm.background_call import silence_pycolmap


@dataclass(frozen=True)
class SfmLens:
    """The lens of a photo.

    Attributes:
        focal: focal length, pixels of the photo.
        radial: k1; 0 for a pinhole.
        width: of the photo, pixels.
    """

    focal: float
    radial: float
    width: int


@dataclass(frozen=True)
class SfmModel:
    """A sparse model.

    Attributes:
        poses: world-to-camera `[R|t]` of the registered photos, by number.
        lenses: by number, the lens of each registered photo.
        points: sparse points in the model's world.
        error: mean reprojection error, pixels.
    """

    poses: dict[int, Float[np.ndarray, "3 4"]]
    lenses: dict[int, SfmLens]
    points: Float[np.ndarray, "points 3"]
    error: float


def read_sfm_model(folder: Path, names: Sequence[str]) -> SfmModel:
    """Reads a model that `run_sfm` made: cameras with at most one radial distortion coefficient.

    Args:
        folder: of COLMAP's files.
        names: of the photos as in the model; their order gives the numbers.
    """
    silence_pycolmap()
    import pycolmap

    model = pycolmap.Reconstruction(folder)
    number = {name: index for index, name in enumerate(names)}
    images = [image for image in model.images.values() if image.has_pose]
    return SfmModel(
        poses={number[image.name]: image.cam_from_world().matrix() for image in images},
        lenses={number[image.name]: _read_lens(image.camera) for image in images},
        points=np.array([point.xyz for point in model.points3D.values()]).reshape(-1, 3),
        error=float(model.compute_mean_reprojection_error()),
    )


def _read_lens(camera: Any) -> SfmLens:
    radial = float(camera.params[3]) if camera.model.name == "SIMPLE_RADIAL" else 0.0
    return SfmLens(float(camera.mean_focal_length()), radial, camera.width)
