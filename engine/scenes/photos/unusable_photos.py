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
        panorama_shape: relative difference from twice as wide as high, within which photos may be panoramas.
        panorama_correlation: of the brightness's steps down the left and down the right border, from which a photo
            goes on from one to the other.
        panorama_step: largest step that counts, in medians of them: black bars have the same two on both sides.
        panorama_share: of the photos, from which all of them are taken for panoramas.
    """

    cells: int = 24
    blank_deviation: float = 3.0
    blank_contrast: float = 0.12
    least_deviation: float = 1.0
    black_brightness: float = 24.0
    repeated_difference: float = 0.8
    repeated_contrast: float = 0.15
    panorama_shape: float = 0.01
    panorama_correlation: float = 0.6
    panorama_step: float = 4.0
    panorama_share: float = 0.75


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


def are_panoramas(images: Sequence[UInt8[np.ndarray, "height width 3"]]) -> bool:
    """Whether photos show all around (equirectangular): no lens has such pictures, and cameras would be wrong.

    They are twice as wide as high, and go on on the left where they end on the right. Steps down the borders are
    compared, not the borders: skies and blank backgrounds are alike on both sides of any photo.
    """
    closed = 0
    for image in images:
        height, width = image.shape[:2]
        if height < OPTIONS.cells or abs(width / (2 * height) - 1) > OPTIONS.panorama_shape:
            continue
        left, right = (_find_steps(image[:, column]) for column in (0, -1))
        spread = float(left.std() * right.std())
        correlation = float(((left - left.mean()) * (right - right.mean())).mean())
        closed += spread > 0 and correlation > OPTIONS.panorama_correlation * spread
    return len(images) > 0 and closed >= OPTIONS.panorama_share * len(images)


def _find_steps(column: UInt8[np.ndarray, "height 3"]) -> NDArray[np.float64]:
    """Differences of the brightness of neighbours, the large ones bounded."""
    steps = np.diff(column.mean(axis=-1))
    largest = OPTIONS.panorama_step * float(np.median(np.abs(steps)))
    return np.clip(steps, -largest, largest)


def average_cells(image: UInt8[np.ndarray, "height width 3"]) -> NDArray[np.float64]:
    """Mean brightness in a lattice of at most `OPTIONS.cells` x `OPTIONS.cells` cells, in [0, 255]."""
    grey = image.mean(axis=-1)
    rows, columns = (np.linspace(0, side, min(OPTIONS.cells, side) + 1).astype(int) for side in grey.shape)
    sums = np.add.reduceat(np.add.reduceat(grey, rows[:-1], axis=0), columns[:-1], axis=1)
    return sums / np.outer(np.diff(rows), np.diff(columns))
