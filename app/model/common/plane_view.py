"""Looking at an image from straight above: which part of it is seen, zoom and pan. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

NOTCH = 1.15  # one notch of the wheel
FARTHEST, NEAREST = 0.01, 64.0  # pixels of the screen per pixel of the image

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
        """Where pixels of the image lie in a pane of (width, height), pixels from its upper left corner."""
        return (np.asarray(points, np.float64) - self.centre) * self.scale + np.array(size) / 2

    def in_image(self, points: Points, size: tuple[int, int]) -> Points:
        """Which pixels of the image lie at places of the pane."""
        return (np.asarray(points, np.float64) - np.array(size) / 2) / self.scale + self.centre

    def panned(self, right: float, down: float) -> PlaneView:
        """The image drawn along by so many pixels of the screen."""
        return replace(self, centre=(self.centre[0] - right / self.scale, self.centre[1] - down / self.scale))

    def zoomed(self, notches: float, at: tuple[float, float], size: tuple[int, int]) -> PlaneView:
        """Nearer by notches of the wheel, farther where negative; what lies at a place of the pane stays there."""
        scale = min(max(self.scale * NOTCH**notches, FARTHEST), NEAREST)
        under = self.in_image(np.array(at), size)
        centre = under - (np.array(at) - np.array(size) / 2) / scale
        return PlaneView((float(centre[0]), float(centre[1])), scale)


def frame_pixels(points: Float[np.ndarray, "points 2"], size: tuple[int, int], margin: float = 14.0) -> PlaneView:
    """The view of all of some pixels of the image, in the middle of a pane and as large as fits.

    Args:
        points: at least one that is finite; others are passed over.
        size: (width, height) of the pane.
        margin: pixels of the screen left free around them.
    """
    known = np.asarray(points, np.float64)
    known = known[np.isfinite(known).all(axis=1)]
    low, high = known.min(axis=0), known.max(axis=0)
    room = np.maximum(np.array(size, np.float64) - 2 * margin, 8.0)
    scale = float((room / np.maximum(high - low, 1e-6)).min())
    centre = (low + high) / 2
    return PlaneView((float(centre[0]), float(centre[1])), min(max(scale, FARTHEST), NEAREST))
