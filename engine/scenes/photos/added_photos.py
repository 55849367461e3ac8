"""Photos to be added to a scene during training: read like the scene's own photos, or refused with a reason."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from engine.errors import UserError
from engine.scenes.added_frames import is_safe_name
from engine.scenes.canvas import Size, list_sizes, stack_pictures
from engine.scenes.formats.images import load_image, round_to_uint8
from engine.scenes.formats.resolution import Reduction, choose_draft, choose_reductions, reduce_image
from engine.scenes.options import SceneOptions
from engine.scenes.paths import IMAGE_SUFFIXES
from engine.scenes.photos.added_lenses import choose_intrinsics
from engine.scenes.photos.exif import PhotoFacts, read_photo_facts
from engine.scenes.photos.files import PHOTO_SUFFIXES, find_photo_folder, list_photos
from engine.scenes.photos.masked_photos import read_mask_of
from engine.scenes.photos.photo_set import (
    JPEG_QUALITY,
    Photo,
    have_same_shape,
    is_usable_as_stored,
    read_pixels,
)
from engine.scenes.photos.unusable_photos import average_cells, find_unusable
from engine.scenes.scene import AddedFrames, Scene
from engine.system.files import replace_file

MAXIMUM_AT_ONCE = 500  # photos per request, to bound memory

Picture = UInt8[np.ndarray, "height width 3"]


@dataclass(frozen=True)
class AddedPhotos:
    """Result of reading photos that the user wants to add.

    Attributes:
        added: the photos that can be frames; None if there is none.
        refused: a sentence about each photo that was refused.
        notes: sentences about photos that were accepted.
    """

    added: AddedFrames | None
    refused: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Photo:
    """`picture` is that of its frame, `mask` of its pixels those that count, None for all; `stored`: whether it holds
    the pixels as stored, not turned by EXIF."""

    path: Path
    name: str
    picture: Picture
    mask: NDArray[np.bool_] | None
    stored: bool
    facts: PhotoFacts


def read_added_photos(
    paths: Sequence[Path],
    scene: Scene,
    options: SceneOptions,
    folder: Path | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> AddedPhotos:
    """Reads photos to be added to a scene. Problems with a photo do not raise; they are reported in the result.

    Args:
        paths: image files, or folders of them.
        scene: the scene with all frames that it has so far.
        options: how the scene was read.
        folder: where full-size copies of the photos are written, for exports; None writes none.
        stopped: called before each photo; True ends reading with an empty result.
    """
    refused, taken, names = list[str](), list[_Photo](), set(scene.names)
    files = _list_files(paths, refused)
    for path in files[:MAXIMUM_AT_ONCE]:
        if stopped():
            return AddedPhotos(None, ())
        try:
            picture, size, stored = _read_picture(path, scene, options)
            facts = read_photo_facts(path, options.maximum_pixels)
            # before a background of its own a transparent pixel shows that, and counts
            alpha = scene.background is None
            mask = read_mask_of(path, size, picture.shape[1::-1], alpha, options.maximum_pixels)
        except UserError as error:
            refused.append(str(error))
            continue
        name = _choose_name(path, names)
        names.add(name)
        taken.append(_Photo(path, name, picture, mask, stored, facts))
    if len(files) > MAXIMUM_AT_ONCE:
        refused.append(f"{len(files)} photos are too many at once; give at most {MAXIMUM_AT_ONCE}.")
    taken = _drop_unusable(taken, scene, refused)
    if not taken:
        return AddedPhotos(None, tuple(refused))
    nearest = [find_nearest_frame(photo.picture, scene) for photo in taken]
    intrinsics, notes = choose_intrinsics(
        [(photo.name, photo.picture, photo.facts) for photo in taken], nearest, scene
    )
    added = AddedFrames(
        names=tuple(photo.name for photo in taken),
        images=torch.from_numpy(stack_pictures([photo.picture for photo in taken])),
        nearest=tuple(nearest),
        files=tuple(_write_copy(photo, options, folder, refused) for photo in taken),
        intrinsics=intrinsics,
        masks=_stack_masks(taken),
    )
    return AddedPhotos(added, tuple(refused), notes)


def _stack_masks(photos: Sequence[_Photo]) -> Bool[Tensor, "photos height width"] | None:
    """On one canvas; None where all pixels of all photos count."""
    if all(photo.mask is None for photo in photos):
        return None
    masks = (np.ones(photo.picture.shape[:2], bool) if photo.mask is None else photo.mask for photo in photos)
    return torch.from_numpy(stack_pictures(list(masks)))


def find_nearest_frame(picture: Picture, scene: Scene) -> int:
    """The training frame, of those that the scene was read with, whose image is most similar, ignoring exposure."""
    wanted = _normalise_cells(picture)
    training = [frame for frame in scene.training_frames if frame < scene.frames_read]

    def compare(frame: int) -> float:
        cells = _normalise_cells(scene.picture(frame).numpy())
        return float(np.square(wanted - cells).mean()) if cells.shape == wanted.shape else np.inf

    return min(training, key=compare)


def _list_files(paths: Iterable[Path], refused: list[str]) -> list[Path]:
    """The photos among the paths and in the folders among them, each once; adds a sentence about each other path."""
    found: list[Path] = []
    for path in paths:
        try:
            if path.is_dir():
                inside = find_photo_folder(path.resolve())
                if inside is None:
                    refused.append(f"{path} has no photos (JPEG, PNG, HEIC, ...) in it.")
                else:
                    found += list_photos(inside)
            elif not path.is_file():
                refused.append(f"There is no photo {path}; check the path.")
            elif path.suffix.lower() not in PHOTO_SUFFIXES:
                refused.append(f"{path} is no photo; give JPEG, PNG or HEIC files.")
            else:
                found.append(path)
        except UserError as error:
            refused.append(str(error))
        except (OSError, ValueError) as error:
            refused.append(f"{path} cannot be opened ({getattr(error, 'strerror', None) or error}).")
    return list(dict.fromkeys(file.absolute() for file in found))


def _read_picture(path: Path, scene: Scene, options: SceneOptions) -> tuple[Picture, Size, bool]:
    """A photo at the scene's resolution, RGB (height, width, 3), its own size, and whether its pixels are as stored.

    It is turned by its EXIF orientation, unless only the stored pixels have the shape of one of the scene's images: in
    scenes with poses from other programs, cameras refer to the pixels as stored.

    Raises:
        UserError: the photo is damaged, no image, or too large.
    """
    background = scene.background or options.background_colour
    sizes = list(dict.fromkeys(list_sizes(scene.intrinsics)))
    image, _ = load_image(path, background, options.maximum_pixels, upright=True)
    size, stored = _find_fitting_size(image, sizes), False
    if size is None:
        as_stored, _ = load_image(path, background, options.maximum_pixels)
        size = _find_fitting_size(as_stored, sizes)
        if size is not None:
            image, stored = as_stored, True
    height, width = image.shape[:2]
    if size is None:  # another camera, or one that was held the other way
        factor = math.ceil(max(width, height) / max(scene.intrinsics.width, scene.intrinsics.height))
        return reduce_image(image, choose_reductions([(width, height)], factor)[0]), (width, height), stored
    if width < size[0] or height < size[1]:
        return reduce_image(image, Reduction((width, height), (width, height), 1)), (width, height), stored
    factor = width // size[0]
    if (width // factor, height // factor) == size:  # the same decoding and downsampling as in all readers
        reduction = Reduction((width, height), size, factor)
        draft = choose_draft(reduction)
        if draft > 1:
            image, _ = load_image(path, background, options.maximum_pixels, upright=not stored, reduction=draft)
        return reduce_image(image, reduction, draft), (width, height), stored
    whole = image if image.dtype == np.uint8 else round_to_uint8(image.astype(np.float32))
    return np.asarray(Image.fromarray(whole).resize(size, Image.Resampling.BOX)), (width, height), stored


def _find_fitting_size(image: NDArray[np.uint8] | NDArray[np.float32], sizes: Sequence[Size]) -> Size | None:
    """The first of the sizes whose aspect ratio an image has; downsampling may have cut off a row or column."""
    return next((size for size in sizes if have_same_shape(image.shape[1::-1], size, 1 / min(size))), None)


def _drop_unusable(photos: list[_Photo], scene: Scene, refused: list[str]) -> list[_Photo]:
    """The photos without black, blank and repeated ones; adds a sentence about each of these."""
    if not photos:
        return []
    known = len(scene.names)
    everything = [scene.picture(frame).numpy() for frame in range(known)] + [photo.picture for photo in photos]
    names = [*scene.names, *(photo.name for photo in photos)]
    reasons = {index - known: why for index, why in find_unusable(everything).items() if index >= known}
    for index, why in sorted(reasons.items()):
        path = photos[index].path
        if isinstance(why, str):
            refused.append(f"{path} is {why}; it shows nothing to find it by.")
        elif why < known:
            refused.append(f"{path} is in the run already, as {names[why]}.")
        else:
            refused.append(f"{path} repeats {photos[why - known].path.name}.")
    return [photo for index, photo in enumerate(photos) if index not in reasons]


def _choose_name(path: Path, taken: set[str]) -> str:
    """A name for the frame that no other frame has: the file's name, with characters that are safe on all systems."""
    ending = path.suffix if path.suffix.lower() in IMAGE_SUFFIXES else ".jpg"
    stem = path.stem
    if not is_safe_name(stem + ending):
        stem = "".join(character if character.isalnum() or character in " -_." else "_" for character in stem).lstrip(
            "."
        )[:100]
    number, name = 1, (stem or "photo") + ending
    while name in taken:
        number += 1
        name = f"{stem or 'photo'}-{number}{ending}"
    return name


def _write_copy(photo: _Photo, options: SceneOptions, folder: Path | None, refused: list[str]) -> Path | None:
    """Writes a full-size copy of a photo for exports, of the pixels that the frame holds.

    Returns None if `folder` is None or the copy cannot be written; training does not need it.
    """
    if folder is None:
        return None
    target = folder / photo.name
    try:
        source = Photo(photo.path, photo.facts)
        with replace_file(target) as temporary:
            if photo.stored or is_usable_as_stored(source, options.maximum_pixels):
                shutil.copyfile(photo.path, temporary)
            else:
                image = Image.fromarray(read_pixels(source, options.maximum_pixels))
                image.save(temporary, quality=JPEG_QUALITY)
    except UserError as error:
        refused.append(str(error))
        return None
    return target


def _normalise_cells(picture: Picture) -> Float[np.ndarray, "rows columns"]:
    """Brightness averaged in cells, normalised to mean 0 and standard deviation 1."""
    cells = average_cells(picture)
    return (cells - cells.mean()) / max(float(cells.std()), 1e-6)
