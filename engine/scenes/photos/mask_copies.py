"""Masks of photos as files for COLMAP's pipeline, which wants one of the size of each photo."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool
from PIL import Image


def write_masks(
    masks: Sequence[Bool[np.ndarray, "height width"]],
    names: Sequence[str],
    sizes: Sequence[tuple[int, int]],
    folder: Path,
) -> None:
    """Writes masks as `engine.sfm.options.SfmOptions` wants them.

    Args:
        masks: True where a photo counts, at any size.
        names: of the photos, in the same order; they may lie in subfolders.
        sizes: (width, height) of the photos, pixels.
        folder: gets a file for each photo; made if it is not there.
    """
    for mask, name, size in zip(masks, names, sizes, strict=True):
        file = folder / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(np.where(mask, np.uint8(255), np.uint8(0)))
        image.resize(size, Image.Resampling.NEAREST).save(file, compress_level=1)
