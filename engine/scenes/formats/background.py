"""Whether photos show an object before a blank background, from a few of the files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from engine.errors import UserError
from engine.scenes.formats.images import load_image, read_image_size
from engine.scenes.options import SceneOptions
from engine.scenes.world.kind import is_border_blank

PHOTOS = 8  # that are looked at, evenly spaced
SIDE = 128  # pixels to which they are shrunk


def has_blank_background(files: list[Path], options: SceneOptions) -> bool:
    """Whether photos have transparent parts or a border of one colour; those that cannot be read do not count."""
    small = []
    for index in np.unique(np.linspace(0, len(files) - 1, PHOTOS).round().astype(int)).tolist():
        try:
            width, height = read_image_size(files[index], options.maximum_pixels)
            draft = max(draft for draft in (1, 2, 4, 8) if draft == 1 or min(width, height) >= draft * SIDE)
            image, transparent = load_image(
                files[index], options.background_colour, options.maximum_pixels, reduction=draft
            )
        except UserError:  # it is named, and left out, when all images are decoded
            continue
        if transparent:
            return True
        small.append(np.asarray(Image.fromarray(image.astype(np.uint8)).resize((SIDE, SIDE), Image.Resampling.BOX)))
    return bool(small) and is_border_blank(torch.from_numpy(np.stack(small)))
