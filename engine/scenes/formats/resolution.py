"""Which resolution a scene is held at, and which of its image folders to read it from."""

from __future__ import annotations

import math
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from numpy.typing import NDArray
from torch import Tensor

from engine.errors import UserError
from engine.geometry.intrinsics import Intrinsics
from engine.scenes.formats.images import downsample_area, load_image, read_image_size, round_to_uint8
from engine.scenes.options import SceneOptions
from engine.scenes.paths import resolve_inside

LONGER_SIDE = 512
SHORTEST_SIDE = 8


def find_image_folders(folder: Path) -> dict[int, Path]:
    """`images`, `images_2`, `images_4`, ... by their factor, in increasing order (1 is `images`)."""
    found = {}
    for entry in folder.iterdir():
        match = re.fullmatch(r"images(?:_([1-9][0-9]{0,3}))?", entry.name)
        if match and entry.is_dir():
            found[int(match[1] or 1)] = entry
    return dict(sorted(found.items()))


def choose_automatic_factor(width: int, height: int) -> int:
    """The smallest integer factor that brings the longer side to 512 pixels or fewer."""
    return max(1, math.ceil(max(width, height) / LONGER_SIDE))


def choose_folder(folders: dict[int, Path], factor: int) -> tuple[Path, int]:
    """The folder to read for images `factor` times smaller than the largest there are, and what remains to shrink.

    It is the smallest folder whose images are an integer multiple of the wanted size.
    """
    wanted = min(folders) * factor
    best = max(available for available in folders if wanted % available == 0)
    return folders[best], wanted // best


def find_smaller_copies(scene: Path, base: Path, files: list[Path], downscale: int) -> tuple[list[Path], int]:
    """The same images from a sibling such as `images_4` of their folder `base`, if one serves, and what remains to
    shrink; the files themselves where `base` is not one of the image folders."""
    folders = find_image_folders(base.parent) if base.is_dir() else {}
    number = next((number for number, entry in folders.items() if entry == base), None)
    if number is None or not all(file.is_relative_to(base) for file in files):
        return files, downscale
    for other in sorted(folders, reverse=True):
        copies = [folders[other] / file.relative_to(base) for file in files]
        if other > number and (number * downscale) % other == 0 and all(copy.is_file() for copy in copies):
            return [resolve_inside(scene, copy) for copy in copies], number * downscale // other
    return files, downscale


def read_common_size(files: list[Path], maximum_pixels: int) -> tuple[int, int]:
    """Width and height in pixels that all images share, read from their headers.

    Raises:
        UserError: two differ, or one cannot be read.
    """
    sizes = [read_image_size(file, maximum_pixels) for file in files]
    for file, size in zip(files, sizes, strict=True):
        if size != sizes[0]:
            raise UserError(
                f"{files[0]} has {sizes[0][0]} x {sizes[0][1]} pixels but {file} has {size[0]} x {size[1]}; "
                "bring all images of the scene to one size."
            )
    return sizes[0]


def choose_factor(files: list[Path], width: int, height: int, downscale: int | None) -> int:
    """The factor asked for, or the automatic one.

    Raises:
        UserError: it would leave hardly any pixels.
    """
    factor = choose_automatic_factor(width, height) if downscale is None else downscale
    if factor > 1 and min(width, height) // factor < SHORTEST_SIDE:
        raise UserError(
            f"A downscale factor of {factor} leaves {width // factor} x {height // factor} pixels of {files[0]}; "
            f"give at most {max(1, min(width, height) // SHORTEST_SIDE)}."
        )
    return factor


def shrink_intrinsics(intrinsics: Intrinsics, factor: int) -> Intrinsics:
    """The intrinsics after `downsample_area`, whose cut leaves scale and origin of the pixels exact."""
    return replace(
        intrinsics,
        focal=intrinsics.focal / factor,
        centre=intrinsics.centre / factor,
        width=intrinsics.width // factor,
        height=intrinsics.height // factor,
    )


def load_images(
    files: list[Path], factor: int, options: SceneOptions
) -> tuple[UInt8[Tensor, "frames height width 3"], bool]:
    """Decode, composite and area-downsample images of one size; say whether any had transparent pixels.

    Raises:
        UserError: one is damaged or too large.
    """

    def load(file: Path) -> tuple[NDArray[np.uint8], bool]:
        image, transparent = load_image(file, options.background_colour, options.maximum_pixels)
        return round_to_uint8(downsample_area(image, factor)), transparent

    with ThreadPoolExecutor(max_workers=4) as pool:
        loaded = list(pool.map(load, files))
    return torch.from_numpy(np.stack([image for image, _ in loaded])), any(transparent for _, transparent in loaded)
