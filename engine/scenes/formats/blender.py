"""NeRF's Blender layout: `transforms_train.json` with RGBA renderings of an object, and a test split beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from engine.scenes.formats.json_cameras import read_camera, stack_cameras
from engine.scenes.formats.json_files import read_object, read_objects, read_pose_matrix, read_text
from engine.scenes.formats.posed_photos import PosedPhotos, build_scene
from engine.scenes.formats.resolution import choose_factor, read_sizes
from engine.scenes.formats.validation import check_frame_counts, check_intrinsics, check_poses
from engine.scenes.options import SceneOptions, SpaceName, check_space
from engine.scenes.paths import OMITTED_ENDINGS, SceneFiles
from engine.scenes.scene import Scene
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
    files = [folder / TRAINING_FILE, *[folder / name for name in HELD_OUT_FILES if (folder / name).is_file()][:1]]
    places = SceneFiles(folder)
    images: list[Path] = []
    values: list[tuple[Path, dict[str, Any]]] = []
    poses, counts = [], []
    for file in files:
        split = read_split(places, file)
        images += split[0]
        values += [(file, entry) for entry in split[1]]
        poses.append(split[2])
        counts.append(len(split[0]))
    training, held_out = tuple(range(counts[0])), tuple(range(counts[0], sum(counts)))
    check_frame_counts(training, files[0])

    sizes = read_sizes(images, options.maximum_pixels)
    cameras = [
        read_camera(entry, size, file, image) for (file, entry), image, size in zip(values, images, sizes, strict=True)
    ]
    intrinsics = stack_cameras(cameras, sizes)
    for file, frames in zip(files, (training, held_out), strict=False):
        check_intrinsics(intrinsics[torch.tensor(frames)], file, [images[frame].name for frame in frames])
    all_poses = torch.cat(poses)
    training_intrinsics = intrinsics[: len(training)]
    check_space(options, SPACES, "Blender")
    centre, half = find_object_box(all_poses[: len(training)], training_intrinsics)
    near, far = find_box_depths(all_poses[: len(training)], centre, half)
    return build_scene(
        PosedPhotos(
            folder=folder,
            cameras_file=files[0],
            kind="unbounded" if options.space == "unbounded" else "object",
            images=images,
            factor=choose_factor(images, sizes, options.downscale),
            intrinsics=intrinsics,
            poses=all_poses,
            training_frames=training,
            held_out_frames=held_out,
            near=near,
            far=far,
            box_centre=(centre[0].item(), centre[1].item(), centre[2].item()),
            box_half_extent=half,
        ),
        options,
    )


def read_split(places: SceneFiles, file: Path) -> tuple[list[Path], list[dict[str, Any]], Float[Tensor, "frames 3 4"]]:
    """Images, camera keys (those of the file, overridden by the frame's) and poses of one `transforms_*.json`.

    Returns:
        image files, keys per frame, and world-to-camera poses with OpenCV axes, double precision.
    Raises:
        UserError: the file or one of its frames is wrong, or an image is missing.
    """
    content = read_object(file)
    frames = read_objects(content, "frames", file)
    images = [places.find(read_text(frame, "file_path", file), file, OMITTED_ENDINGS) for frame in frames]
    matrices = torch.stack([read_pose_matrix(frame, "transform_matrix", file) for frame in frames])
    poses = convert_from_opengl(check_poses(matrices, file, [image.name for image in images]))
    return images, [content | frame for frame in frames], poses
