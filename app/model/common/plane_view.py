"""The view of an image in a pane: which part of it is seen, zoom and pan. Frozen values and pure functions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

ZOOM_PER_NOTCH = 1.15  # factor of the scale for one notch of the wheel
SMALLEST_SCALE, LARGEST_SCALE = 0.01, 64.0  # pixels of the screen per pixel of the image

Points = Float[np.ndarray, "*points 2"]


@dataclass(frozen=True)
class PlaneView:
    """Attributes:
    centre: pixel of the image (x right, y down) in the middle of the pane.
    scale: pixels of the screen per pixel of the image, > 0.
    """

    centre: tuple[float, float] = (0.0, 0.0)
    scale: float = 1.0

    def on_screen(self, points: Points, size: tuple[int, int]) -> Points:
        """Pixels of the image in pixels of a pane of (width, height), from its upper left corner."""
        return (np.asarray(points, np.float64) - self.centre) * self.scale + np.array(size) / 2

    def in_image(self, points: Points, size: tuple[int, int]) -> Points:
        """Pixels of a pane of (width, height) in pixels of the image."""
        return (np.asarray(points, np.float64) - np.array(size) / 2) / self.scale + self.centre

    def panned(self, right: float, down: float) -> PlaneView:
        """The view after the image was dragged by (`right`, `down`) pixels of the screen."""
        return replace(self, centre=(self.centre[0] - right / self.scale, self.centre[1] - down / self.scale))

    def zoomed(self, notches: float, at: tuple[float, float], size: tuple[int, int]) -> PlaneView:
        """The view enlarged by notches of the wheel, reduced where negative; the pixel under `at` stays there."""
        scale = min(max(self.scale * ZOOM_PER_NOTCH**notches, SMALLEST_SCALE), LARGEST_SCALE)
        under = self.in_image(np.array(at), size)
        centre = under - (np.array(at) - np.array(size) / 2) / scale
        return PlaneView((float(centre[0]), float(centre[1])), scale)


def frame_pixels(points: Float[np.ndarray, "points 2"], size: tuple[int, int], margin: float = 14.0) -> PlaneView:
    """The view that shows all given pixels of the image, centred and as large as fits into a pane.

    Args:
        points: pixels of the image, of which at least one is finite; those that are not are left out.
        size: (width, height) of the pane.
        margin: pixels of the screen left free around them.
    """
    known = np.asarray(points, np.float64)
    known = known[np.isfinite(known).all(axis=1)]
    low, high = known.min(axis=0), known.max(axis=0)
    room = np.maximum(np.array(size, np.float64) - 2 * margin, 8.0)
    scale = float((room / np.maximum(high - low, 1e-6)).min())
    centre = (low + high) / 2
    return PlaneView((float(centre[0]), float(centre[1])), min(max(scale, SMALLEST_SCALE), LARGEST_SCALE))
