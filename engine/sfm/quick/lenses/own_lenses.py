"""Lenses of photos that do not share that of their camera."""

from __future__ import annotations

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
