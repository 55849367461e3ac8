"""The resolution of a scene's images, and which of its image folders they are read from."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from engine.errors import UserError
from engine.geometry.intrinsics import Intrinsics
from engine.scenes.canvas import Size, choose_canvas, list_sizes, stack_sizes
from engine.scenes.formats.images import (
    choose_decoders,
    downsample_area,
    downsample_halves,
    load_image,
    read_image_size,
    round_to_uint8,
)
from engine.scenes.options import OptionError, SceneOptions

LONGER_SIDE = 512  # pixels, at most, if the user gives no factor
MINIMUM_SIDE = 8  # pixels of the shorter side after downsampling
SMALLEST_SHARE = 0.75  # of the largest working size, below which a picture is resampled instead of averaged by blocks


@dataclass(frozen=True)
class Reduction:
    """How one image as stored becomes the picture of its frame.

    Attributes:
        stored: (width, height) of the file, pixels.
        size: (width, height) of the picture, pixels.
        factor: side of the blocks of pixels that are averaged; None if the image is resampled to `size`.
    """

    stored: Size
    size: Size
    factor: int | None

    @property
    def scale(self) -> tuple[float, float]:
        """Pixels of the picture per pixel of the file, across and down."""
        if self.factor is not None:  # exact: only whole blocks are kept
            return 1 / self.factor, 1 / self.factor
        return self.size[0] / self.stored[0], self.size[1] / self.stored[1]


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


def choose_folder(folders: dict[int, Path], wanted: int) -> tuple[Path, int]:
    """The folder to read for images `wanted` times smaller than full size, and the factor left to downsample.

    It is the folder with the smallest images whose size is an integer multiple of the wanted size; if there is none,
    the one with the largest images.
    """
    best = max((available for available in folders if wanted % available == 0), default=min(folders))
    return folders[best], max(1, wanted // best)


def find_smaller_copies(base: Path, files: list[Path], downscale: int) -> tuple[list[Path], int]:
    """The same images from a sibling folder such as `images_4`, if it has them all at a suitable size.

    Args:
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
            return copies, number * downscale // other
    return files, downscale


def read_sizes(files: Sequence[Path], maximum_pixels: int, shapes: Sequence[Size] | None = None) -> list[Size]:
    """(width, height) in pixels of images, read from their headers.

    Args:
        files: the images.
        maximum_pixels: largest image that is read.
        shapes: (width, height) of any scale; an image that has this shape only as EXIF turns it is taken so turned,
            all others as stored.
    Raises:
        UserError: one cannot be read, or is larger than `maximum_pixels`.
    """
    wanted = [None] * len(files) if shapes is None else shapes
    return [read_image_size(file, maximum_pixels, shape) for file, shape in zip(files, wanted, strict=True)]


def choose_factor(files: Sequence[Path], sizes: Sequence[Size], downscale: int | None) -> int:
    """The given downsampling factor, or the automatic one if it is None, of the largest of some images.

    Raises:
        UserError: one of the images would have fewer than `MINIMUM_SIDE` pixels along its shorter side.
    """
    factor = choose_automatic_factor(*max(sizes, key=max)) if downscale is None else downscale
    longest = max(max(size) for size in sizes)
    for file, reduction in zip(files, choose_reductions(sizes, factor), strict=True):
        if reduction.size != reduction.stored and min(reduction.size) < MINIMUM_SIDE:
            most = max(1, min(reduction.stored) // MINIMUM_SIDE * longest // max(reduction.stored))
            raise OptionError(
                f"A downscale factor of {factor} leaves {reduction.size[0]} x {reduction.size[1]} pixels of {file}; "
                f"give at most {most}."
            )
    return factor


def choose_reductions(sizes: Sequence[Size], factor: int) -> list[Reduction]:
    """How images become the pictures of their frames, so that none has a longer side than the largest one's.

    Each is reduced by a whole factor of its own. Where that leaves an image that is large enough with fewer than
    `SMALLEST_SHARE` of the pixels along the longer side, it is resampled to the longer side of the largest instead.

    Args:
        sizes: (width, height) of the images as stored, pixels.
        factor: of the largest.
    """
    longest = max(max(size) for size in sizes)
    side = max(longest // factor, 1)
    chosen = []
    for width, height in sizes:
        longer = max(width, height)
        own = math.ceil(longer * factor / longest)
        reduction = Reduction((width, height), (max(width // own, 1), max(height // own, 1)), own)
        if longer // own < SMALLEST_SHARE * min(side, longer):
            reduction = _resample((width, height), side)
        chosen.append(reduction)
    return chosen


def reduce_intrinsics(intrinsics: Intrinsics, reductions: Sequence[Reduction]) -> Intrinsics:
    """The intrinsics of the pictures, from those of the files."""
    scale = torch.tensor([reduction.scale for reduction in reductions], dtype=torch.float64)
    return _scale_intrinsics(intrinsics, scale, [reduction.size for reduction in reductions])


def enlarge_intrinsics(intrinsics: Intrinsics, reductions: Sequence[Reduction]) -> Intrinsics:
    """The intrinsics of the files, from those of the pictures: the inverse of `reduce_intrinsics`."""
    scale = torch.tensor([reduction.scale for reduction in reductions], dtype=torch.float64)
    return _scale_intrinsics(intrinsics, 1 / scale, [reduction.stored for reduction in reductions])


def _scale_intrinsics(intrinsics: Intrinsics, scale: Float[Tensor, "frames 2"], sizes: Sequence[Size]) -> Intrinsics:
    """Intrinsics times a scale across and down, of images of these sizes."""
    width, height = choose_canvas(sizes)
    return replace(
        intrinsics,
        focal=(intrinsics.focal.double() * scale).to(intrinsics.focal),
        centre=(intrinsics.centre.double() * scale).to(intrinsics.centre),
        width=width,
        height=height,
        sizes=stack_sizes(sizes),
    )


def find_reduction(stored: Size, size: Size) -> Reduction | None:
    """How an image of one size became a picture of another; None if neither blocks nor resampling explain it."""
    factor = max(stored[0] // size[0], 1)
    if (stored[0] // factor, stored[1] // factor) == size:
        return Reduction(stored, size, factor)
    resampled = _resample((stored[0], stored[1]), max(size))
    return resampled if resampled.size == size else None


def _resample(stored: Size, longer: int) -> Reduction:
    scale = longer / max(stored)
    return Reduction(stored, (max(round(stored[0] * scale), 1), max(round(stored[1] * scale), 1)), None)


def scale_to_sizes(intrinsics: Intrinsics, sizes: Sequence[Size]) -> Intrinsics:
    """The intrinsics of resampled copies of the images, of these sizes (width, height)."""
    reductions = [Reduction(before, after, None) for before, after in zip(list_sizes(intrinsics), sizes, strict=True)]
    return reduce_intrinsics(intrinsics, reductions)


def choose_draft(reduction: Reduction) -> int:
    """By how much an image may be reduced when it is decoded, which for JPEGs saves most of the time: 8, 4, 2 or 1.

    A divisor of the factor, or 2 for odd factors.
    """
    factor = reduction.factor or 1
    return next((draft for draft in (8, 4, 2) if factor % draft == 0), 2 if factor > 1 else 1)


def reduce_image(
    image: NDArray[np.uint8] | NDArray[np.float32], reduction: Reduction, draft: int = 1
) -> NDArray[np.uint8]:
    """An image (height, width, 3) as the picture of its frame.

    Args:
        image: as stored, or smaller by `draft` where it could be decoded so.
        reduction: of the image.
        draft: as `choose_draft`.
    """
    factor, (width, height) = reduction.factor, reduction.size
    if factor is None:
        whole = image if image.dtype == np.uint8 else round_to_uint8(image.astype(np.float32))
        return np.asarray(Image.fromarray(whole).resize((width, height), Image.Resampling.LANCZOS))
    draft = 1 if image.shape[1::-1] == reduction.stored else draft
    if factor == draft:
        return image.astype(np.uint8)[:height, :width]
    if factor % draft == 0:
        return round_to_uint8(downsample_area(image, factor // draft))[:height, :width]
    return round_to_uint8(downsample_halves(image, factor, reduction.size))


def load_images(
    files: Sequence[Path], reductions: Sequence[Reduction], options: SceneOptions
) -> tuple[list[NDArray[np.uint8] | UserError], bool]:
    """Decodes, composites and downsamples images, several at a time.

    Returns:
        the frames' pictures, RGB (height, width, 3), or what is wrong with an image; and whether any image had
        transparent pixels.
    """

    def load(file: Path, reduction: Reduction) -> tuple[NDArray[np.uint8] | UserError, bool]:
        draft = choose_draft(reduction)
        try:
            image, transparent = load_image(
                file, options.background_colour, options.maximum_pixels, shape=reduction.stored, reduction=draft
            )
        except UserError as error:
            return error, False
        return reduce_image(image, reduction, draft), transparent

    with ThreadPoolExecutor(choose_decoders(reduction.stored for reduction in reductions)) as pool:
        loaded = list(pool.map(load, files, reductions))
    return [picture for picture, _ in loaded], any(transparent for _, transparent in loaded)
