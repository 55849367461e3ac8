"""The resolution of a scene's images, and which of its image folders they are read from."""

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

LONGER_SIDE = 512  # pixels, at most, if the user gives no factor
MINIMUM_SIDE = 8  # pixels of the shorter side after downsampling


def find_image_folders(folder: Path) -> dict[int, Path]:
    """The folders `images`, `images_2`, `images_4`, ... by their factor, ascending (`images` has factor 1)."""
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
    """The folder to read for images `factor` times smaller than the largest, and the factor left to downsample.

    It is the folder with the smallest images whose size is an integer multiple of the wanted size.
    """
    wanted = min(folders) * factor
    best = max(available for available in folders if wanted % available == 0)
    return folders[best], wanted // best


def find_smaller_copies(scene: Path, base: Path, files: list[Path], downscale: int) -> tuple[list[Path], int]:
    """The same images from a sibling folder such as `images_4`, if it has them all at a suitable size.

    Args:
        scene: the scene's folder, resolved.
        base: folder of the files.
        files: the images.
        downscale: wanted factor relative to the files.
    Returns:
        the copies and the factor that is left to downsample; the files and `downscale` if no sibling folder fits.
    """
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
    """(width, height) in pixels that all images share, read from their headers.

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
    """The given downsampling factor, or the automatic one if it is None.

    Raises:
        UserError: the images would have fewer than `MINIMUM_SIDE` pixels along their shorter side.
    """
    factor = choose_automatic_factor(width, height) if downscale is None else downscale
    if factor > 1 and min(width, height) // factor < MINIMUM_SIDE:
        raise UserError(
            f"A downscale factor of {factor} leaves {width // factor} x {height // factor} pixels of {files[0]}; "
            f"give at most {max(1, min(width, height) // MINIMUM_SIDE)}."
        )
    return factor


def shrink_intrinsics(intrinsics: Intrinsics, factor: int) -> Intrinsics:
    """The intrinsics after `downsample_area`: exactly divided by the factor, as only whole blocks are kept."""
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
    """Decodes, composites and downsamples images of one size.

    Returns:
        8-bit RGB, and whether any image had transparent pixels.
    Raises:
        UserError: an image is damaged or too large.
    """

    def load(file: Path) -> tuple[NDArray[np.uint8], bool]:
        image, transparent = load_image(file, options.background_colour, options.maximum_pixels)
        return round_to_uint8(downsample_area(image, factor)), transparent

    with ThreadPoolExecutor(max_workers=4) as pool:
        loaded = list(pool.map(load, files))
    return torch.from_numpy(np.stack([image for image, _ in loaded])), any(transparent for _, transparent in loaded)
