"""Photos to be added to a scene during training: read like the scene's own photos, or refused with a reason."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from PIL import Image

from engine.errors import UserError
from engine.scenes.added_frames import is_safe_name
from engine.scenes.formats.images import downsample_area, load_image, read_image_size, round_to_uint8
from engine.scenes.options import SceneOptions
from engine.scenes.paths import IMAGE_SUFFIXES
from engine.scenes.photos.exif import convert_focal_to_pixels, read_photo_facts
from engine.scenes.photos.files import PHOTO_SUFFIXES, find_photo_folder, list_photos
from engine.scenes.photos.photo_set import (
    JPEG_QUALITY,
    SAME_SHAPE_TOLERANCE,
    Photo,
    have_same_shape,
    is_usable_as_stored,
    read_pixels,
)
from engine.scenes.photos.unusable_photos import average_cells, find_unusable
from engine.scenes.scene import AddedFrames, Scene
from engine.system.files import replace_file

MAXIMUM_AT_ONCE = 500  # photos per request, to bound memory
FOCAL_TOLERANCE = 0.05  # relative difference from the run's focal length up to which the user is not told

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
    path: Path
    name: str
    picture: Picture


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
            picture = _read_picture(path, scene, options)
        except UserError as error:
            refused.append(str(error))
            continue
        name = _choose_name(path, names)
        names.add(name)
        taken.append(_Photo(path, name, picture))
    if len(files) > MAXIMUM_AT_ONCE:
        refused.append(f"{len(files)} photos are too many at once; give at most {MAXIMUM_AT_ONCE}.")
    taken = _drop_unusable(taken, scene, refused)
    if not taken:
        return AddedPhotos(None, tuple(refused))
    nearest = [find_nearest_frame(photo.picture, scene) for photo in taken]
    notes = [_note_focal(photo, scene, frame, options) for photo, frame in zip(taken, nearest, strict=True)]
    added = AddedFrames(
        names=tuple(photo.name for photo in taken),
        images=torch.from_numpy(np.stack([photo.picture for photo in taken])),
        nearest=tuple(nearest),
        files=tuple(_write_copy(photo, scene, options, folder, refused) for photo in taken),
    )
    return AddedPhotos(added, tuple(refused), tuple(note for note in notes if note))


def find_nearest_frame(picture: Picture, scene: Scene) -> int:
    """The training frame, of those that the scene was read with, whose image is most similar, ignoring exposure."""
    wanted = _normalise_cells(picture)
    others = scene.images[: scene.frames_read].numpy()
    training = [frame for frame in scene.training_frames if frame < scene.frames_read]
    return min(training, key=lambda frame: float(np.square(wanted - _normalise_cells(others[frame])).mean()))


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


def _read_picture(path: Path, scene: Scene, options: SceneOptions) -> Picture:
    """A photo at the scene's resolution, RGB (height, width, 3).

    It is turned by its EXIF orientation, unless only the stored pixels have the shape of the scene's images: in
    scenes with poses from other programs, cameras refer to the pixels as stored.

    Raises:
        UserError: the photo is damaged, no image, too large, too small or of another shape.
    """
    size = width, height = scene.intrinsics.width, scene.intrinsics.height
    background = scene.background or options.background_colour
    image, _ = load_image(path, background, options.maximum_pixels, upright=True)
    if not _fits_shape(image, size):
        shape = image.shape
        image, _ = load_image(path, background, options.maximum_pixels)
        if not _fits_shape(image, size):
            raise UserError(
                f"{path} has another shape ({shape[1]} x {shape[0]} pixels) than the photos of the run "
                f"({width} x {height}); add photos of the same camera, held in the same way."
            )
    if image.shape[1] < width or image.shape[0] < height:
        raise UserError(
            f"{path} has {image.shape[1]} x {image.shape[0]} pixels, fewer than the run uses ({width} x {height}); "
            "add the photo at its full size."
        )
    factor = image.shape[1] // width
    if (image.shape[1] // factor, image.shape[0] // factor) == size:  # the same downsampling as in all readers
        return round_to_uint8(downsample_area(image, factor))
    whole = image if image.dtype == np.uint8 else round_to_uint8(image.astype(np.float32))
    return np.asarray(Image.fromarray(whole).resize(size, Image.Resampling.BOX))


def _fits_shape(image: NDArray[np.uint8] | NDArray[np.float32], size: tuple[int, int]) -> bool:
    """Whether an image has the aspect ratio of `size`, which downsampling may have made smaller by a row or column."""
    return abs(image.shape[1] * size[1] / (image.shape[0] * size[0]) - 1) < SAME_SHAPE_TOLERANCE + 1 / min(size)


def _drop_unusable(photos: list[_Photo], scene: Scene, refused: list[str]) -> list[_Photo]:
    """The photos without black, blank and repeated ones; adds a sentence about each of these."""
    if not photos:
        return []
    known = len(scene.names)
    everything = np.concatenate([scene.images.numpy(), np.stack([photo.picture for photo in photos])])
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


def _note_focal(photo: _Photo, scene: Scene, nearest: int, options: SceneOptions) -> str:
    """A sentence if EXIF gives another focal length than the run uses; else an empty string."""
    equivalent = read_photo_facts(photo.path, options.maximum_pixels).equivalent
    if equivalent is None:
        return ""
    told = convert_focal_to_pixels(equivalent, scene.intrinsics.width, scene.intrinsics.height)
    used = float(scene.intrinsics.focal[nearest].mean())
    if abs(told / used - 1) <= FOCAL_TOLERANCE:
        return ""
    return (
        f"{photo.name} has a focal length of {told:.0f} pixels by its EXIF data, {used:.0f} are taken as for the "
        "other photos."
    )


def _write_copy(
    photo: _Photo, scene: Scene, options: SceneOptions, folder: Path | None, refused: list[str]
) -> Path | None:
    """Writes a full-size copy of a photo for exports: upright and of the size of the other frames' files.

    Returns None if `folder` is None or the copy cannot be written; training does not need it.
    """
    if folder is None:
        return None
    target = folder / photo.name
    try:
        source = Photo(photo.path, read_photo_facts(photo.path, options.maximum_pixels))
        size = read_image_size(scene.files[0], options.maximum_pixels) if scene.files else source.facts.size
        # If the upright photo has another shape, the frame holds the pixels as stored (see `_read_picture`).
        keep_stored = not have_same_shape(source.facts.size, size) or is_usable_as_stored(
            source, size, options.maximum_pixels
        )
        with replace_file(target) as temporary:
            if keep_stored:
                shutil.copyfile(photo.path, temporary)
            else:
                image = Image.fromarray(read_pixels(source, size, options.maximum_pixels))
                image.save(temporary, quality=JPEG_QUALITY)
    except UserError as error:
        refused.append(str(error))
        return None
    return target


def _normalise_cells(picture: Picture) -> Float[np.ndarray, "rows columns"]:
    """Brightness averaged in cells, normalised to mean 0 and standard deviation 1."""
    cells = average_cells(picture)
    return (cells - cells.mean()) / max(float(cells.std()), 1e-6)
