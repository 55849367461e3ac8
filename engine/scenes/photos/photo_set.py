"""The photos of a folder brought to one size, upright, and those that do not fit among the others."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray
from PIL import Image

from engine.errors import UserError
from engine.scenes.formats.images import HEIC_SUFFIXES, downsample_area, load_upright, open_image, round_to_uint8
from engine.scenes.photos.exif import PhotoFacts, read_photo_facts
from engine.scenes.progress import ProgressListener, ReadingProgress
from engine.scenes.scene import LeftOut

SAME_SHAPE = 0.01  # relative difference of aspect ratios
FEWEST = 3
UPRIGHT = (None, 0, 1)  # EXIF orientations that ask for nothing
ORIENTATION = 0x0112
JPEG_QUALITY = 97


@dataclass(frozen=True)
class Photo:
    """One photo.

    Attributes:
        path: of its file.
        facts: of its header.
        half_turn: it was found to be upside down, and is turned when it is read.
    """

    path: Path
    facts: PhotoFacts
    half_turn: bool = False

    @property
    def name(self) -> str:
        return self.path.name


@dataclass(frozen=True)
class PhotoSet:
    """Photos that can be one scene.

    Attributes:
        shots: in natural order.
        size: width and height that all are brought to, pixels.
        left_out: photos of another shape.
        notes: sentences for the user.
    """

    shots: tuple[Photo, ...]
    size: tuple[int, int]
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()

    def only(self, kept: Sequence[int]) -> PhotoSet:
        """Some of the photos."""
        return replace(self, shots=tuple(self.shots[index] for index in kept))


def gather_photos(files: Sequence[Path], folder: Path, maximum_pixels: int) -> PhotoSet:
    """Read the headers and settle on one shape and size.

    Raises:
        UserError: a file is damaged or no image, or fewer than three share a shape.
    """
    if len(files) < FEWEST:
        raise UserError(
            f"{folder} has {_counted(len(files))}; give at least {FEWEST} that overlap (20 are a good start)."
        )
    shots = [Photo(file, read_photo_facts(file, maximum_pixels)) for file in files]
    sizes = Counter(shot.facts.size for shot in shots)
    shapes = {size: sum(n for other, n in sizes.items() if have_same_shape(size, other)) for size in sizes}
    size = max(sizes, key=lambda size: (shapes[size], sizes[size], size))
    kept = [shot for shot in shots if have_same_shape(shot.facts.size, size)]
    width, height = size
    if len(kept) < FEWEST:
        other_shape = next(shot for shot in shots if not have_same_shape(shot.facts.size, shots[0].facts.size))
        raise UserError(
            f"{folder} mixes photos of different shapes ({shots[0].name} has {_pixels(shots[0])}, "
            f"{other_shape.name} another); keep those of one camera held one way."
        )
    left_out = tuple(
        LeftOut(shot.name, f"another shape: {_pixels(shot)} where most have {width} x {height}")
        for shot in shots
        if shot not in kept
    )
    other = [shot for shot in kept if shot.facts.size != size]
    notes: tuple[str, ...] = ()
    if other:
        notes = (
            f"{_counted(len(other))} of another size than {width} x {height}, such as {other[0].name} "
            f"({_pixels(other[0])}), {'is' if len(other) == 1 else 'are'} resampled to it.",
        )
    return PhotoSet(tuple(kept), size, left_out, notes)


def read_pixels(shot: Photo, size: tuple[int, int], maximum_pixels: int) -> NDArray[np.uint8]:
    """A photo's RGB (height, width, 3), upright and of the given size.

    Raises:
        UserError: the file is damaged.
    """
    image = load_upright(shot.path, maximum_pixels)
    if image.shape[1::-1] != size:
        image = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))
    return np.ascontiguousarray(image[::-1, ::-1]) if shot.half_turn else image


def read_small_images(
    shots: PhotoSet, factor: int, maximum_pixels: int, watch: ProgressListener
) -> UInt8[np.ndarray, "frames height width 3"]:
    """All photos, area-downsampled.

    Raises:
        UserError: a file is damaged.
    """

    def load(shot: Photo) -> NDArray[np.uint8]:
        return round_to_uint8(downsample_area(read_pixels(shot, shots.size, maximum_pixels), factor))

    images = []
    with ThreadPoolExecutor(max_workers=4) as pool:
        for image in pool.map(load, shots.shots):
            images.append(image)
            watch(ReadingProgress("reading the photos", len(images), len(shots.shots)))
    return np.stack(images)


def is_usable_as_stored(shot: Photo, size: tuple[int, int], maximum_pixels: int) -> bool:
    """Whether the file itself holds what `pixels` gives, in a format that COLMAP reads."""
    if shot.half_turn or shot.facts.size != size or shot.path.suffix.lower() in HEIC_SUFFIXES:
        return False
    with open_image(shot.path, maximum_pixels) as image:
        return image.getexif().get(ORIENTATION) in UPRIGHT and image.mode in ("RGB", "L")


def write_copies(shots: PhotoSet, folder: Path, maximum_pixels: int, watch: ProgressListener) -> tuple[str, ...]:
    """Files that hold the photos upright and in one size, for programs that look at pixels only; their names.

    A file that does so already is copied as it is, with its EXIF data; of the others JPEGs are made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names: list[str] = []
    for shot in shots.shots:
        kept = is_usable_as_stored(shot, shots.size, maximum_pixels)
        name = shot.name if kept else f"{shot.path.stem}.jpg"
        if name in names:
            name = f"{shot.path.stem}{shot.path.suffix}.jpg"
        if kept:
            shutil.copyfile(shot.path, folder / name)
        else:
            image = Image.fromarray(read_pixels(shot, shots.size, maximum_pixels))
            image.save(folder / name, quality=JPEG_QUALITY, subsampling=0)
        names.append(name)
        watch(ReadingProgress("turning and copying the photos", len(names), len(shots.shots)))
    return tuple(names)


def have_same_shape(one: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two sizes, in pixels, are of one shape."""
    return abs(one[0] * other[1] / (one[1] * other[0]) - 1) < SAME_SHAPE


def _pixels(shot: Photo) -> str:
    return f"{shot.facts.width} x {shot.facts.height}"


def _counted(count: int) -> str:
    return "1 photo" if count == 1 else f"{count or 'no'} photos"
