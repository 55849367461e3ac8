"""Which photos were taken by one camera at one focal length, by what their headers say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.scenes.photos.exif import USUAL_EQUIVALENT, PhotoFacts, convert_focal_to_pixels
from engine.sfm.quick.copies import CameraPrior

SHAPE_STEPS = 1000  # along the longer side: shapes are compared as if photos had so many pixels there


@dataclass(frozen=True)
class PhotoCamera:
    """A camera at one focal length; it may have been held either way.

    Attributes:
        size: (width, height) of most of its photos, pixels, held as most of them are.
        equivalent: focal length by EXIF, in mm of a 35 mm camera; None if fewer than half of its photos have one.
    """

    size: tuple[int, int]
    equivalent: float | None

    @property
    def prior(self) -> CameraPrior:
        """Its focal length before the photos are matched: by EXIF, or a usual one."""
        equivalent = USUAL_EQUIVALENT if self.equivalent is None else self.equivalent
        return CameraPrior(self.size, convert_focal_to_pixels(equivalent, *self.size), self.equivalent is not None)


def group_by_camera(facts: Sequence[PhotoFacts]) -> tuple[tuple[PhotoCamera, ...], tuple[int, ...]]:
    """The cameras, that of most photos first, and the number of each photo's camera.

    Photos belong together whose headers name the same device, lens and zoom, and that have the same shape, upright or
    wide. Photos whose headers name no device belong together if they have the same number of pixels, and to the
    largest camera that takes photos of this size if there is one.
    """
    keys = [_make_key(one) for one in facts]
    named = Counter(key for key, one in zip(keys, facts, strict=True) if one.device)
    of_size: dict[tuple[int, int], tuple[object, ...]] = {}
    for key, one in zip(keys, facts, strict=True):
        if one.device and named[key] > named.get(of_size.get(_sort_sides(one.size), ()), 0):
            of_size[_sort_sides(one.size)] = key
    keys = [
        key if one.device else of_size.get(_sort_sides(one.size), key) for key, one in zip(keys, facts, strict=True)
    ]
    order = [key for key, _ in Counter(keys).most_common()]
    cameras = []
    for key in order:
        own = [one for other, one in zip(keys, facts, strict=True) if other == key]
        written = [one.equivalent for one in own if one.equivalent is not None]
        size = Counter(one.size for one in own).most_common(1)[0][0]
        cameras.append(PhotoCamera(size, float(np.median(written)) if 2 * len(written) > len(own) else None))
    return tuple(cameras), tuple(order.index(key) for key in keys)


def orient(size: tuple[int, int], like: tuple[int, int]) -> tuple[int, int]:
    """A size (width, height), held as another one is."""
    return size if (size[0] < size[1]) == (like[0] < like[1]) else size[::-1]


def _make_key(facts: PhotoFacts) -> tuple[object, ...]:
    longer, shorter = _sort_sides(facts.size)
    return (facts.device, round(SHAPE_STEPS * shorter / longer)) if facts.device else ("", longer, shorter)


def _sort_sides(size: tuple[int, int]) -> tuple[int, int]:
    return max(size), min(size)
