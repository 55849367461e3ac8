"""LLFF's layout: `poses_bounds.npy` beside `images`, `images_4`, `images_8`, ... (forward-facing photos)."""

from __future__ import annotations

import tokenize
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from engine.errors import UserError
from engine.scenes.formats.images import read_image_size
from engine.scenes.formats.json_cameras import JsonCamera
from engine.scenes.formats.left_out import read_each, warn_of_left_out
from engine.scenes.formats.llff_images import bind_images
from engine.scenes.formats.posed_frames import PosedFrame, stack_intrinsics
from engine.scenes.formats.posed_photos import PosedPhotos, build_scene
from engine.scenes.formats.validation import (
    check_bounds,
    check_camera,
    check_frame_counts,
    check_poses,
    compute_size_factors,
)
from engine.scenes.options import SceneOptions, SpaceName, check_space
from engine.scenes.paths import MissingFileError
from engine.scenes.scene import LeftOut, Scene
from engine.scenes.world.average_camera import NEAREST_DEPTH, centre_on, find_average_camera, scale_world
from engine.scenes.world.axes import convert_from_llff
from engine.scenes.world.split import list_remaining, take_last_tenth

POSES_FILE = "poses_bounds.npy"
# What NumPy raises on damaged files; its header is parsed as Python's literals are.
DAMAGE = (ValueError, TypeError, EOFError, OSError, OverflowError, SyntaxError, MemoryError, tokenize.TokenError)
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
    check_space(options, SPACES, "LLFF")
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
    scale = 1 / (near * NEAREST_DEPTH)
    held_out = take_last_tenth(len(frames))
    training = list_remaining(len(frames), held_out)
    poses = torch.stack([frame.pose for frame in frames])
    scene = build_scene(
        PosedPhotos(
            folder=folder,
            cameras_file=file,
            kind="forward-facing",
            images=[frame.image for frame in frames],
            factor=bound.factor,
            intrinsics=stack_intrinsics(frames),
            poses=scale_world(centre_on(poses, find_average_camera(poses[list(training)])), scale),
            training_frames=training,
            held_out_frames=held_out,
            near=near * scale,
            far=far * scale,
            file_scale=scale,
        ),
        options,
    )
    return replace(scene, left_out=left_out + scene.left_out)


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
