"""LLFF's layout: `poses_bounds.npy` beside `images`, `images_4`, `images_8`, ... (forward-facing photos)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from engine.errors import UserError
from engine.geometry.intrinsics import Intrinsics
from engine.scenes.canvas import choose_canvas, stack_sizes
from engine.scenes.formats.posed_photos import PosedPhotos, build_scene
from engine.scenes.formats.resolution import choose_factor, choose_folder, find_image_folders, read_sizes
from engine.scenes.formats.validation import check_bounds, check_intrinsics, check_poses, compute_size_factors
from engine.scenes.options import SceneOptions, SpaceName, check_space
from engine.scenes.paths import list_images
from engine.scenes.scene import Scene
from engine.scenes.world.average_camera import NEAREST_DEPTH, centre_on, find_average_camera, scale_world
from engine.scenes.world.axes import convert_from_llff
from engine.scenes.world.split import list_remaining, take_last_tenth

POSES_FILE = "poses_bounds.npy"
SPACES: tuple[SpaceName, ...] = ("forward-facing",)  # kinds that its scenes can be of


def read_llff(folder: Path, options: SceneOptions) -> Scene:
    """Reads a folder in LLFF's layout.

    Scene units are chosen so that the nearest depth bound times 0.75 is 1, as in NeRF and BARF. The world is the frame
    of the average training camera. The last 10 % of the frames are held out.

    Args:
        folder: the scene's folder, resolved.
        options: how to read.
    Raises:
        UserError: files are missing, damaged or disagree.
    """
    file = folder / POSES_FILE
    table = read_table(file)
    images, factor = choose_images(folder, options)
    if len(images) != len(table):
        raise UserError(
            f"{file} has {len(table)} poses but {images[0].parent} has {len(images)} images; "
            "restore the missing images or run the pose estimation again."
        )
    names = [image.name for image in images]
    matrices = table[:, :15].reshape(-1, 3, 5)
    intrinsics = scale_intrinsics(matrices[:, :, 4], images, file, options)
    check_intrinsics(intrinsics, file, names)
    poses = convert_from_llff(check_poses(matrices[:, :, :4], file, names))

    check_space(options, SPACES, "LLFF")
    near, far = table[:, 15].min().item(), table[:, 16].max().item()
    check_bounds(near, far, file)
    scale = 1 / (near * NEAREST_DEPTH)
    held_out = take_last_tenth(len(images))
    training = list_remaining(len(images), held_out)
    return build_scene(
        PosedPhotos(
            folder=folder,
            cameras_file=file,
            kind="forward-facing",
            images=images,
            factor=factor,
            intrinsics=intrinsics,
            poses=scale_world(centre_on(poses, find_average_camera(poses[list(training)])), scale),
            training_frames=training,
            held_out_frames=held_out,
            near=near * scale,
            far=far * scale,
            file_scale=scale,
        ),
        options,
    )


def read_table(file: Path) -> Float[Tensor, "frames 17"]:
    """The content of `poses_bounds.npy`, double precision.

    Each row holds a 3x5 matrix, row by row, with the columns down, right, back, centre (camera-to-world) and
    (height, width, focal) in pixels; then the nearest and farthest depth.

    Raises:
        UserError: the file is damaged, holds objects, or has another shape.
    """
    try:
        # With memory mapping, a header that declares more data than the file has fails before memory is allocated.
        table = np.load(file, mmap_mode="r", allow_pickle=False)
        if not isinstance(table, np.ndarray):
            raise ValueError("an archive")
        shape, values = table.shape, np.array(table, dtype=np.float64)
    except (ValueError, TypeError, EOFError, OSError, OverflowError) as error:
        raise UserError(f"{file} is damaged or not a NumPy array of numbers; copy or compute it again.") from error
    if len(shape) != 2 or shape[1] != 17:
        raise UserError(f"{file} has shape {shape} where (frames, 17) is needed; compute it again with LLFF.")
    if shape[0] == 0:
        raise UserError(f"{file} has no frames; give at least two images with cameras.")
    if not np.isfinite(values[:, 15:]).all():
        raise UserError(f"{file} has depth bounds that are not finite; compute it again with LLFF.")
    return torch.from_numpy(values)


def choose_images(folder: Path, options: SceneOptions) -> tuple[list[Path], int]:
    """The image files of the best matching folder, and the factor by which they still have to be downsampled.

    Raises:
        UserError: there are no images.
    """
    folders = {number: entry for number, entry in find_image_folders(folder).items() if list_images(entry)}
    if not folders:
        raise UserError(f"{folder} has no images in images, images_2, images_4, images_8, ...; add one such folder.")
    largest = list_images(folders[min(folders)])
    downscale = choose_factor(largest, read_sizes(largest, options.maximum_pixels), options.downscale)
    chosen, factor = choose_folder(folders, downscale)
    return list_images(chosen), factor


def scale_intrinsics(
    sizes_and_focals: Float[Tensor, "frames 3"], images: list[Path], file: Path, options: SceneOptions
) -> Intrinsics:
    """Intrinsics of the images as stored: LLFF's focal length scaled to their size, the principal point in the middle.

    Args:
        sizes_and_focals: (height, width, focal) per frame, pixels, as in the file.
        images: the image files.
        file: for error messages.
        options: for the largest image size.
    Raises:
        UserError: the shape of an image differs from what the file says.
    """
    sizes = read_sizes(images, options.maximum_pixels)
    factors = torch.tensor(
        [
            compute_size_factors((declared[1].item(), declared[0].item()), size, file, image)
            for declared, size, image in zip(sizes_and_focals, sizes, images, strict=True)
        ]
    )
    width, height = choose_canvas(sizes)
    numbers = sizes_and_focals.unique(dim=0, return_inverse=True)[1]
    return Intrinsics(
        focal=(sizes_and_focals[:, 2:] * factors).float(),
        centre=torch.tensor(sizes) / 2,
        distortion=torch.zeros(len(images), 4),
        width=width,
        height=height,
        sizes=stack_sizes(sizes),
        cameras=numbers if int(numbers.max()) else None,
    )
