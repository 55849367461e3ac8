"""Decoding of single images with a bound on their size, compositing of transparency, and downsampling."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from engine.errors import UserError

# Formats that cameras and renderers write; Pillow's other decoders are not used, for safety.
FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")
PHONE_FORMATS = ("HEIF", "AVIF")  # which COLMAP does not read
MOST_PIXELS = 250_000_000  # of an image that is decoded; the largest sensors of phones have 200 million
PIXELS_AT_ONCE = 200_000_000  # decoded side by side by several threads; about 1.5 GB
Image.MAX_IMAGE_PIXELS = None  # Pillow's bound is lower; `open_image` checks the caller's own before it decodes
LARGEST_SIDE = 1e9  # pixels; a larger one in a file is a mistake
SIDEWAYS = frozenset({5, 6, 7, 8})  # EXIF orientations that exchange width and height
SHAPE_TOLERANCE = 0.02  # relative difference of aspect ratios of one shape
HEIC_SUFFIXES = frozenset({".heic", ".heif", ".avif"})

# Errors that Pillow's decoders raise on damaged files; they have no common base class.
DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    zlib.error,
    IndexError,
    KeyError,
    TypeError,
)


def read_image_size(path: Path, maximum_pixels: int, shape: tuple[float, float] | None = None) -> tuple[int, int]:
    """(width, height) in pixels, from the header; nothing is decoded.

    As stored, or as EXIF turns the image where only this has the given `shape` (width, height; of any scale).

    Raises:
        UserError: the file is no image, or larger than `maximum_pixels`.
    """
    with open_image(path, maximum_pixels) as image:
        return image.size[::-1] if shape is not None and turns_to(image, shape) else image.size


def turns_to(image: Image.Image, shape: tuple[float, float]) -> bool:
    """Whether EXIF turns an image on its side, and only so it has a shape (width, height; of any scale).

    Cameras in files speak of the pixels as stored where COLMAP has read these, which ignores the orientation; and of
    the upright picture where a program before it has turned the photos. The size that they declare tells which.
    """
    if not all(0 < side < LARGEST_SIDE for side in shape):
        return False
    tolerance = SHAPE_TOLERANCE + 1 / min(image.size)  # sizes are rounded to whole pixels
    stored = image.width / image.height * shape[1] / shape[0]
    turned = image.height / image.width * shape[1] / shape[0]
    if abs(stored - 1) <= tolerance or abs(turned - 1) > tolerance:
        return False
    try:
        return image.getexif().get(ExifTags.Base.Orientation) in SIDEWAYS
    except DECODER_ERRORS:
        return False


def load_image(
    path: Path,
    background: tuple[float, float, float],
    maximum_pixels: int,
    *,
    upright: bool = False,
    shape: tuple[float, float] | None = None,
    reduction: int = 1,
) -> tuple[NDArray[np.uint8] | NDArray[np.float32], bool]:
    """Decodes one image to RGB.

    Transparent images are composited over `background` and kept as float32, so that rounding happens once, after
    downsampling. Greyscale, palette, 16-bit, float and CMYK images become RGB.

    Args:
        path: of the file.
        background: RGB in [0, 1].
        maximum_pixels: largest image that is decoded.
        upright: whether the EXIF orientation is applied. Poses and intrinsics of files mostly refer to the pixels as
            stored, so it is not by default.
        shape: (width, height) that the image shall have; the EXIF orientation is applied where only so it has it.
        reduction: 1, 2, 4 or 8; a JPEG is decoded smaller by this factor, which is several times as fast. Other images
            are not.
    Returns:
        RGB in [0, 255] (height, width, 3), uint8 or float32; and whether any pixel was transparent.
    Raises:
        UserError: the file is empty, damaged, no image, or larger than `maximum_pixels`.
    """
    with open_image(path, maximum_pixels) as image:
        turned = upright or (shape is not None and turns_to(image, shape))
        if reduction > 1:
            image.draft(None, (image.width // reduction, image.height // reduction))  # nothing for other formats
        pixels = _decode(_turn_upright(image, path) if turned else image, path)
    colour = pixels[..., :3]
    if pixels.shape[-1] == 3 or bool((pixels[..., 3] == 255).all()):
        return colour, False
    alpha = pixels[..., 3] * np.float32(1 / 255)
    composited = np.empty(colour.shape, dtype=np.float32)
    for channel in range(3):  # three planes in place are twice as fast as one broadcast
        behind = np.float32(255 * background[channel])
        composited[..., channel] = behind + alpha * (colour[..., channel] - behind)
    return composited, True


def load_upright(path: Path, maximum_pixels: int, reduction: int = 1) -> NDArray[np.uint8]:
    """Decodes a photo to RGB (height, width, 3) with its EXIF orientation applied; alpha is dropped.

    Args:
        path: of the file.
        maximum_pixels: largest image that is decoded.
        reduction: 1, 2, 4 or 8; the image is smaller by this factor, each pixel the mean of a block. JPEGs are decoded
            at the smaller size, which is several times as fast.
    Raises:
        UserError: as `load_image`.
    """
    with open_image(path, maximum_pixels) as image:
        wanted = math.ceil(image.width / reduction), math.ceil(image.height / reduction)
        image.draft(None, (image.width // reduction, image.height // reduction))  # does nothing for other formats
        small = image.size == wanted
        pixels = _decode(_turn_upright(image, path), path)[..., :3]
    return pixels if small else round_to_uint8(downsample_area(pixels, reduction))


def has_alpha(path: Path, maximum_pixels: int) -> bool:
    """Whether an image has an alpha channel or a transparent colour, from its header.

    Raises:
        UserError: as `load_image`.
    """
    with open_image(path, maximum_pixels) as image:
        return _is_transparent(image)


def load_alpha(path: Path, maximum_pixels: int) -> NDArray[np.uint8]:
    """The opacity of an image, 0 to 255 (height, width), with its EXIF orientation applied; 255 without alpha.

    Raises:
        UserError: as `load_image`.
    """
    with open_image(path, maximum_pixels) as image:
        pixels = _decode(_turn_upright(image, path), path)
    return pixels[..., 3] if pixels.shape[-1] == 4 else np.full(pixels.shape[:2], 255, dtype=np.uint8)


def downsample_area(image: NDArray[np.uint8] | NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Mean over blocks of `factor` x `factor` pixels, (height, width, channels) -> (height // factor, ...).

    Rows and columns that fill no block are cut off at the bottom and right, so that the pixel size is exactly `factor`
    times the old one and the origin (the top left corner) is the same.
    """
    height, width = image.shape[0] // factor, image.shape[1] // factor
    cut = image[: height * factor, : width * factor]
    # Rows first: their sums are contiguous in memory, and of 8-bit values exact in 16 bits up to a factor of 257.
    exact = image.dtype == np.uint8 and factor <= 257
    rows = cut.reshape(height, factor, *cut.shape[1:]).sum(axis=1, dtype=np.uint16 if exact else np.float32)
    total = np.zeros((height, width, *image.shape[2:]), dtype=np.float32)
    for column in range(factor):
        total += rows[:, column::factor]
    total /= np.float32(factor * factor)
    return total


def downsample_halves(
    image: NDArray[np.uint8] | NDArray[np.float32], factor: int, size: tuple[int, int]
) -> NDArray[np.float32]:
    """Mean over blocks whose side is half of an odd factor: of two neighbouring blocks each gets half of the middle.

    Args:
        image: (height, width, channels), at half the size of what `factor` refers to.
        factor: odd.
        size: (width, height) of the result; what is missing of its last blocks is filled with the border.
    """
    half, (width, height) = factor // 2, size
    exact = image.dtype == np.uint8 and factor <= 257  # then sums of a column of a block fit in 16 bits
    kind = np.uint16 if exact else np.float32
    pairs = _fill(image, -(-height // 2) * factor).reshape(-1, factor, *image.shape[1:])
    middle = pairs[:, half].astype(kind)
    ends = (
        pairs[:, :half].sum(axis=1, dtype=kind) * 2 + middle,
        pairs[:, half + 1 :].sum(axis=1, dtype=kind) * 2 + middle,
    )
    rows = np.stack(ends, axis=1).reshape(-1, *image.shape[1:])[:height].swapaxes(0, 1)
    columns = _fill(rows, -(-width // 2) * factor)
    total = np.zeros((len(columns) // factor, 2, *rows.shape[1:]), dtype=np.float32)
    for column in range(half):
        total[:, 0] += columns[column::factor]
        total[:, 1] += columns[half + 1 + column :: factor]
    total = total * 2 + columns[half::factor][:, None]
    return total.reshape(-1, *rows.shape[1:])[:width].swapaxes(0, 1) / np.float32(factor**2)


def _fill(image: NDArray[Any], rows: int) -> NDArray[Any]:
    """An image with so many rows: cut, or with its last row repeated."""
    missing = rows - len(image)
    return np.concatenate([image, np.repeat(image[-1:], missing, axis=0)]) if missing > 0 else image[:rows]


def round_to_uint8(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Rounds values to the nearest integer in [0, 255]."""
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


@contextmanager
def open_image(path: Path, maximum_pixels: int) -> Iterator[Image.Image]:
    """The image with its header read and its size checked, not yet decoded.

    Raises:
        UserError: the file is empty, damaged, no image, or larger than `maximum_pixels`.
    """
    try:
        if path.stat().st_size == 0:
            raise UserError(f"{path} is empty (0 bytes); copy it again from its source.")
        image = Image.open(path, formats=_choose_formats(path))
    except UnidentifiedImageError as error:
        raise UserError(
            f"{path} is not an image that can be read (JPEG, PNG, HEIC, AVIF, TIFF, WebP or BMP); convert it, "
            "replace it or move it elsewhere."
        ) from error
    except PermissionError as error:
        raise UserError(f"{path} may not be read; change its permissions.") from error
    except DECODER_ERRORS as error:
        raise UserError(_damaged(path)) from error
    with image:
        if image.width * image.height > maximum_pixels:
            raise UserError(
                f"{path} has {image.width} x {image.height} pixels, more than {maximum_pixels:,}; shrink the image."
            )
        yield image


def _choose_formats(path: Path) -> tuple[str, ...]:
    """The formats that a file may have; HEIC and AVIF are told by content: phones often name them `.jpg`."""
    with path.open("rb") as file:
        start = file.read(12)
    if start[4:8] != b"ftyp":
        return FORMATS
    import pillow_heif  # imported here because only HEIC photos need it

    pillow_heif.register_heif_opener()
    return (*FORMATS, *PHONE_FORMATS)


def choose_decoders(sizes: Iterable[tuple[int, int]]) -> int:
    """How many images are decoded side by side, 1 to 4, so that memory suffices for the largest of some sizes."""
    largest = max((width * height for width, height in sizes), default=1)
    return max(1, min(4, PIXELS_AT_ONCE // max(largest, 1)))


def _turn_upright(image: Image.Image, path: Path) -> Image.Image:
    """The image with its EXIF orientation applied."""
    try:
        return ImageOps.exif_transpose(image)
    except DECODER_ERRORS as error:
        raise UserError(_damaged(path)) from error


def _decode(image: Image.Image, path: Path) -> NDArray[np.uint8]:
    try:
        return _convert_to_uint8(image)
    except DECODER_ERRORS as error:
        raise UserError(_damaged(path)) from error


def _damaged(path: Path) -> str:
    return f"{path} is damaged or cut short; copy it again from its source."


def _convert_to_uint8(image: Image.Image) -> NDArray[np.uint8]:
    """An image of any Pillow mode as uint8 RGB or RGBA (height, width, 3 or 4)."""
    if image.mode.startswith("I"):  # 16-bit greyscale, also when Pillow widens it to 32
        grey = round_to_uint8(np.asarray(image, dtype=np.float32) / np.float32(257))
        return np.repeat(grey[..., None], 3, axis=-1)
    if image.mode == "F":  # float images hold [0, 1]
        values = np.nan_to_num(np.asarray(image, dtype=np.float32))
        return np.repeat(round_to_uint8(values * np.float32(255))[..., None], 3, axis=-1)
    mode = "RGBA" if _is_transparent(image) else "RGB"
    return np.asarray(image if image.mode == mode else image.convert(mode), dtype=np.uint8)


def _is_transparent(image: Image.Image) -> bool:
    return "A" in image.mode or "a" in image.mode or "transparency" in image.info
