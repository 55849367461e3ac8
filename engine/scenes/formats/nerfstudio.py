"""`transforms.json` of nerfstudio and instant-ngp: OpenGL cameras with shared or per-frame intrinsics."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from jaxtyping import Float
from torch import Tensor

from engine.errors import UserError
from engine.scenes.formats.images import read_image_size
from engine.scenes.formats.json_cameras import find_declared_size
from engine.scenes.formats.json_files import (
    check_object,
    name_entry,
    read_list,
    read_object,
    read_pose_matrix,
    read_text,
    read_texts,
)
from engine.scenes.formats.left_out import SHOWN
from engine.scenes.formats.masks import MaskFile, find_masks
from engine.scenes.formats.ply import read_points
from engine.scenes.formats.posed_frames import PosedFrame, build_from_frames, make_frame, read_frames
from engine.scenes.formats.resolution import find_image_folders
from engine.scenes.options import SceneOptions
from engine.scenes.paths import OMITTED_ENDINGS, MissingFileError, SceneFiles, make_natural_key
from engine.scenes.scene import Scene
from engine.scenes.world.axes import convert_from_opengl
from engine.scenes.world.placement import Split

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
    number, images_folder = find_images(folder)
    files = SceneFiles(folder, images_folder)

    def read(listed: Any) -> PosedFrame:
        entry = check_object(listed, file)
        name = read_text(entry, "file_path", file)
        image = files.find(name, file, OMITTED_ENDINGS)
        matrix = read_pose_matrix(entry, "transform_matrix", file)
        values = content | entry
        if number > 1 and image.is_relative_to(images_folder) and find_declared_size(values) is None:
            width, height = read_image_size(image, options.maximum_pixels)
            values |= {"w": number * width, "h": number * height}
        frame = make_frame(name, image, matrix, convert_from_opengl, values, file, options)
        return replace(frame, mask=read_mask_path(files, entry, file))

    entries = read_list(content, "frames", file)
    frames, left_out = read_frames(entries, name_entry, read, file, "it is no frame of the file")
    frames.sort(key=lambda frame: make_natural_key(frame.image.as_posix()))

    split = read_split(files, content, [frame.image for frame in frames], file)
    if split is not None:
        frames = keep_listed_frames(frames, split, file)
    images = [frame.image for frame in frames]
    masks = [
        MaskFile(found.photo, frame.mask or found.file)
        for frame, found in zip(frames, find_masks(folder, images), strict=True)
    ]
    return build_from_frames(
        folder,
        file,
        frames,
        options,
        points=read_point_cloud(files, content, file),
        split=None if split is None else convert_split_to_indices(images, split),
        masks=masks,
        left_out=left_out,
    )


def find_images(folder: Path) -> tuple[int, Path]:
    """The folder of the images, and by which factor they are smaller than those that the file was written for.

    It is `images`, or, where that was not kept, the largest of `images_2`, `images_4`, ...
    """
    folders = find_image_folders(folder)
    number = min(folders, default=1)
    return number, folders.get(number, folder / "images")


def read_mask_path(files: SceneFiles, entry: dict[str, Any], file: Path) -> Path | None:
    """The mask that a frame names in `mask_path`; None if it names none.

    Raises:
        UserError: it does not exist.
    """
    if not entry.get("mask_path"):
        return None
    try:
        return files.find(read_text(entry, "mask_path", file), file, OMITTED_ENDINGS)
    except MissingFileError as error:
        raise MissingFileError(str(error), "its mask does not exist") from error


def read_split(
    files: SceneFiles, content: dict[str, Any], images: list[Path], file: Path
) -> tuple[set[Path], set[Path]] | None:
    """Training and held-out images as listed in `train_filenames` and `test_filenames` (or else `val_filenames`).

    None if the file has no such list. If it has only one of the two, all other images belong to the other side.

    A name that is no frame, or whose frame was left out, is passed over, with a warning.

    Raises:
        UserError: no name of a list is a frame, or both lists name the same image.
    """

    def named(key: str) -> set[Path]:
        known, others = set[Path](), list[str]()
        for name in read_texts(content, key, file):
            try:
                image = files.find(name, file, OMITTED_ENDINGS)
            except MissingFileError:
                image = None
            if image in frames:
                known.add(image)
            else:
                others.append(name)
        if others and not known:
            raise UserError(f"{file} lists {others[0]} in {key} but has no such frame; remove it from the list.")
        if others:
            logger.warning("%s lists in %s what is no frame of the scene: %s", file, key, ", ".join(others[:SHOWN]))
        return known

    frames = set(images)

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


def keep_listed_frames(frames: list[PosedFrame], split: tuple[set[Path], set[Path]], file: Path) -> list[PosedFrame]:
    """The frames that are in one of the two lists; a warning names the others."""
    left_out = [frame.image.name for frame in frames if frame.image not in split[0] | split[1]]
    if left_out:
        logger.warning("%s lists these frames in no split; they are left out: %s", file, ", ".join(left_out))
    return [frame for frame in frames if frame.image in split[0] | split[1]]


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
