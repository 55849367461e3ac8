"""Photos that tell nothing: black or blank ones, and those that were there before. Pure functions on small images."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray

LITTLE = 24  # pixels along each side of what is compared
BLANK = 3.0  # standard deviation of the brightness, of 255, below which a photo shows nothing
DARK = 24.0  # mean brightness, of 255
SAME = 0.8  # mean difference of the brightness, of 255, below which two photos are one


def find_unusable(images: UInt8[np.ndarray, "frames height width 3"]) -> dict[int, str | int]:
    """What is wrong with photos: `black`, `blank`, or the number of the earlier photo that it repeats."""
    little = np.stack([average_cells(image) for image in images])
    found: dict[int, str | int] = {}
    for index, image in enumerate(little):
        if image.std() < BLANK:
            found[index] = "black" if image.mean() < DARK else "blank"
            continue
        earlier = [other for other in range(index) if other not in found]
        differences = [float(np.abs(image - little[other]).mean()) for other in earlier]
        if differences and min(differences) < SAME:
            found[index] = earlier[int(np.argmin(differences))]
    return found


def average_cells(image: UInt8[np.ndarray, "height width 3"]) -> NDArray[np.float64]:
    """The mean brightness in a lattice of cells."""
    grey = image.mean(axis=-1)
    rows, columns = (np.linspace(0, side, min(LITTLE, side) + 1).astype(int) for side in grey.shape)
    sums = np.add.reduceat(np.add.reduceat(grey, rows[:-1], axis=0), columns[:-1], axis=1)
    return sums / np.outer(np.diff(rows), np.diff(columns))
