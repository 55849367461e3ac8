"""Masks of photos: images beside them, white where the photo counts and black where it does not, or alpha channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool
from numpy.typing import NDArray
from PIL import ExifTags, Image
from torch import Tensor

from engine.errors import UserError
from engine.scenes.canvas import Size, stack_pictures
from engine.scenes.formats.images import MOST_PIXELS, choose_decoders, load_alpha, load_image, open_image
from engine.scenes.formats.left_out import check_enough_remain, describe_reason
from engine.scenes.formats.resolution import Reduction
from engine.scenes.pyramid.photo_masks import downsample_masks

MASK_FOLDER = "masks"
HIDDEN = "its mask hides all of it"  # why a photo is left out
SAME_SHAPE_TOLERANCE = 0.01  # relative difference of aspect ratios of a mask and its photo
# EXIF orientations that exchange width and height, and what makes such an image upright
SIDEWAYS = {
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class MaskFile:
    """The mask of a photo.

    Attributes:
        photo: the photo's file.
        file: the mask's file; None if the photo has none, so that all of its pixels count.
        alpha: whether the mask is the alpha channel of that file.
    """

    photo: Path
    file: Path | None
    alpha: bool = False


@dataclass(frozen=True)
class LoadedMasks:
    """The masks of some frames.

    Attributes:
        counts: True for pixels that count; None if there are no masks.
        useless: why a photo cannot be used, by its index: its mask hides all of it, or is damaged.
        notes: sentences for the user.
    """

    counts: Bool[Tensor, "frames height width"] | None
    useless: Mapping[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def find_masks(scene: Path, photos: Sequence[Path]) -> list[MaskFile]:
    """The masks in the folder `masks` of a scene, by the names of the photos.

    For `images/left/a.jpg` these are, in this order, `masks/left/a.jpg.png` (as for COLMAP), `masks/left/a.png` and
    `masks/left/a.jpg`; the folder may be `images_2` and so on, or any other, whose name is then kept.
    """
    folder = scene / MASK_FOLDER
    if not folder.is_dir():
        return [MaskFile(photo, None) for photo in photos]
    found = []
    for photo in photos:
        parts = photo.relative_to(scene).parts if photo.is_relative_to(scene) else (photo.name,)
        below = folder.joinpath(*parts[1:] if len(parts) > 1 and parts[0].startswith("images") else parts)
        names = (below.with_name(below.name + ".png"), below.with_suffix(".png"), below)
        file = next((file for file in dict.fromkeys(names) if file.is_file() and file != photo), None)
        found.append(MaskFile(photo, file))
    return found


def load_masks(
    masks: Sequence[MaskFile], reductions: Sequence[Reduction], maximum_pixels: int, scene: Path
) -> LoadedMasks:
    """Decodes the masks of photos, downsampled as the photos are: a pixel counts where all that it averages count.

    A mask of another size than its photo is resampled where it has the same shape. Where only some photos have one,
    all pixels of the others count. What lies outside a frame's own picture does not count.

    Args:
        masks: of the photos.
        reductions: how the photos become the pictures of their frames.
        maximum_pixels: largest mask that is decoded.
        scene: the scene's folder, for sentences.
    Raises:
        UserError: a mask is of another shape than its photo, most are damaged, or all hide everything.
    """
    folder = scene / MASK_FOLDER
    if all(mask.file is None for mask in masks):
        empty = not folder.is_dir() or not any(folder.iterdir())
        note = f"No mask in {folder} belongs to a photo (photo.jpg.png or photo.png is wanted): all pixels count."
        return LoadedMasks(None, notes=() if empty else (note,))

    damaged = dict[int, UserError]()

    def load(index: int, mask: MaskFile, reduction: Reduction) -> tuple[NDArray[np.bool_], Size]:
        if mask.file is None:
            return np.ones(reduction.size[::-1], dtype=np.bool_), reduction.stored
        try:
            counts = load_mask(mask, maximum_pixels)
        except UserError as error:
            damaged[index] = error
            return np.zeros(reduction.size[::-1], dtype=np.bool_), reduction.stored
        found = counts.shape[1], counts.shape[0]
        return reduce_mask(fit_mask(counts, reduction.stored, mask), reduction), found

    with ThreadPoolExecutor(choose_decoders(reduction.stored for reduction in reductions)) as pool:
        loaded = list(pool.map(load, range(len(masks)), masks, reductions))
    # In the order of the photos: the threads end in any order.
    check_enough_remain(len(masks) - len(damaged), [damaged[index] for index in sorted(damaged)])
    counts = torch.from_numpy(stack_pictures([counts for counts, _ in loaded]))
    hidden = (~counts.flatten(start_dim=1).any(dim=1)).nonzero()[:, 0].tolist()
    if len(hidden) == len(masks):
        raise UserError(
            f"{masks[0].file} and all other masks hide everything; what counts must be white: invert them, or remove "
            f"{folder.name}."
        )
    reasons = {index: f"its mask {describe_reason(error)}" for index, error in damaged.items()}
    useless = dict.fromkeys(hidden, HIDDEN) | reasons
    return LoadedMasks(counts, useless, _describe(masks, [found for _, found in loaded], reductions))


def reduce_mask(counts: NDArray[np.bool_], reduction: Reduction) -> NDArray[np.bool_]:
    """A mask of the size of its photo, as that of the frame's picture: a pixel counts if all that it averages do."""
    if reduction.factor is not None:
        reduced = downsample_masks(torch.from_numpy(counts)[None], reduction.factor).counts[0].numpy()
        return reduced & counts.any()
    grey = Image.fromarray(counts.astype(np.uint8) * 255).resize(reduction.size, Image.Resampling.BOX)
    return np.asarray(grey) == 255


def load_mask(mask: MaskFile, maximum_pixels: int) -> NDArray[np.bool_]:
    """True where a photo counts, (height, width), of the size of its file, which must be known.

    Raises:
        UserError: as of `read_mask`.
    """
    assert mask.file is not None
    return load_alpha(mask.file, maximum_pixels) > 127 if mask.alpha else read_mask(mask.file, maximum_pixels)


def read_mask(file: Path, maximum_pixels: int) -> NDArray[np.bool_]:
    """True where a mask is bright (and opaque), (height, width); masks of only 0 and 1 are understood too.

    Raises:
        UserError: the file is empty, damaged, no image, or larger than `maximum_pixels`.
    """
    pixels, _ = load_image(file, (0.0, 0.0, 0.0), maximum_pixels)
    grey = pixels.mean(axis=-1, dtype=np.float32)
    return grey > (0.5 if grey.max() <= 1 else 127.5)


def fit_mask(counts: NDArray[np.bool_], size: tuple[int, int], mask: MaskFile) -> NDArray[np.bool_]:
    """A mask resampled to the size (width, height) of its photo, and turned as EXIF turns that where only this fits.

    Raises:
        UserError: it has another shape.
    """
    if counts.shape[::-1] == size:
        return counts
    if not _have_same_shape(counts, size):
        counts = turn_mask(counts, mask.photo)
    height, width = counts.shape
    if not _have_same_shape(counts, size):
        raise UserError(
            f"{mask.file} has {width} x {height} pixels but {mask.photo.name} has {size[0]} x {size[1]}; give a mask "
            "of the photo's shape, or remove it."
        )
    resampled = Image.fromarray(counts.astype(np.uint8)).resize(size, Image.Resampling.NEAREST)
    return np.asarray(resampled).astype(bool)


def turn_mask(counts: NDArray[np.bool_], photo: Path) -> NDArray[np.bool_]:
    """A mask of a photo as stored, turned as the EXIF orientation of the photo says if that is sideways."""
    with open_image(photo, MOST_PIXELS) as image:
        turn = SIDEWAYS.get(image.getexif().get(ExifTags.Base.Orientation, 1))
    if turn is None:
        return counts
    return np.asarray(Image.fromarray(counts.astype(np.uint8)).transpose(turn)).astype(bool)


def _have_same_shape(counts: NDArray[np.bool_], size: tuple[int, int]) -> bool:
    return abs(counts.shape[1] * size[1] / (counts.shape[0] * size[0]) - 1) < SAME_SHAPE_TOLERANCE


def _describe(masks: Sequence[MaskFile], sizes: Sequence[Size], reductions: Sequence[Reduction]) -> tuple[str, ...]:
    """Sentences about photos with and without a mask, and about masks of another size."""
    without = [mask for mask in masks if mask.file is None]
    notes = [f"{len(masks) - len(without)} of {len(masks)} photos have a mask."]
    if without:
        notes.append(
            f"{len(without)} of {len(masks)} photos have no mask, such as {without[0].photo.name}: all of their "
            "pixels count."
        )
    # a mask of the full-size photo is usual where smaller copies of the photos are read
    other = [
        (mask, found, size)
        for mask, found, size in zip(masks, sizes, (one.stored for one in reductions), strict=True)
        if found != size and (found[0] % size[0] or found[1] % size[1])
    ]
    if other:
        mask, (width, height), size = other[0]
        assert mask.file is not None
        notes.append(
            f"{len(other)} of {len(masks)} masks are of another size than their photos ({size[0]} x {size[1]}) and "
            f"were resampled, such as {mask.file.name} ({width} x {height})."
        )
    return tuple(notes)
