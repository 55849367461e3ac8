"""COLMAP's layout: a sparse model, binary or text, beside the images from which it was made.

COLMAP's camera axes and pixel centres are ours: x right, y down, z forward; centres at +0.5.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from engine.errors import UserError
from engine.scenes.canvas import Size
from engine.scenes.formats.camera_models import MODELS, read_parameters
from engine.scenes.formats.colmap_model.contents import ModelContents, ModelImage
from engine.scenes.formats.colmap_model.find import read_largest_model, read_model_in
from engine.scenes.formats.images import read_image_size
from engine.scenes.formats.json_cameras import JsonCamera
from engine.scenes.formats.posed_frames import PosedFrame, build_from_frames, read_frames
from engine.scenes.formats.resolution import find_image_folders
from engine.scenes.formats.validation import check_camera, check_poses, compute_size_factors
from engine.scenes.options import SceneOptions
from engine.scenes.paths import SceneFiles, list_images, make_natural_key
from engine.scenes.scene import Scene


def read_colmap(folder: Path, options: SceneOptions) -> Scene:
    """Reads a folder with sparse models and `images` (or `images_2`, `images_4`, ...); the largest model is taken.

    Images without a pose are left out and named in a warning. Depths are measured from the model's points. World frame
    and split are chosen by `world.placement`.

    Args:
        folder: the scene's folder, resolved.
        options: how to read.
    Raises:
        UserError: the model is damaged, a camera model is not supported, or images are missing.
    """
    place, contents, notes = read_largest_model(folder)
    model = place.folder
    base = find_image_folder(folder)
    files = SceneFiles(base, folder)

    def read(image: ModelImage) -> PosedFrame:
        found = find_registered(image, contents, model)
        file = files.find(image.name, model)
        pose = check_poses(torch.from_numpy(found.pose)[None], model, [image.name])[0]
        size = read_image_size(file, options.maximum_pixels, found.size)
        wider, taller = compute_size_factors(found.size, size, model, file)
        fx, fy, cx, cy, *distortion = found.parameters
        camera = JsonCamera((fx * wider, fy * taller), (cx * wider, cy * taller), tuple(distortion))
        check_camera(camera.focal, camera.centre, camera.distortion, model, image.name)
        return PosedFrame(image.name, file, size, pose, camera, found.camera)

    entries = sorted(contents.images, key=lambda image: make_natural_key(image.name))
    unlisted = "COLMAP registered no pose for it"
    frames, left_out = read_frames(entries, lambda image: image.name, read, model, unlisted)
    points = torch.from_numpy(contents.points)
    return build_from_frames(folder, model, frames, options, base=base, points=points, left_out=left_out, notes=notes)


class RegisteredImage(NamedTuple):
    """An image of a model that has a pose.

    Attributes:
        pose: world-to-camera (3, 4).
        parameters: fx, fy, cx, cy in pixels of an image of `size`, then the row of the distortion.
        size: (width, height) for which the camera was computed, pixels.
        camera: number of the camera in the model.
    """

    pose: np.ndarray
    parameters: tuple[float, ...]
    size: Size
    camera: int


Registered = dict[str, RegisteredImage]


def read_model(model: Path) -> tuple[Registered, Float[Tensor, "points 3"]]:
    """The registered images and the points of a model.

    Returns:
        the images by name in natural order, and the sparse points in the same world, double precision.
    Raises:
        UserError: the model is damaged or uses a camera model that is not supported.
    """
    contents = read_model_in(model)
    images = sorted(contents.images, key=lambda image: make_natural_key(image.name))
    return {image.name: find_registered(image, contents, model) for image in images}, torch.from_numpy(contents.points)


def find_registered(image: ModelImage, contents: ModelContents, model: Path) -> RegisteredImage:
    """The pose and the camera of an image.

    Raises:
        UserError: the model has no such camera, or a camera model that is not supported.
    """
    camera = contents.cameras.get(image.camera)
    if camera is None:
        raise UserError(f"{model} has no camera {image.camera} for {image.name}; export or compute it again.")
    parameters = _parameters(camera.model, np.asarray(camera.parameters), model, image.name)
    return RegisteredImage(image.find_pose().numpy(), parameters, (camera.width, camera.height), image.camera)


def find_image_folder(folder: Path) -> Path:
    """`images`, or the largest of `images_2`, `images_4`, ... where it is missing, or the folder itself."""
    folders = find_image_folders(folder)
    if not folders and list_images(folder):
        return folder
    if not folders:
        raise UserError(f"{folder} has a COLMAP model but no folder images; put the photos there.")
    return folders[min(folders)]


def _parameters(name: str, parameters: np.ndarray, model: Path, image: str) -> tuple[float, ...]:
    try:
        read = read_parameters(name, parameters.tolist())
    except ValueError as error:
        raise UserError(
            f"{model} gives {image} a camera of the model {name} with {len(parameters)} parameters; export it again."
        ) from error
    if read is None:
        raise UserError(
            f"{model} uses the camera model {name} for {image}, which is not a lens with one image plane; convert the "
            f"photos to one of {', '.join(MODELS)}, by COLMAP's panorama tools or its image_undistorter."
        )
    return read
