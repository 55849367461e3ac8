"""LLFF's layout: `poses_bounds.npy` beside `images`, `images_4`, `images_8`, ... (forward-facing photos)."""

from __future__ import annotations

import logging
import tokenize
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from engine.errors import UserError
from engine.scenes.formats.background import has_blank_background
from engine.scenes.formats.colmap import read_colmap
from engine.scenes.formats.colmap_model.find import find_models
from engine.scenes.formats.images import read_image_size
from engine.scenes.formats.json_cameras import JsonCamera
from engine.scenes.formats.left_out import read_each, warn_of_left_out
from engine.scenes.formats.llff_images import bind_images
from engine.scenes.formats.posed_frames import PosedFrame, stack_intrinsics
from engine.scenes.formats.posed_photos import build_scene, combine_placement
from engine.scenes.formats.validation import (
    check_bounds,
    check_camera,
    check_frame_counts,
    check_poses,
    compute_size_factors,
)
from engine.scenes.options import OptionError, SceneOptions
from engine.scenes.paths import MissingFileError
from engine.scenes.scene import LeftOut, Scene
from engine.scenes.world.average_camera import NEAREST_DEPTH, centre_on, find_average_camera, scale_world
from engine.scenes.world.axes import convert_from_llff
from engine.scenes.world.kind import looks_forward
from engine.scenes.world.placement import Placement, place_scene
from engine.scenes.world.split import list_remaining, take_last_tenth

POSES_FILE = "poses_bounds.npy"
# What NumPy raises on damaged files; its header is parsed as Python's literals are.
DAMAGE = (ValueError, TypeError, EOFError, OSError, OverflowError, SyntaxError, MemoryError, tokenize.TokenError)
logger = logging.getLogger(__name__)


def read_llff(folder: Path, options: SceneOptions) -> Scene:
    """Reads a folder in LLFF's layout.

    Scene units are chosen so that the nearest depth bound times 0.75 is 1, as in NeRF and BARF. The world is the frame
    of the average training camera. The last 10 % of the frames are held out.

    So are scenes whose cameras look in similar directions. Where they stand around something, as in mip-NeRF 360's, a
    COLMAP model in the folder is read in the file's place, for it has the points and the whole lens; without one the
    file's cameras are placed by `world.placement`.

    Args:
        folder: the scene's folder, resolved.
        options: how to read.
    Raises:
        UserError: files are missing, damaged or disagree.
    """
    file = folder / POSES_FILE
    table = read_table(file)
    bound = bind_images(folder, len(table), file, options)

    def read(row: int) -> tuple[int, PosedFrame]:
        return row, read_row(table[row], bound.names[row], bound.images[row], file, options)

    read_rows, left_out = read_each(range(len(table)), lambda row: bound.names[row], read, file)
    frames, rows = [frame for _, frame in read_rows], [row for row, _ in read_rows]
    check_frame_counts(range(len(frames)), file)
    left_out += tuple(LeftOut(name, "the file has no pose for it") for name in bound.others)
    warn_of_left_out(left_out[len(left_out) - len(bound.others) :], file)

    near, far = table[rows, 15].min().item(), table[rows, 16].max().item()
    check_bounds(near, far, file)
    poses = torch.stack([frame.pose for frame in frames])
    images, intrinsics = [frame.image for frame in frames], stack_intrinsics(frames)
    if options.space == "forward-facing" or (options.space == "auto" and looks_forward(poses)):
        placement = _place_forward(poses, near, far)
    else:
        if (model := _read_model_instead(folder, options)) is not None:
            return model
        placement = place_scene(
            poses, intrinsics, None, None, file, options.space, lambda: has_blank_background(images, options)
        )
        placement = replace(placement, near=near * placement.file_scale, far=far * placement.file_scale)
    scene = build_scene(combine_placement(folder, file, images, bound.factor, intrinsics, placement), options)
    return replace(scene, left_out=left_out + scene.left_out)


def _place_forward(poses: Float[Tensor, "frames 3 4"], near: float, far: float) -> Placement:
    """The scene as NeRF and BARF place LLFF's, by the depth bounds of the file."""
    scale = 1 / (near * NEAREST_DEPTH)
    held_out = take_last_tenth(len(poses))
    training = list_remaining(len(poses), held_out)
    placed = scale_world(centre_on(poses, find_average_camera(poses[list(training)])), scale)
    return Placement(
        "forward-facing", placed, training, held_out, near=near * scale, far=far * scale, file_scale=scale
    )


def _read_model_instead(folder: Path, options: SceneOptions) -> Scene | None:
    """The scene of the COLMAP model in the folder, with a note; None if there is none that can be read."""
    if not find_models(folder):
        return None
    try:
        scene = read_colmap(folder, options)
    except OptionError:
        raise
    except UserError as error:
        logger.warning("The COLMAP model beside %s cannot be read: %s", POSES_FILE, error)
        return None
    note = f"The cameras look in many directions: the COLMAP model is read, which says more than {POSES_FILE}."
    return replace(scene, notes=(note, *scene.notes))


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
        if table.dtype.kind not in "fiu":
            raise ValueError("no real numbers")
        shape, values = table.shape, np.array(table, dtype=np.float64)
    except DAMAGE as error:
        raise UserError(f"{file} is damaged or not a NumPy array of numbers; copy or compute it again.") from error
    if len(shape) != 2 or shape[1] != 17:
        raise UserError(f"{file} has shape {shape} where (frames, 17) is needed; compute it again with LLFF.")
    if shape[0] == 0:
        raise UserError(f"{file} has no frames; give at least two images with cameras.")
    return torch.from_numpy(values)


def read_row(
    row: Float[Tensor, " 17"], name: str, image: Path | None, file: Path, options: SceneOptions
) -> PosedFrame:
    """The frame of a row: LLFF's focal length scaled to the size of the image, the principal point in the middle.

    Args:
        row: of the table.
        name: of the image.
        image: its file; None if it is missing.
        file: for error messages.
        options: for the largest image size.
    Raises:
        UserError: the image is missing, cannot be read or has another shape than the row says, or a number is wrong.
    """
    if image is None:
        raise MissingFileError(f"{file} has a pose for the image {name}, which does not exist; restore the file.")
    if not bool(torch.isfinite(row[15:]).all()):
        raise UserError(f"{file} has depth bounds that are not finite for {name}; compute it again with LLFF.")
    matrix = row[:15].reshape(3, 5)
    pose = convert_from_llff(check_poses(matrix[None, :, :4], file, [name]))[0]
    height, width, focal = matrix[:, 4].tolist()
    check_camera((focal, focal), (), (), file, name)
    size = read_image_size(image, options.maximum_pixels, (width, height))
    wider, taller = compute_size_factors((width, height), size, file, image)
    camera = JsonCamera((focal * wider, focal * taller), (size[0] / 2, size[1] / 2), (0.0,) * 4)
    return PosedFrame(name, image, size, pose, camera, (width, height, focal))
