"""NeRF's Blender layout: `transforms_train.json` with RGBA renderings of an object, and a test split beside it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from engine.errors import UserError
from engine.scenes.formats.json_files import (
    check_object,
    name_entry,
    read_list,
    read_object,
    read_pose_matrix,
    read_text,
)
from engine.scenes.formats.left_out import read_each
from engine.scenes.formats.posed_frames import PosedFrame, make_frame, stack_intrinsics
from engine.scenes.formats.posed_photos import PosedPhotos, build_scene
from engine.scenes.formats.resolution import choose_factor
from engine.scenes.formats.validation import check_frame_counts
from engine.scenes.options import SceneOptions, SpaceName, check_space
from engine.scenes.paths import OMITTED_ENDINGS, SceneFiles
from engine.scenes.scene import LeftOut, Scene
from engine.scenes.world.axes import convert_from_opengl
from engine.scenes.world.extent import find_box_depths, find_object_box

TRAINING_FILE = "transforms_train.json"
SPACES: tuple[SpaceName, ...] = ("object", "unbounded")  # kinds that its scenes can be of
HELD_OUT_FILES = ("transforms_test.json", "transforms_val.json")  # the first that exists is used


def read_blender(folder: Path, options: SceneOptions) -> Scene:
    """Reads a folder in the Blender layout.

    World frame and unit are the file's (z up in NeRF's scenes); camera axes are converted from OpenGL's. Frames of
    `transforms_test.json` are held out, or those of `transforms_val.json` if there is no test split. Images that no
    file names are ignored.

    Args:
        folder: the scene's folder, resolved.
        options: how to read.
    Raises:
        UserError: files are missing, damaged or disagree.
    """
    check_space(options, SPACES, "Blender")
    places, file = SceneFiles(folder), folder / TRAINING_FILE
    frames, left_out = read_split(places, file, options)
    check_frame_counts(range(len(frames)), file)
    held_out, more_left_out, notes = read_held_out(places, options)
    training = range(len(frames))
    frames += held_out

    images, sizes = [frame.image for frame in frames], [frame.size for frame in frames]
    intrinsics = stack_intrinsics(frames)
    poses = torch.stack([frame.pose for frame in frames])
    centre, half = find_object_box(poses[: len(training)], intrinsics[: len(training)])
    near, far = find_box_depths(poses[: len(training)], centre, half)
    scene = build_scene(
        PosedPhotos(
            folder=folder,
            cameras_file=file,
            kind="unbounded" if options.space == "unbounded" else "object",
            images=images,
            factor=choose_factor(images, sizes, options.downscale),
            intrinsics=intrinsics,
            poses=poses,
            training_frames=tuple(training),
            held_out_frames=tuple(range(len(training), len(frames))),
            near=near,
            far=far,
            box_centre=(centre[0].item(), centre[1].item(), centre[2].item()),
            box_half_extent=half,
        ),
        options,
    )
    return replace(scene, left_out=left_out + more_left_out + scene.left_out, notes=notes + scene.notes)


def read_held_out(
    places: SceneFiles, options: SceneOptions
) -> tuple[list[PosedFrame], tuple[LeftOut, ...], tuple[str, ...]]:
    """The frames of the first test or validation split that can be read; no frames if there is none.

    Returns:
        the frames, what was left out of them, and sentences on splits that were passed over.
    """
    notes = list[str]()
    for name in HELD_OUT_FILES:
        if (places.folder / name).is_file():
            try:
                return *read_split(places, places.folder / name, options), tuple(notes)
            except UserError as error:
                notes.append(f"{name} was passed over: {error}")
    return [], (), tuple(notes)


def read_split(places: SceneFiles, file: Path, options: SceneOptions) -> tuple[list[PosedFrame], tuple[LeftOut, ...]]:
    """The frames of one `transforms_*.json`, and those that are left out because they are wrong.

    Raises:
        UserError: the file is wrong, or more of its frames are than are right.
    """
    content = read_object(file)

    def read(listed: Any) -> PosedFrame:
        entry = check_object(listed, file)
        name = read_text(entry, "file_path", file)
        image = places.find(name, file, OMITTED_ENDINGS)
        matrix = read_pose_matrix(entry, "transform_matrix", file)
        return make_frame(name, image, matrix, convert_from_opengl, content | entry, file, options)

    return read_each(read_list(content, "frames", file), name_entry, read, file)
