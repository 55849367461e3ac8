"""Detection of photos without information: black, blank and repeated ones. Pure functions on small images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from numpy.typing import NDArray


@dataclass(frozen=True)
class UnusableOptions:
    """Thresholds. Brightness is in [0, 255] and averaged in a lattice of cells, so that noise does not matter.

    Attributes:
        cells: along each side of the lattice.
        blank_deviation: standard deviation of the brightness, below which a photo is black or blank, if it is below
        blank_contrast: times the mean brightness as well: a photo taken at night varies little, but shows something.
        least_deviation: below which it is black or blank in any case: what the noise of a dark photo leaves.
        black_brightness: mean brightness below which such a photo is called black.
        repeated_difference: mean absolute difference, below which a photo repeats an earlier one, if it is below
        repeated_contrast: times the standard deviation of the brightness as well.
    """

    cells: int = 24
    blank_deviation: float = 3.0
    blank_contrast: float = 0.12
    least_deviation: float = 1.0
    black_brightness: float = 24.0
    repeated_difference: float = 0.8
    repeated_contrast: float = 0.15


OPTIONS = UnusableOptions()


def find_unusable(images: Sequence[UInt8[np.ndarray, "height width 3"]]) -> dict[int, str | int]:
    """The unusable photos by index, with the reason: `black`, `blank`, or the index of the photo that it repeats."""
    averages = [average_cells(image) for image in images]
    found: dict[int, str | int] = {}
    for index, image in enumerate(averages):
        deviation, usual = float(image.std()), OPTIONS.blank_contrast * float(image.mean())
        if deviation < max(min(OPTIONS.blank_deviation, usual), OPTIONS.least_deviation):
            found[index] = "black" if image.mean() < OPTIONS.black_brightness else "blank"
            continue
        earlier = [other for other in range(index) if other not in found and averages[other].shape == image.shape]
        differences = [float(np.abs(image - averages[other]).mean()) for other in earlier]
        if differences and min(differences) < min(OPTIONS.repeated_difference, OPTIONS.repeated_contrast * deviation):
            found[index] = earlier[int(np.argmin(differences))]
    return found


def average_cells(image: UInt8[np.ndarray, "height width 3"]) -> NDArray[np.float64]:
    """Mean brightness in a lattice of at most `OPTIONS.cells` x `OPTIONS.cells` cells, in [0, 255]."""
    grey = image.mean(axis=-1)
    rows, columns = (np.linspace(0, side, min(OPTIONS.cells, side) + 1).astype(int) for side in grey.shape)
    sums = np.add.reduceat(np.add.reduceat(grey, rows[:-1], axis=0), columns[:-1], axis=1)
    return sums / np.outer(np.diff(rows), np.diff(columns))
