"""The photos of a folder, upright, by the cameras that took them."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, UInt8
from numpy.typing import NDArray
from PIL import Image

from engine.errors import UserError
from engine.scenes.canvas import Size
from engine.scenes.formats.images import (
    PHONE_FORMATS,
    choose_decoders,
    downsample_area,
    load_upright,
    open_image,
    round_to_uint8,
)
from engine.scenes.formats.left_out import check_enough_remain, describe_reason, read_each
from engine.scenes.formats.resolution import Reduction, reduce_image
from engine.scenes.photos.exif import PhotoFacts, read_photo_facts
from engine.scenes.photos.photo_cameras import PhotoCamera, group_by_camera, orient
from engine.scenes.progress import ProgressListener, ReadingProgress
from engine.scenes.scene import LeftOut
from engine.sfm.quick.features import choose_copy_size

SAME_SHAPE_TOLERANCE = 0.01  # relative difference of aspect ratios
MINIMUM_PHOTOS = 3
UPRIGHT_ORIENTATIONS = (None, 0, 1)  # values of EXIF's orientation for which nothing has to be turned
ORIENTATION_TAG = 0x0112  # number of EXIF's orientation tag
JPEG_QUALITY = 97
MOST_DESCRIBED = 3  # cameras in a sentence


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
    """Photos which can be the frames of one scene.

    Attributes:
        photos: in natural order of their names.
        cameras: that took them; a camera may have none of the photos that were selected.
        camera_of: number of each photo's camera.
        left_out: photos that cannot be frames.
        notes: sentences for the user.
    """

    photos: tuple[Photo, ...]
    cameras: tuple[PhotoCamera, ...]
    camera_of: tuple[int, ...]
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def sizes(self) -> list[Size]:
        """(width, height) of each photo, upright, pixels."""
        return [photo.facts.size for photo in self.photos]

    def select(self, kept: Sequence[int]) -> PhotoSet:
        """The set of some of the photos, by their indices; cameras keep their numbers."""
        return replace(
            self,
            photos=tuple(self.photos[index] for index in kept),
            camera_of=tuple(self.camera_of[index] for index in kept),
        )

    def copy_size(self, index: int) -> Size:
        """(width, height) of the small copy of a photo: all copies of one camera have one size, upright or wide."""
        return orient(choose_copy_size(*self.cameras[self.camera_of[index]].size), self.photos[index].facts.size)


def gather_photos(files: Sequence[Path], folder: Path, maximum_pixels: int) -> PhotoSet:
    """Reads the headers of photos and finds out which were taken by one camera.

    Files that are empty, damaged or no image are left out, with a warning, as long as more remain.

    Args:
        files: image files, in order.
        folder: their folder, for error messages.
        maximum_pixels: largest image that is accepted.
    Raises:
        UserError: most files are damaged, or there are fewer than three.
    """
    if len(files) < MINIMUM_PHOTOS:
        raise UserError(
            f"{folder} has {_describe_count(len(files))}; give at least {MINIMUM_PHOTOS} that overlap "
            "(20 are a good start)."
        )
    photos, left_out = read_each(
        files, lambda file: file.name, lambda file: Photo(file, read_photo_facts(file, maximum_pixels)), folder
    )
    cameras, camera_of = group_by_camera([photo.facts for photo in photos])
    notes = () if len(cameras) == 1 else (_describe_cameras(cameras, camera_of),)
    return PhotoSet(tuple(photos), cameras, camera_of, left_out, notes)


def read_pixels(photo: Photo, maximum_pixels: int) -> NDArray[np.uint8]:
    """Decodes a photo to RGB (height, width, 3), upright.

    Raises:
        UserError: the file is damaged.
    """
    image = load_upright(photo.path, maximum_pixels)
    return np.ascontiguousarray(image[::-1, ::-1]) if photo.half_turn else image


@dataclass(frozen=True)
class DecodedPhotos:
    """Photos at the two sizes that are needed, from one decoding.

    Attributes:
        images: RGB at the scene's resolution.
        copies: grey, of the size that `PhotoSet.copy_size` says.
        masks: True where a pixel of `images` counts; None if all do.
        damaged: photos that could not be decoded, by their indices, with the reason; their images are black.
    """

    images: tuple[UInt8[np.ndarray, "height width 3"], ...]
    copies: tuple[UInt8[np.ndarray, "copy_height copy_width"], ...]
    masks: tuple[Bool[np.ndarray, "height width"], ...] | None = None
    damaged: Mapping[int, str] = field(default_factory=dict)

    def select(self, kept: Sequence[int]) -> DecodedPhotos:
        """Some of the photos, by their indices, none of which is damaged."""
        masks = None if self.masks is None else tuple(self.masks[index] for index in kept)
        images, copies = (tuple(every[index] for index in kept) for every in (self.images, self.copies))
        return DecodedPhotos(images, copies, masks)

    def copy_masks(self) -> list[Bool[np.ndarray, "copy_height copy_width"]] | None:
        """The masks at the size of the copies; None if all pixels count."""
        if self.masks is None:
            return None
        return [
            np.asarray(Image.fromarray(mask).resize(copy.shape[::-1], Image.Resampling.NEAREST))
            for mask, copy in zip(self.masks, self.copies, strict=True)
        ]


def decode_photos(
    photos: PhotoSet, reductions: Sequence[Reduction], maximum_pixels: int, watch: ProgressListener
) -> DecodedPhotos:
    """Decodes all photos; those at the scene's resolution are reduced as `reductions` say.

    Raises:
        UserError: most files are damaged.
    """
    images: list[NDArray[np.uint8]] = []
    copies: list[NDArray[np.uint8]] = []
    errors: dict[int, UserError] = {}

    def load(index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        try:
            return decode(index)
        except UserError as error:
            errors[index] = error
            (width, height), (copy_width, copy_height) = reductions[index].size, photos.copy_size(index)
            return np.zeros((height, width, 3), dtype=np.uint8), np.zeros((copy_height, copy_width), dtype=np.uint8)

    def decode(index: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        photo, reduction, copy_size = photos.photos[index], reductions[index], photos.copy_size(index)
        (width, height), factor = reduction.stored, reduction.factor
        by = 1 if factor is None or photo.half_turn else choose_reduction(factor, max(width, height), max(copy_size))
        reduced = read_pixels(photo, maximum_pixels) if by == 1 else load_upright(photo.path, maximum_pixels, by)
        grey, whole = Image.fromarray(reduced).convert("L"), (0, 0, width / by, height / by)
        copy = grey if grey.size == copy_size else grey.resize(copy_size, Image.Resampling.LANCZOS, whole)
        if factor is None:
            return reduce_image(reduced, reduction), np.asarray(copy)
        small = reduced if factor == by else round_to_uint8(downsample_area(reduced, factor // by))
        return small[: height // factor, : width // factor], np.asarray(copy)

    with ThreadPoolExecutor(choose_decoders(photos.sizes)) as pool:
        for image, copy in pool.map(load, range(len(photos.photos))):
            images.append(image)
            copies.append(copy)
            watch(ReadingProgress("reading the photos", len(images), len(photos.photos)))
    check_enough_remain(len(images) - len(errors), [errors[index] for index in sorted(errors)])
    reasons = {index: describe_reason(error) for index, error in errors.items()}
    return DecodedPhotos(tuple(images), tuple(copies), damaged=reasons)


def choose_reduction(factor: int, longer_side: int, copy_side: int) -> int:
    """By how much photos are reduced when they are decoded: 1, 2, 4 or 8.

    Args:
        factor: of the scene's resolution, a multiple of the result.
        longer_side: of the photos, pixels.
        copy_side: longer side of the small copies; the reduced photos are at least as large.
    """
    fitting = (power for power in (8, 4, 2) if factor % power == 0 and longer_side // power >= copy_side)
    return next(fitting, 1)


def is_usable_as_stored(photo: Photo, maximum_pixels: int) -> bool:
    """Whether the file itself holds the pixels that `read_pixels` returns, in a format that COLMAP reads."""
    if photo.half_turn:
        return False
    with open_image(photo.path, maximum_pixels) as image:
        upright = image.getexif().get(ORIENTATION_TAG) in UPRIGHT_ORIENTATIONS
        return upright and image.format not in PHONE_FORMATS and image.mode in ("RGB", "L")


def write_copies(photos: PhotoSet, folder: Path, maximum_pixels: int, watch: ProgressListener) -> tuple[str, ...]:
    """Writes the photos upright, for programs that ignore EXIF orientation; returns the file names.

    A file that is upright is copied unchanged, with its EXIF data; the others become JPEGs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names: list[str] = []
    for photo in photos.photos:
        kept = is_usable_as_stored(photo, maximum_pixels)
        name = photo.name if kept else f"{photo.path.stem}.jpg"
        if name in names:
            name = f"{photo.path.stem}{photo.path.suffix}.jpg"
        if kept:
            shutil.copyfile(photo.path, folder / name)
        else:
            image = Image.fromarray(read_pixels(photo, maximum_pixels))
            image.save(folder / name, quality=JPEG_QUALITY, subsampling=0)
        names.append(name)
        watch(ReadingProgress("turning and copying the photos", len(names), len(photos.photos)))
    return tuple(names)


def have_same_shape(one: tuple[int, ...], other: tuple[int, ...], rounding: float = 0.0) -> bool:
    """Whether two sizes (width, height) have the same aspect ratio, within `SAME_SHAPE_TOLERANCE` and `rounding`."""
    return abs(one[0] * other[1] / (one[1] * other[0]) - 1) < SAME_SHAPE_TOLERANCE + rounding


def _describe_cameras(cameras: Sequence[PhotoCamera], camera_of: Sequence[int]) -> str:
    each = [
        f"{camera_of.count(number)} of {camera.size[0]} x {camera.size[1]} pixels"
        + ("" if camera.equivalent is None else f" at {camera.equivalent:.3g} mm")
        for number, camera in enumerate(cameras[:MOST_DESCRIBED])
    ]
    more = f" and {len(cameras) - len(each)} more" if len(cameras) > len(each) else ""
    return f"The photos seem to be of {len(cameras)} cameras or zooms: {', '.join(each)}{more}."


def _describe_count(count: int) -> str:
    return "1 photo" if count == 1 else f"{count or 'no'} photos"
