"""`transforms.json` of nerfstudio and instant-ngp: OpenGL cameras with shared or per-frame intrinsics."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from engine.errors import UserError
from engine.scenes.formats.background import has_blank_background
from engine.scenes.formats.json_cameras import read_camera, stack_cameras
from engine.scenes.formats.json_files import read_object, read_objects, read_pose_matrix, read_text, read_texts
from engine.scenes.formats.masks import MaskFile, find_masks
from engine.scenes.formats.ply import read_points
from engine.scenes.formats.posed_photos import build_scene, combine_placement
from engine.scenes.formats.resolution import choose_factor, find_smaller_copies, read_sizes, scale_to_sizes
from engine.scenes.formats.validation import check_frame_counts, check_intrinsics, check_poses
from engine.scenes.options import SceneOptions
from engine.scenes.paths import OMITTED_ENDINGS, MissingFileError, SceneFiles, make_natural_key
from engine.scenes.scene import LeftOut, Scene
from engine.scenes.world.axes import convert_from_opengl
from engine.scenes.world.placement import Split, place_scene

TRANSFORMS_FILE = "transforms.json"
logger = logging.getLogger(__name__)


def read_nerfstudio(folder: Path, options: SceneOptions) -> Scene:
    """Reads a folder with a `transforms.json`; frames are in the natural order of their file names.

    Camera axes are converted from OpenGL's. `applied_transform` and `applied_scale` say how nerfstudio moved the world
    of the original reconstruction; the poses already include them, so they are ignored. Lens distortion is kept in the
    intrinsics. Depths are measured from the point cloud (`ply_file_path`) if there is one. World frame and split are
    chosen by `world.placement`, unless the file gives a split.

    Args:
        folder: the scene's folder, resolved.
        options: how to read.
    Raises:
        UserError: files are missing, damaged or disagree, or the camera model is not supported.
    """
    file = folder / TRANSFORMS_FILE
    content = read_object(file)
    files = SceneFiles(folder, folder / "images")
    listed, left_out = list_frames(files, read_objects(content, "frames", file), file)
    split = read_split(files, content, sorted({image for image, _ in listed}, key=_order), file)
    if split is not None:
        listed = keep_listed_frames(listed, split, file)
    listed.sort(key=lambda entry: _order(entry[0]))
    images = [image for image, _ in listed]
    names = [image.name for image in images]

    matrices = torch.stack([read_pose_matrix(frame, "transform_matrix", file) for _, frame in listed])
    poses = convert_from_opengl(check_poses(matrices, file, names))
    sizes = read_sizes(images, options.maximum_pixels)
    cameras = [
        read_camera(content | frame, size, file, image) for (image, frame), size in zip(listed, sizes, strict=True)
    ]
    intrinsics = stack_cameras(cameras, sizes)
    check_intrinsics(intrinsics, file, names)
    indices = None if split is None else convert_split_to_indices(images, split)
    check_frame_counts(range(len(images)) if indices is None else indices[0], file)

    points = read_point_cloud(files, content, file)
    downscale = choose_factor(images, sizes, options.downscale)
    stored, factor = find_smaller_copies(images[0].parent, images, downscale)
    intrinsics = scale_to_sizes(intrinsics, read_sizes(stored, options.maximum_pixels))
    placement = place_scene(
        poses, intrinsics, points, indices, file, options.space, lambda: has_blank_background(stored, options)
    )
    photos = combine_placement(folder, file, stored, factor, intrinsics, placement)
    scene = build_scene(photos, options, read_mask_paths(files, listed, file))
    return replace(scene, left_out=left_out + scene.left_out)


def list_frames(
    files: SceneFiles, frames: list[dict[str, Any]], file: Path
) -> tuple[list[tuple[Path, dict[str, Any]]], tuple[LeftOut, ...]]:
    """The images of the frames, and those that do not exist, which are left out if most of them do.

    Raises:
        MissingFileError: fewer than half of the images exist.
        UserError: a path is wrong.
    """
    listed, missing = list[tuple[Path, dict[str, Any]]](), dict[str, MissingFileError]()
    for frame in frames:
        name = read_text(frame, "file_path", file)
        try:
            listed.append((files.find(name, file, OMITTED_ENDINGS), frame))
        except MissingFileError as error:
            missing[name] = error
    if len(missing) > len(listed):
        raise next(iter(missing.values()))
    if missing:
        logger.warning("%s names images that do not exist; they are left out: %s", file, ", ".join(missing))
    return listed, tuple(LeftOut(name, "the file does not exist") for name in missing)


def read_mask_paths(files: SceneFiles, listed: list[tuple[Path, dict[str, Any]]], file: Path) -> list[MaskFile]:
    """The masks that the frames name in `mask_path`; of frames that name none, those in the folder `masks`.

    Raises:
        UserError: a mask does not exist.
    """
    by_name = find_masks(files.folder, [image for image, _ in listed])
    return [
        MaskFile(image, files.find(read_text(frame, "mask_path", file), file, OMITTED_ENDINGS))
        if frame.get("mask_path")
        else found
        for (image, frame), found in zip(listed, by_name, strict=True)
    ]


def read_split(
    files: SceneFiles, content: dict[str, Any], images: list[Path], file: Path
) -> tuple[set[Path], set[Path]] | None:
    """Training and held-out images as listed in `train_filenames` and `test_filenames` (or else `val_filenames`).

    None if the file has no such list. If it has only one of the two, all other images belong to the other side.

    Raises:
        UserError: a list names an image that is no frame, or both lists name the same image.
    """

    def named(key: str) -> set[Path]:
        chosen = {files.find(name, file, OMITTED_ENDINGS) for name in read_texts(content, key, file)}
        for image in sorted(chosen - set(images)):
            raise UserError(f"{file} lists {image.name} in {key} but has no such frame; remove it from the list.")
        return chosen

    training = named("train_filenames") if "train_filenames" in content else None
    held_out = None
    for key in ("test_filenames", "val_filenames"):
        if held_out is None and content.get(key):
            held_out = named(key)
    if training is None and held_out is None:
        return None
    training = set(images) - (held_out or set()) if training is None else training
    held_out = set(images) - training if held_out is None else held_out
    for image in sorted(training & held_out):
        raise UserError(f"{file} lists {image.name} both for training and for testing; remove it from one list.")
    return training, held_out


def keep_listed_frames(
    listed: list[tuple[Path, dict[str, Any]]], split: tuple[set[Path], set[Path]], file: Path
) -> list[tuple[Path, dict[str, Any]]]:
    """The frames that are in one of the two lists; a warning names the others."""
    left_out = [image.name for image, _ in listed if image not in split[0] | split[1]]
    if left_out:
        logger.warning("%s lists these frames in no split; they are left out: %s", file, ", ".join(left_out))
    return [entry for entry in listed if entry[0] in split[0] | split[1]]


def convert_split_to_indices(images: list[Path], split: tuple[set[Path], set[Path]]) -> Split:
    """The split as frame indices (training, held-out)."""
    training = tuple(index for index, image in enumerate(images) if image in split[0])
    return training, tuple(index for index, image in enumerate(images) if image in split[1])


def read_point_cloud(files: SceneFiles, content: dict[str, Any], file: Path) -> Float[Tensor, "points 3"] | None:
    """The sparse points in the file that `ply_file_path` names, in the world of the cameras; None if there is none."""
    if "ply_file_path" not in content:
        return None
    name = read_text(content, "ply_file_path", file)
    try:
        path = files.find(name, file)
    except MissingFileError:
        logger.warning("%s names the point cloud %s, which does not exist; depths are guessed.", file, name)
        return None
    return read_points(path)


def _order(image: Path) -> tuple[tuple[int, int, str], ...]:
    return make_natural_key(image.as_posix())
