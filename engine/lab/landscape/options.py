"""How a loss is measured around a pose."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LandscapeOptions:
    """How finely and how exactly.

    Attributes:
        steps: places along a curve; odd, so that the pose itself is one of them.
        side: places along each side of a map; odd likewise.
        first_pixels: of the photo, with which all places are measured at first: enough to see the shape within
            seconds.
        curve_pixels, map_pixels: in the end; each is drawn once, the same for all places, or the loss would be rough.
        samples: rendered at once: a tenth of a second of a grid on one core, so that a command need not wait longer.
    """

    steps: int = 41
    side: int = 41
    first_pixels: int = 256
    curve_pixels: int = 1024
    map_pixels: int = 1024
    samples: int = 2**18


DEFAULT = LandscapeOptions()


@dataclass(frozen=True)
class Window:
    """How far from the pose, in the units of the axes as shown, from - to +.

    Attributes:
        reach: of each axis of the frame.
    """

    reach: tuple[float, ...]
