"""The photos of a folder as a set of one size and shape, upright; photos of another shape are left out."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8
from numpy.typing import NDArray
from PIL import Image

from engine.errors import UserError
from engine.scenes.formats.images import HEIC_SUFFIXES, downsample_area, load_upright, open_image, round_to_uint8
from engine.scenes.photos.exif import PhotoFacts, read_photo_facts
from engine.scenes.progress import ProgressListener, ReadingProgress
from engine.scenes.scene import LeftOut
from engine.sfm.quick.features import choose_copy_size

SAME_SHAPE_TOLERANCE = 0.01  # relative difference of aspect ratios
MINIMUM_PHOTOS = 3
UPRIGHT_ORIENTATIONS = (None, 0, 1)  # values of EXIF's orientation for which nothing has to be turned
ORIENTATION_TAG = 0x0112  # number of EXIF's orientation tag
JPEG_QUALITY = 97


@dataclass(frozen=True)
class Photo:
    """One photo.

    Attributes:
        path: its file.
        facts: what its header says.
        half_turn: whether it was found to be upside down; then it is turned when it is read.
    """

    path: Path
    facts: PhotoFacts
    half_turn: bool = False

    @property
    def name(self) -> str:
        """File name."""
        return self.path.name


@dataclass(frozen=True)
class PhotoSet:
    """Photos of one shape, which can be the frames of one scene.

    Attributes:
        photos: in natural order of their names.
        size: (width, height) to which all are resampled, pixels.
        left_out: photos of another shape.
        notes: sentences for the user.
    """

    photos: tuple[Photo, ...]
    size: tuple[int, int]
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()

    def select(self, kept: Sequence[int]) -> PhotoSet:
        """The set of some of the photos, by their indices."""
        return replace(self, photos=tuple(self.photos[index] for index in kept))


def gather_photos(files: Sequence[Path], folder: Path, maximum_pixels: int) -> PhotoSet:
    """Reads the headers and chooses the most frequent shape and its most frequent size.

    Args:
        files: image files, in order.
        folder: their folder, for error messages.
        maximum_pixels: largest image that is accepted.
    Raises:
        UserError: a file is damaged or no image, or fewer than three photos share a shape.
    """
    if len(files) < MINIMUM_PHOTOS:
        raise UserError(
            f"{folder} has {_describe_count(len(files))}; give at least {MINIMUM_PHOTOS} that overlap "
            "(20 are a good start)."
        )
    photos = [Photo(file, read_photo_facts(file, maximum_pixels)) for file in files]
    sizes = Counter(photo.facts.size for photo in photos)
    shapes = {size: sum(n for other, n in sizes.items() if have_same_shape(size, other)) for size in sizes}
    size = max(sizes, key=lambda size: (shapes[size], sizes[size], size))
    kept = [photo for photo in photos if have_same_shape(photo.facts.size, size)]
    width, height = size
    if len(kept) < MINIMUM_PHOTOS:
        other_shape = next(photo for photo in photos if not have_same_shape(photo.facts.size, photos[0].facts.size))
        raise UserError(
            f"{folder} mixes photos of different shapes ({photos[0].name} has {_describe_size(photos[0])}, "
            f"{other_shape.name} another); keep those of one camera held one way."
        )
    left_out = tuple(
        LeftOut(photo.name, f"another shape: {_describe_size(photo)} where most have {width} x {height}")
        for photo in photos
        if photo not in kept
    )
    other = [photo for photo in kept if photo.facts.size != size]
    notes: tuple[str, ...] = ()
    if other:
        notes = (
            f"{_describe_count(len(other))} of another size than {width} x {height}, such as {other[0].name} "
            f"({_describe_size(other[0])}), {'is' if len(other) == 1 else 'are'} resampled to it.",
        )
    return PhotoSet(tuple(kept), size, left_out, notes)


def read_pixels(photo: Photo, size: tuple[int, int], maximum_pixels: int) -> NDArray[np.uint8]:
    """Decodes a photo to RGB (height, width, 3), upright, resampled to `size` (width, height) where it differs.

    Raises:
        UserError: the file is damaged.
    """
    image = load_upright(photo.path, maximum_pixels)
    if image.shape[1::-1] != size:
        image = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
    return np.ascontiguousarray(image[::-1, ::-1]) if photo.half_turn else image


@dataclass(frozen=True)
class DecodedPhotos:
    """Photos at the two sizes that are needed, from one decoding.

    Attributes:
        images: RGB at the scene's resolution.
        copies: grey, of the size that `engine.sfm.quick.features.choose_copy_size` chooses.
        masks: True where a pixel of `images` counts; None if all do.
    """

    images: UInt8[np.ndarray, "frames height width 3"]
    copies: tuple[UInt8[np.ndarray, "copy_height copy_width"], ...]
    masks: Bool[np.ndarray, "frames height width"] | None = None

    def select(self, kept: Sequence[int]) -> DecodedPhotos:
        """Some of the photos, by their indices."""
        masks = None if self.masks is None else self.masks[list(kept)]
        return DecodedPhotos(self.images[list(kept)], tuple(self.copies[index] for index in kept), masks)

    def copy_masks(self) -> list[Bool[np.ndarray, "copy_height copy_width"]] | None:
        """The masks at the size of the copies; None if all pixels count."""
        if self.masks is None:
            return None
        return [
            np.asarray(Image.fromarray(mask).resize(copy.shape[::-1], Image.Resampling.NEAREST))
            for mask, copy in zip(self.masks, self.copies, strict=True)
        ]


def decode_photos(photos: PhotoSet, factor: int, maximum_pixels: int, watch: ProgressListener) -> DecodedPhotos:
    """Decodes all photos; those at the scene's resolution are means of blocks of `factor` x `factor` pixels.

    Raises:
        UserError: a file is damaged.
    """
    width, height = photos.size
    copy_size = choose_copy_size(width, height)
    reduction = choose_reduction(factor, max(photos.size), max(copy_size))
    images: list[NDArray[np.uint8]] = []
    copies: list[NDArray[np.uint8]] = []

    def load(photo: Photo) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        if photo.facts.size == photos.size and not photo.half_turn:
            reduced, left = load_upright(photo.path, maximum_pixels, reduction), factor // reduction
        else:
            reduced, left = read_pixels(photo, photos.size, maximum_pixels), factor
        grey, whole = Image.fromarray(reduced).convert("L"), (0, 0, width * left / factor, height * left / factor)
        copy = grey if grey.size == copy_size else grey.resize(copy_size, Image.Resampling.LANCZOS, whole)
        small = reduced if left == 1 else round_to_uint8(downsample_area(reduced, left))
        return small[: height // factor, : width // factor], np.asarray(copy)

    with ThreadPoolExecutor(max_workers=4) as pool:
        for image, copy in pool.map(load, photos.photos):
            images.append(image)
            copies.append(copy)
            watch(ReadingProgress("reading the photos", len(images), len(photos.photos)))
    return DecodedPhotos(np.stack(images), tuple(copies))


def choose_reduction(factor: int, longer_side: int, copy_side: int) -> int:
    """By how much photos are reduced when they are decoded: 1, 2, 4 or 8.

    Args:
        factor: of the scene's resolution, a multiple of the result.
        longer_side: of the photos, pixels.
        copy_side: longer side of the small copies; the reduced photos are at least as large.
    """
    fitting = (power for power in (8, 4, 2) if factor % power == 0 and longer_side // power >= copy_side)
    return next(fitting, 1)


def is_usable_as_stored(photo: Photo, size: tuple[int, int], maximum_pixels: int) -> bool:
    """Whether the file itself holds the pixels that `read_pixels` returns, in a format that COLMAP reads."""
    if photo.half_turn or photo.facts.size != size or photo.path.suffix.lower() in HEIC_SUFFIXES:
        return False
    with open_image(photo.path, maximum_pixels) as image:
        return image.getexif().get(ORIENTATION_TAG) in UPRIGHT_ORIENTATIONS and image.mode in ("RGB", "L")


def write_copies(photos: PhotoSet, folder: Path, maximum_pixels: int, watch: ProgressListener) -> tuple[str, ...]:
    """Writes the photos upright and in one size, for programs that ignore EXIF orientation; returns the file names.

    A file that is upright and of that size is copied unchanged, with its EXIF data; the others become JPEGs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names: list[str] = []
    for photo in photos.photos:
        kept = is_usable_as_stored(photo, photos.size, maximum_pixels)
        name = photo.name if kept else f"{photo.path.stem}.jpg"
        if name in names:
            name = f"{photo.path.stem}{photo.path.suffix}.jpg"
        if kept:
            shutil.copyfile(photo.path, folder / name)
        else:
            image = Image.fromarray(read_pixels(photo, photos.size, maximum_pixels))
            image.save(folder / name, quality=JPEG_QUALITY, subsampling=0)
        names.append(name)
        watch(ReadingProgress("turning and copying the photos", len(names), len(photos.photos)))
    return tuple(names)


def have_same_shape(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two sizes (width, height) have the same aspect ratio, within `SAME_SHAPE_TOLERANCE`."""
    return abs(one[0] * other[1] / (one[1] * other[0]) - 1) < SAME_SHAPE_TOLERANCE


def _describe_size(photo: Photo) -> str:
    return f"{photo.facts.width} x {photo.facts.height}"


def _describe_count(count: int) -> str:
    return "1 photo" if count == 1 else f"{count or 'no'} photos"
