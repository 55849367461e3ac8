"""COLMAP's layout: a sparse model, binary or text, beside the images from which it was made.

COLMAP's camera axes and pixel centres are ours: x right, y down, z forward; centres at +0.5.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from engine.errors import UserError
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.lens_models import stack_distortions
from engine.scenes.canvas import Size, choose_canvas, stack_sizes
from engine.scenes.formats.background import has_blank_background
from engine.scenes.formats.camera_models import MODELS, read_parameters
from engine.scenes.formats.colmap_model.contents import ModelContents
from engine.scenes.formats.colmap_model.find import read_largest_model, read_model_in
from engine.scenes.formats.posed_photos import build_scene, combine_placement
from engine.scenes.formats.resolution import choose_factor, find_image_folders, find_smaller_copies, read_sizes
from engine.scenes.formats.validation import check_frame_counts, check_intrinsics, check_poses, compute_size_factors
from engine.scenes.options import SceneOptions
from engine.scenes.paths import SceneFiles, list_images, make_natural_key
from engine.scenes.scene import Scene
from engine.scenes.world.placement import place_scene

logger = logging.getLogger(__name__)


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
    registered, points = list_registered(contents, model)
    check_frame_counts(range(len(registered)), model)
    base = find_image_folder(folder)
    files = SceneFiles(base)
    images = [files.find(name, model) for name in registered]
    warn_of_unregistered(images)

    poses = torch.stack([torch.from_numpy(image.pose) for image in registered.values()])
    poses = check_poses(poses, model, list(registered))
    sizes = read_sizes(images, options.maximum_pixels)
    downscale = choose_factor(images, sizes, options.downscale)
    stored, factor = find_smaller_copies(base, images, downscale)
    intrinsics = scale_intrinsics(registered, read_sizes(stored, options.maximum_pixels), model, stored)
    check_intrinsics(intrinsics, model, list(registered))
    placement = place_scene(
        poses, intrinsics, points, None, model, options.space, lambda: has_blank_background(stored, options)
    )
    scene = build_scene(combine_placement(folder, model, stored, factor, intrinsics, placement), options)
    return replace(scene, notes=notes + scene.notes)


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
    return list_registered(read_model_in(model), model)


def list_registered(contents: ModelContents, model: Path) -> tuple[Registered, Float[Tensor, "points 3"]]:
    """The registered images of a model that was read from a folder, and its points, as `read_model`."""
    registered: Registered = {}
    for image in sorted(contents.images, key=lambda image: make_natural_key(image.name)):
        camera = contents.cameras.get(image.camera)
        if camera is None:
            raise UserError(f"{model} has no camera {image.camera} for {image.name}; export or compute it again.")
        parameters = _parameters(camera.model, np.asarray(camera.parameters), model, image.name)
        size = camera.width, camera.height
        registered[image.name] = RegisteredImage(image.find_pose().numpy(), parameters, size, image.camera)
    return registered, torch.from_numpy(contents.points)


def find_image_folder(folder: Path) -> Path:
    """`images`, or the largest of `images_2`, `images_4`, ... where it is missing, or the folder itself."""
    folders = find_image_folders(folder)
    if not folders and list_images(folder):
        return folder
    if not folders:
        raise UserError(f"{folder} has a COLMAP model but no folder images; put the photos there.")
    return folders[min(folders)]


def warn_of_unregistered(images: list[Path]) -> None:
    """Logs a warning that names images in the same folders that the model does not contain."""
    known = set(images)
    left_out = sorted(
        {
            other.name
            for parent in {image.parent for image in images}
            for other in list_images(parent)
            if other not in known
        }
    )
    if left_out:
        logger.warning("COLMAP registered no pose for these images; they are left out: %s", ", ".join(left_out))


def scale_intrinsics(registered: Registered, sizes: Sequence[Size], model: Path, images: list[Path]) -> Intrinsics:
    """Intrinsics of the images as stored, of `sizes`, scaled from the sizes for which COLMAP computed them."""
    rows, distortions = [], []
    for found, size, image in zip(registered.values(), sizes, images, strict=True):
        fx, fy, cx, cy, *distortion = found.parameters
        wider, taller = compute_size_factors(found.size, size, model, image)
        rows.append([fx * wider, fy * taller, cx * wider, cy * taller])
        distortions.append(distortion)
    table = torch.tensor(rows)
    width, height = choose_canvas(sizes)
    numbers = sorted({found.camera for found in registered.values()})
    cameras = torch.tensor([numbers.index(found.camera) for found in registered.values()])
    return Intrinsics(
        focal=table[:, :2],
        centre=table[:, 2:],
        distortion=stack_distortions(distortions),
        width=width,
        height=height,
        sizes=stack_sizes(sizes),
        cameras=cameras if len(numbers) > 1 else None,
    )


def _parameters(name: str, parameters: np.ndarray, model: Path, image: str) -> tuple[float, ...]:
    read = read_parameters(name, parameters.tolist())
    if read is None:
        raise UserError(
            f"{model} uses the camera model {name} for {image}, which is not a lens with one image plane; convert the "
            f"photos to one of {', '.join(MODELS)}, by COLMAP's panorama tools or its image_undistorter."
        )
    return read
