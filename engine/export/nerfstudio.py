"""`transforms.json` as nerfstudio and instant-ngp read it, beside `images` and a point cloud."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from engine.export.cameras import ExportedCameras
from engine.export.images import FOLDER, ExportedImages, have_same_intrinsics
from engine.export.points import PointCloud, write_ply
from engine.geometry.intrinsics import Intrinsics
from engine.scenes.formats.camera_models import write_json_lens
from engine.scenes.formats.masks import MASK_FOLDER
from engine.scenes.formats.nerfstudio import TRANSFORMS_FILE
from engine.scenes.world.axes import invert_pose

POINTS_FILE = "sparse_pc.ply"  # as nerfstudio names it
FILES = (TRANSFORMS_FILE, POINTS_FILE, FOLDER, MASK_FOLDER)


def write_transforms(cameras: ExportedCameras, images: ExportedImages, points: PointCloud, folder: Path) -> None:
    """Writes `transforms.json` and the point cloud that it names.

    Raises:
        OSError: a file cannot be written.
    """
    content = make_transforms(cameras, images)
    if len(points.positions):  # without points the key is left out, and the reader chooses its own initial points
        content = {"ply_file_path": POINTS_FILE} | content
        write_ply(points, folder / POINTS_FILE)
    (folder / TRANSFORMS_FILE).write_text(json.dumps(content, indent=1), encoding="utf-8")


def make_transforms(cameras: ExportedCameras, images: ExportedImages) -> dict[str, Any]:
    """Camera-to-world matrices with OpenGL's camera axes (x right, y up, z back), and OpenCV's intrinsics."""
    intrinsics = images.intrinsics
    matrices = to_opengl(cameras.poses)
    files = [f"{FOLDER}/{name}" for name in images.names]
    frames: list[dict[str, Any]] = [
        {"file_path": file, "transform_matrix": matrix.tolist()} for file, matrix in zip(files, matrices, strict=True)
    ]
    for frame, mask in zip(frames, images.masks, strict=False):
        frame["mask_path"] = f"{MASK_FOLDER}/{mask}"
    one_size = {"w": intrinsics.width, "h": intrinsics.height}
    content: dict[str, Any] = one_size if intrinsics.sizes is None else {}
    if have_same_intrinsics(intrinsics):
        content |= _intrinsics_entries(images, 0)
    else:
        for index, frame in enumerate(frames):
            frame |= _intrinsics_entries(images, index)
            if intrinsics.sizes is not None:
                frame["w"], frame["h"] = intrinsics.own_size(index)
        models = {frame["camera_model"] for frame in frames}
        if len(models) == 1:  # nerfstudio looks for it at the top alone
            content["camera_model"] = models.pop()
            for frame in frames:
                del frame["camera_model"]
    if cameras.held_out:
        held_out = {file for file, name in zip(files, cameras.names, strict=True) if name in cameras.held_out}
        content["train_filenames"] = [file for file in files if file not in held_out]
        content["test_filenames"] = content["val_filenames"] = sorted(held_out, key=files.index)
    return content | {"frames": frames}


def to_opengl(poses: Float[Tensor, "frames 3 4"]) -> Float[Tensor, "frames 4 4"]:
    """Camera-to-world matrices whose axes are right, up, back, from world-to-camera poses with OpenCV's axes."""
    camera_to_world = invert_pose(poses) * poses.new_tensor([1.0, -1.0, -1.0, 1.0])
    last = poses.new_tensor([0.0, 0.0, 0.0, 1.0]).expand(len(poses), 1, 4)
    return torch.cat([camera_to_world, last], dim=1)


def _intrinsics_entries(images: ExportedImages, index: int) -> dict[str, Any]:
    intrinsics = images.intrinsics
    lens = write_json_lens(intrinsics.distortion[index].tolist())
    assert lens is not None, "the lens was checked before anything was written"
    values = torch.cat([intrinsics.focal[index], intrinsics.centre[index]]).tolist()
    return {"camera_model": lens[0], **dict(zip(("fl_x", "fl_y", "cx", "cy"), values, strict=True)), **lens[1]}


def find_unsupported(intrinsics: Intrinsics) -> list[int]:
    """The frames whose lens `transforms.json` has no place for."""
    return [index for index, row in enumerate(intrinsics.distortion.tolist()) if write_json_lens(row) is None]
