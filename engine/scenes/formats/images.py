"""One image: decoded within bounds, composited, area-downsampled."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from engine.errors import UserError

# Formats that cameras and renderers write; Pillow's other decoders stay shut.
FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP")
HEIC_SUFFIXES = frozenset({".heic", ".heif"})

# What Pillow's decoders raise on damaged files: they share no base class.
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


def read_image_size(path: Path, maximum_pixels: int) -> tuple[int, int]:
    """Width and height in pixels from the header; nothing is decoded.

    Raises:
        UserError: the file is no image, or larger than `maximum_pixels`.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the bound here says it in our own words
        with open_image(path, maximum_pixels) as image:
            return image.size


def load_image(
    path: Path, background: tuple[float, float, float], maximum_pixels: int, *, upright: bool = False
) -> tuple[NDArray[np.uint8] | NDArray[np.float32], bool]:
    """Decode one image to RGB in [0, 255] (height, width, 3) and say whether any pixel was transparent.

    Transparent images are composited over `background` (RGB in [0, 1]) and kept as float32, so that rounding
    happens once, after downsampling. Greyscale, palette, 16-bit, float and CMYK images become RGB. The EXIF
    orientation is not applied unless the image is wanted `upright`: poses and intrinsics speak of the pixels as
    stored.

    Raises:
        UserError: the file is empty, damaged, no image, or larger than `maximum_pixels`.
    """
    with open_image(path, maximum_pixels) as image:
        pixels = _decoded(_turned(image, path) if upright else image, path)
    colour = pixels[..., :3]
    if pixels.shape[-1] == 3 or bool((pixels[..., 3] == 255).all()):
        return colour, False
    alpha = pixels[..., 3] * np.float32(1 / 255)
    composited = np.empty(colour.shape, dtype=np.float32)
    for channel in range(3):  # three planes in place are twice as fast as one broadcast
        behind = np.float32(255 * background[channel])
        composited[..., channel] = behind + alpha * (colour[..., channel] - behind)
    return composited, True


def load_upright(path: Path, maximum_pixels: int) -> NDArray[np.uint8]:
    """Decode a photo to RGB (height, width, 3) as its EXIF orientation wants it seen; alpha is dropped.

    Raises:
        UserError: as `load_image`.
    """
    with open_image(path, maximum_pixels) as image:
        return _decoded(_turned(image, path), path)[..., :3]


def downsample_area(image: NDArray[np.uint8] | NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Mean over blocks of `factor` x `factor` pixels, (height, width, channels) -> (height // factor, ...).

    Rows and columns that fill no block are cut off at the bottom and right, so pixel scale and origin stay exact.
    """
    height, width = image.shape[0] // factor, image.shape[1] // factor
    cut = image[: height * factor, : width * factor]
    total = np.zeros((height, width, *image.shape[2:]), dtype=np.float32)
    for row in range(factor):
        for column in range(factor):
            total += cut[row::factor, column::factor]
    total /= np.float32(factor * factor)
    return total


def round_to_uint8(image: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Round values in [0, 255] to the nearest integer."""
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


@contextmanager
def open_image(path: Path, maximum_pixels: int) -> Iterator[Image.Image]:
    """The image with its header read and its size checked, not yet decoded.

    Raises:
        UserError: the file is empty, damaged, no image, or larger than `maximum_pixels`.
    """
    formats: tuple[str, ...] = FORMATS
    if path.suffix.lower() in HEIC_SUFFIXES:
        import pillow_heif  # only those who have such photos wait for it

        pillow_heif.register_heif_opener()
        formats = (*FORMATS, "HEIF")
    try:
        if path.stat().st_size == 0:
            raise UserError(f"{path} is empty (0 bytes); copy it again from its source.")
        image = Image.open(path, formats=formats)
    except UnidentifiedImageError as error:
        raise UserError(
            f"{path} is not an image that can be read (PNG, JPEG, TIFF, WebP or BMP); convert or replace it."
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UserError(_too_large(path, "far more", maximum_pixels)) from error
    except PermissionError as error:
        raise UserError(f"{path} may not be read; change its permissions.") from error
    except DECODER_ERRORS as error:
        raise UserError(_damaged(path)) from error
    with image:
        if image.width * image.height > maximum_pixels:
            raise UserError(_too_large(path, f"{image.width} x {image.height}", maximum_pixels))
        yield image


def _turned(image: Image.Image, path: Path) -> Image.Image:
    """As its EXIF orientation wants it seen."""
    try:
        return ImageOps.exif_transpose(image)
    except DECODER_ERRORS as error:
        raise UserError(_damaged(path)) from error


def _decoded(image: Image.Image, path: Path) -> NDArray[np.uint8]:
    try:
        return _eight_bit(image)
    except DECODER_ERRORS as error:
        raise UserError(_damaged(path)) from error


def _damaged(path: Path) -> str:
    return f"{path} is damaged or cut short; copy it again from its source."


def _too_large(path: Path, size: str, maximum_pixels: int) -> str:
    return f"{path} has {size} pixels, more than the bound of {maximum_pixels:,}; shrink the image or raise the bound."


def _eight_bit(image: Image.Image) -> NDArray[np.uint8]:
    """Any Pillow mode -> (height, width, 3 or 4) of 8 bits."""
    if image.mode.startswith("I"):  # 16-bit greyscale, also when Pillow widens it to 32
        grey = round_to_uint8(np.asarray(image, dtype=np.float32) / np.float32(257))
        return np.repeat(grey[..., None], 3, axis=-1)
    if image.mode == "F":  # float images hold [0, 1]
        values = np.nan_to_num(np.asarray(image, dtype=np.float32))
        return np.repeat(round_to_uint8(values * np.float32(255))[..., None], 3, axis=-1)
    transparent = "A" in image.mode or "a" in image.mode or "transparency" in image.info
    return np.asarray(image.convert("RGBA" if transparent else "RGB"), dtype=np.uint8)
