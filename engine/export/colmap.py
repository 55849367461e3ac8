"""A sparse model in COLMAP's binary format: `sparse/0` beside `images`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import UserError
from engine.export.cameras import ExportedCameras
from engine.export.images import ExportedImages, number_cameras
from engine.export.points import PointCloud
from engine.geometry.intrinsics import Intrinsics
from engine.scenes.formats.camera_models import write_parameters
from engine.scenes.formats.colmap import read_model
from engine.scenes.formats.masks import MASK_FOLDER
from engine.sfm.pycolmap_import import load_pycolmap

MODEL = "sparse/0"
FILES = ("sparse", "images", MASK_FOLDER)


def write_model(cameras: ExportedCameras, images: ExportedImages, points: PointCloud, folder: Path) -> None:
    """Writes cameras, images and points (without tracks).

    The camera model is PINHOLE, or OPENCV where there is lens distortion, or that of a lens which needs another; one
    camera for all frames whose intrinsics and size are equal.

    Raises:
        UserError: the files are incomplete. They are read back to find this out, because COLMAP's library does not
            report a full disk.
    """
    load_pycolmap()
    import pycolmap

    model = folder / MODEL
    model.mkdir(parents=True)
    reconstruction = pycolmap.Reconstruction()
    numbers = number_cameras(images.intrinsics)
    for index, name in enumerate(images.names):
        camera_id = numbers[index] + 1
        if numbers.index(numbers[index]) == index:
            reconstruction.add_camera_with_trivial_rig(_make_camera(images, index, camera_id))
        image = pycolmap.Image()
        image.image_id, image.camera_id, image.name = index + 1, camera_id, name
        pose = cameras.poses[index].numpy()
        rigid = pycolmap.Rigid3d(pycolmap.Rotation3d(pose[:, :3].copy()), pose[:, 3].copy())
        reconstruction.add_image_with_trivial_frame(image, rigid)
    for position, colour in zip(points.positions, points.colours, strict=True):
        reconstruction.add_point3D(position.astype(np.float64), pycolmap.Track(), colour)
    reconstruction.write_binary(str(model))
    try:
        registered, found = read_model(model)
        complete = len(registered) == len(images.names) and len(found) == len(points.positions)
    except UserError:
        complete = False
    if not complete:
        raise UserError("The COLMAP model could not be written completely; is the disk full?")


def _make_camera(images: ExportedImages, index: int, camera_id: int) -> Any:
    load_pycolmap()
    import pycolmap

    intrinsics = images.intrinsics
    found = _find_model(intrinsics, index)
    assert found is not None, "the lens was checked before anything was written"
    model, parameters = found
    camera = pycolmap.Camera.create_from_model_name(camera_id, model, 1.0, *intrinsics.own_size(index))
    camera.params = parameters
    return camera


def _find_model(intrinsics: Intrinsics, index: int) -> tuple[str, list[float]] | None:
    focal, centre, distortion = intrinsics.focal[index], intrinsics.centre[index], intrinsics.distortion[index]
    return write_parameters(focal.tolist(), centre.tolist(), distortion.tolist())


def find_unsupported(intrinsics: Intrinsics) -> list[int]:
    """The frames whose lens no camera model of COLMAP holds."""
    return [index for index in range(intrinsics.frames) if _find_model(intrinsics, index) is None]
