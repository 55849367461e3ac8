"""`poses_bounds.npy` in LLFF's format, beside `images`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from engine.export.cameras import ExportedCameras
from engine.export.images import FOLDER, ExportedImages
from engine.geometry.intrinsics import Intrinsics
from engine.geometry.lens_models import find_models, has_model
from engine.scenes.formats.llff import POSES_FILE
from engine.scenes.formats.masks import MASK_FOLDER
from engine.scenes.world.axes import invert_pose

FILES = (POSES_FILE, FOLDER, MASK_FOLDER)


def write_poses_bounds(
    cameras: ExportedCameras, images: ExportedImages, bounds: Float[Tensor, "frames 2"], folder: Path
) -> list[str]:
    """Writes the table.

    Returns:
        a sentence on what the format cannot hold, if there is anything.
    Raises:
        OSError: the file cannot be written.
    """
    np.save(folder / POSES_FILE, make_table(cameras, images, bounds).numpy(), allow_pickle=False)
    intrinsics, omitted = images.intrinsics, []
    middle = intrinsics.own_sizes / 2
    if not torch.allclose(intrinsics.centre, middle.expand_as(intrinsics.centre), atol=1e-3):
        omitted.append("the principal point")
    if intrinsics.distorted:
        omitted.append("the lens distortion")
    if not torch.allclose(intrinsics.focal[:, 0], intrinsics.focal[:, 1], rtol=1e-4):
        omitted.append("the second focal length")
    if not omitted:
        return []
    return [f"LLFF's format has no place for {', '.join(omitted)}: it is left out."]


def find_unsupported(intrinsics: Intrinsics) -> list[int]:
    """The frames whose lens is no perspective one: without it, their poses would say nothing."""
    bent = torch.zeros(intrinsics.frames, dtype=torch.bool)
    for model in find_models(intrinsics.distortion):
        if not model.is_perspective:
            bent |= has_model(intrinsics.distortion, model)
    return bent.nonzero()[:, 0].tolist()


def make_table(
    cameras: ExportedCameras, images: ExportedImages, bounds: Float[Tensor, "frames 2"]
) -> Float[Tensor, "frames 17"]:
    """Per frame a 3x5 matrix (down, right, back, centre | height, width, focal) row by row, and two depth bounds.

    Rows follow the names of the images, which must sort as the frames do.

    Args:
        cameras, images: of the same frames.
        bounds: nearest and farthest depth of each, units of the exported world.
    """
    intrinsics = images.intrinsics
    right, down, forward, centre = invert_pose(cameras.poses).unbind(dim=-1)
    size = intrinsics.own_sizes.flip(1).to(cameras.poses)
    hwf = torch.cat([size, intrinsics.focal[:, :1].to(size)], dim=-1)
    matrices = torch.stack([down, right, -forward, centre, hwf], dim=-1)
    return torch.cat([matrices.flatten(1), bounds.to(size)], dim=-1)
