"""Lenses of photos that do not share that of their camera."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True)
class PhotoLenses:
    """A lens for each photo.

    Attributes:
        focal: focal length of each photo, pixels; NaN of photos that were not registered.
        radial: k1 of each.
        centre: principal point of each, pixels; NaN of photos that were not registered.
        cropped: whether principal points differ.
        zoomed: whether focal lengths differ.
        certain: whether the matches determine them.
    """

    focal: Float[np.ndarray, " photos"]
    radial: Float[np.ndarray, " photos"]
    centre: Float[np.ndarray, "photos 2"]
    cropped: bool
    zoomed: bool
    certain: bool = True

    def scaled(self, factors: Float[np.ndarray, " photos"]) -> PhotoLenses:
        """The same lenses for photos `factors` times as large."""
        return replace(self, focal=self.focal * factors, centre=self.centre * factors[:, None])

    def select(self, kept: Int[np.ndarray, " kept"]) -> PhotoLenses:
        """The lenses of some of the photos."""
        return replace(self, focal=self.focal[kept], radial=self.radial[kept], centre=self.centre[kept])


@dataclass(frozen=True)
class PhotoGroups:
    """Photos that may share a focal length though their cameras do not: crops of any size, of one camera's photos.

    Attributes:
        camera_of: number of each photo's camera.
        group_of: number of each photo's group; those of one camera are of one group.
        unit: of each photo, its pixels per pixel of its small copy: in its pixels a group has one focal length.
    """

    camera_of: Sequence[int]
    group_of: Sequence[int]
    unit: Float[np.ndarray, " photos"]

    @staticmethod
    def of_cameras(camera_of: Sequence[int]) -> PhotoGroups:
        """A group for each camera."""
        return PhotoGroups(camera_of, camera_of, np.ones(len(camera_of)))
