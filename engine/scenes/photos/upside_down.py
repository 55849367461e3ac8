"""Photos that are upside down among the others are turned."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int

from engine.scenes.photos.photo_set import DecodedPhotos, PhotoSet
from engine.sfm.quick.result import QuickReconstruction, turn_photos


@dataclass(frozen=True)
class UprightOptions:
    """Thresholds.

    Attributes:
        tolerance: deviation from half a turn up to which a photo counts as upside down, radians.
        maximum_share: of the photos that are upside down; if there are more the camera was turned on purpose.
    """

    tolerance: float = math.radians(30)
    maximum_share: float = 0.34


OPTIONS = UprightOptions()


def turn_upright(
    photos: PhotoSet, decoded: DecodedPhotos, found: QuickReconstruction
) -> tuple[PhotoSet, DecodedPhotos, QuickReconstruction, tuple[str, ...]]:
    """Turns photos by half a turn that are upside down while most others are not; a sentence names them."""
    over = find_upside_down(found)
    if not len(over) or len(over) > OPTIONS.maximum_share * len(photos.photos):
        return photos, decoded, found, ()
    images, copies, turned = list(decoded.images), list(decoded.copies), list(photos.photos)
    masks = None if decoded.masks is None else list(decoded.masks)
    for index in over.tolist():
        images[index] = np.ascontiguousarray(images[index][::-1, ::-1])
        copies[index] = np.ascontiguousarray(copies[index][::-1, ::-1])
        if masks is not None:
            masks[index] = np.ascontiguousarray(masks[index][::-1, ::-1])
        turned[index] = replace(turned[index], half_turn=True)
    names = ", ".join(photos.photos[index].name for index in over.tolist())
    note = f"Upside down among the others, and turned for the run: {names}."
    decoded = DecodedPhotos(tuple(images), tuple(copies), None if masks is None else tuple(masks))
    photos = replace(photos, photos=tuple(turned))
    return photos, decoded, turn_photos(found, over, photos.sizes), (note,)


def find_upside_down(found: QuickReconstruction) -> Int[np.ndarray, " photos"]:
    """The photos whose features are turned by half a turn relative to most others, by their numbers.

    Where a photo's pose is known, its upward direction must also point away from the mean one: photos taken
    downwards, from all sides, are turned in their plane without being upside down.
    """
    by_features = np.abs(np.abs(found.matches.turned) - math.pi) < OPTIONS.tolerance
    upward = -found.poses[:, 1, :3]
    if found.registered.any():
        agrees = upward @ np.nanmean(upward, axis=0) > 0
        by_features &= ~(found.registered & agrees)
    return np.nonzero(by_features)[0]
