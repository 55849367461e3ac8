"""The masks beside exported images, white where a pixel counts."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.export.cameras import ExportedCameras
from engine.export.images import ExportedImages
from engine.export.progress import Progress
from engine.scenes.canvas import Size
from engine.scenes.formats.masks import MASK_FOLDER
from engine.scenes.formats.resolution import find_reduction
from engine.scenes.scene import Scene


def write_masks(
    scene: Scene, cameras: ExportedCameras, images: ExportedImages, folder: Path, progress: Progress
) -> list[str]:
    """Writes the masks of all images below a folder, if any image has one, at the size of the images.

    Returns:
        a sentence, if there are any.
    Raises:
        OSError: a mask cannot be written.
    """
    if not images.masks:
        return []
    for done, (frame, name) in enumerate(zip(cameras.frames, images.masks, strict=True)):
        progress(done / len(images.masks), "masks")
        size = images.intrinsics.own_size(done)
        mask = scene.mask(frame)
        counts = np.ones(size[::-1], np.bool_) if mask is None else enlarge_mask(mask.cpu().numpy(), size)
        target = folder.joinpath(*PurePosixPath(name).parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(counts.astype(np.uint8) * np.uint8(255)).save(target, format="PNG")
    return [f"Masks are in {MASK_FOLDER}: white counts."]


def enlarge_mask(counts: NDArray[np.bool_], size: Size) -> NDArray[np.bool_]:
    """The mask of a file of `size` (width, height), from that of the smaller picture that was made of the file.

    Read with that picture, it is the same mask again.
    """
    small = counts.shape[1], counts.shape[0]
    reduction = find_reduction(size, small)
    if reduction is None or reduction.factor is None:
        return np.asarray(Image.fromarray(counts).resize(size, Image.Resampling.NEAREST)).astype(np.bool_)
    whole = counts.repeat(reduction.factor, axis=0).repeat(reduction.factor, axis=1)
    # Rows and columns that fill no block are part of no picture.
    return np.pad(whole, ((0, size[1] - whole.shape[0]), (0, size[0] - whole.shape[1])), mode="edge")
