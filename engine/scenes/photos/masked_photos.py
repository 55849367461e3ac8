"""The masks of photos without poses: in a folder `masks` beside them, or their alpha channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import UserError
from engine.scenes.canvas import Size, cut_picture
from engine.scenes.formats.images import HEIC_SUFFIXES, has_alpha
from engine.scenes.formats.masks import (
    MASK_FOLDER,
    LoadedMasks,
    MaskFile,
    find_masks,
    fit_mask,
    load_mask,
    load_masks,
    reduce_mask,
)
from engine.scenes.formats.resolution import Reduction
from engine.scenes.photos.photo_set import DecodedPhotos, PhotoSet


def list_masks(source: Path, photos: PhotoSet, maximum_pixels: int) -> list[MaskFile]:
    """The mask of each photo: a file in `masks`, or else the photo's own alpha channel.

    Args:
        source: folder of the photos, or that which holds `images`; a video has no masks.
        photos: of the folder.
        maximum_pixels: largest image that is opened.
    Raises:
        UserError: a mask leads out of the folder, or a photo is damaged.
    """
    files = find_masks(choose_mask_root(source), [photo.path for photo in photos.photos])
    return [_or_alpha(mask, maximum_pixels) for mask in files]


def read_mask_of(photo: Path, size: Size, reduced: Size, alpha: bool, maximum_pixels: int) -> NDArray[np.bool_] | None:
    """The mask of one photo, (height, width): a file in `masks` beside it, or its alpha channel; None without one.

    Args:
        photo: its file.
        size: (width, height) of it as it is read, pixels.
        reduced: (width, height) of the mask that is wanted: a pixel counts if all that it averages do.
        alpha: whether its alpha channel is a mask.
        maximum_pixels: largest mask that is decoded.
    Raises:
        UserError: the mask is damaged or of another shape than the photo, or hides all of it.
    """
    mask = find_masks(choose_mask_root(photo.parent), [photo])[0]
    mask = _or_alpha(mask, maximum_pixels) if alpha else mask
    if mask.file is None:
        return None
    counts = reduce_mask(fit_mask(load_mask(mask, maximum_pixels), size, mask), Reduction(size, reduced, None))
    if not counts.any():
        raise UserError(f"{mask.file} hides all of {photo.name}; what counts must be white: mend the mask.")
    return counts


def _or_alpha(mask: MaskFile, maximum_pixels: int) -> MaskFile:
    """The mask, or the photo's alpha channel where it has none and is transparent somewhere."""
    if mask.file is None and may_have_alpha(mask.photo) and has_alpha(mask.photo, maximum_pixels):
        return MaskFile(mask.photo, mask.photo, alpha=True)
    return mask


def choose_mask_root(source: Path) -> Path:
    """The folder that holds `masks`: that of the photos, or its parent where the photos were given as `.../images`."""
    beside = source.name == "images" and (source.parent / MASK_FOLDER).is_dir()
    return source.parent if beside and not (source / MASK_FOLDER).is_dir() else source


def may_have_alpha(photo: Path) -> bool:
    """Whether files of this suffix can be transparent; those of phones and cameras cannot."""
    return photo.suffix.lower() not in {".jpg", ".jpeg", *HEIC_SUFFIXES}


def describe_mask_files(masks: Sequence[MaskFile]) -> tuple[object, ...]:
    """What a cached result depends on, if there are masks: files, sizes and times; empty without masks."""
    if all(mask.file is None for mask in masks):
        return ()
    stats = [None if mask.file is None else (mask.file, mask.file.stat()) for mask in masks]
    return tuple(None if found is None else (str(found[0]), found[1].st_size, found[1].st_mtime_ns) for found in stats)


def add_masks(
    decoded: DecodedPhotos,
    reductions: Sequence[Reduction],
    masks: Sequence[MaskFile],
    source: Path,
    maximum_pixels: int,
) -> tuple[DecodedPhotos, LoadedMasks]:
    """The photos with their masks at the scene's resolution, and what is said of the masks.

    Raises:
        UserError: as of `load_masks`.
    """
    loaded = load_masks(masks, reductions, maximum_pixels, choose_mask_root(source))
    if loaded.counts is None:
        return decoded, loaded
    own = (cut_picture(counts, one.size) for counts, one in zip(loaded.counts.numpy(), reductions, strict=True))
    return replace(decoded, masks=tuple(own)), loaded
