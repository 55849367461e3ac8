"""SIFT features of small grey copies of photos, and a file that all processes read them from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import NDArray

from engine.sfm.quick.options import OPTIONS


@dataclass(frozen=True)
class Features:
    """SIFT features of one photo, those of the largest scale first.

    Attributes:
        points: positions (x, y), pixels of the small copy, pixel centres at +0.5.
        scale: radius, pixels of the small copy.
        orientation: direction of the dominant gradient, radians, from x towards y.
        descriptors: 128 numbers each, 8 bit, about 512 long.
        repeated: share of the features that another place of the same photo looks like, in [0, 1].
    """

    points: Float[np.ndarray, "features 2"]
    scale: Float[np.ndarray, " features"]
    orientation: Float[np.ndarray, " features"]
    descriptors: UInt8[np.ndarray, "features 128"]
    repeated: float = 0.0


@dataclass(frozen=True)
class RepetitionOptions:
    """When features of one photo look alike.

    Attributes:
        similarity: cosine of two descriptors from which they do. Of photos of fountains, ferns, rooms and desks
            2 to 8 % of the features have such a twin, of a wall of equal windows 93 %.
        apart: least distance, pixels of the small copy: features of one place have several scales.
        looked_at: features at most, those of the largest scale.
    """

    similarity: float = 0.95
    apart: float = 16.0
    looked_at: int = 800


REPETITION = RepetitionOptions()


def measure_repetition(
    points: Float[np.ndarray, "features 2"],
    descriptors: UInt8[np.ndarray, "features 128"],
    options: RepetitionOptions = REPETITION,
) -> float:
    """The share of a photo's features that look like another place of the photo, in [0, 1]; 0 for fewer than two."""
    points, units = points[: options.looked_at], descriptors[: options.looked_at].astype(np.float32)
    if len(points) < 2:
        return 0.0
    units /= np.maximum(np.linalg.norm(units, axis=1, keepdims=True), 1e-6)
    alike = units @ units.T > options.similarity
    squared = (points**2).sum(axis=1)
    alike &= squared[:, None] + squared[None] - 2 * points @ points.T > options.apart**2
    return float(alike.any(axis=1).mean())


def choose_copy_size(width: int, height: int) -> tuple[int, int]:
    """(width, height) of the small copy of a photo, pixels; photos that are small already keep their size."""
    factor = min(1.0, OPTIONS.longer_side / max(width, height))
    return max(round(width * factor), 1), max(round(height * factor), 1)


def find_features(
    copy: UInt8[np.ndarray, "height width"], masked: NDArray[np.bool_] | None, most: int = OPTIONS.maximum_features
) -> Iterator[Features]:
    """Extracts the features of one photo (a task of `Workers`); weaker ones, too, where it has few.

    Args:
        copy: grey.
        masked: of the size of the copy, True where features are wanted; None wants all.
        most: features, about; those of the largest scale.
    """
    numbers, data = _extract(copy, masked, most, 1.0)
    for factor in OPTIONS.weaker:
        if len(numbers) >= min(OPTIONS.few_features, most):
            break
        numbers, data = _extract(copy, masked, most, factor)
    yield Features(numbers[:, :2], numbers[:, 2], numbers[:, 3], data, measure_repetition(numbers[:, :2], data))


def _extract(
    copy: UInt8[np.ndarray, "height width"], masked: NDArray[np.bool_] | None, most: int, weaker: float
) -> tuple[Float[np.ndarray, "features 4"], UInt8[np.ndarray, "features 128"]]:
    """x, y, scale and orientation of features, and their descriptors; `weaker` divides the threshold of contrast."""
    import pycolmap

    extractor = _make_extractor(max(copy.shape) <= OPTIONS.upsampled_side, most, weaker)
    table, descriptors = extractor.extract_from_uint8_array(copy)
    numbers = pycolmap.keypoints_to_matrix(table).reshape(-1, 4).astype(np.float64)
    order = np.argsort(-numbers[:, 2], kind="stable")
    if masked is not None:
        column, row = numbers[order, :2].astype(np.int64).T
        order = order[masked[row.clip(0, copy.shape[0] - 1), column.clip(0, copy.shape[1] - 1)]]
    return numbers[order], np.asarray(descriptors.data).reshape(-1, 128)[order]


@lru_cache(maxsize=6)
def _make_extractor(upsampled: bool, most: int, weaker: float) -> Any:
    import pycolmap

    options = pycolmap.FeatureExtractionOptions(use_gpu=False, num_threads=1)
    options.sift.max_num_features = most
    options.sift.first_octave = -1 if upsampled else 0
    options.sift.peak_threshold /= weaker
    return pycolmap.FeatureExtractor.create(options, pycolmap.Device.cpu)


class FeatureFile:
    """The features of all photos in two files, mapped into memory, so that processes share them."""

    def __init__(self, folder: Path) -> None:
        self._first = np.load(folder / "first.npy")
        self._points = np.load(folder / "points.npy", mmap_mode="r")
        self._descriptors = np.load(folder / "descriptors.npy", mmap_mode="r")
        self.read_descriptors = lru_cache(maxsize=100)(self._read_descriptors)  # 100 photos are about 80 MB

    @staticmethod
    def write(folder: Path, features: Sequence[Features]) -> None:
        """Writes the files into an existing folder."""
        np.save(folder / "first.npy", np.cumsum([0, *(len(one.points) for one in features)]))
        np.save(folder / "points.npy", np.concatenate([one.points for one in features]))
        np.save(folder / "descriptors.npy", np.concatenate([one.descriptors for one in features]))

    def read_points(self, photo: int) -> Float[np.ndarray, "features 2"]:
        """Positions of a photo's features, pixels of the small copy."""
        return np.asarray(self._points[self._first[photo] : self._first[photo + 1]])

    def _read_descriptors(self, photo: int) -> Float[np.ndarray, "features 128"]:
        """Descriptors of a photo, of unit length, single precision."""
        data = self._descriptors[self._first[photo] : self._first[photo + 1]].astype(np.float32)
        return data / np.maximum(np.linalg.norm(data, axis=1, keepdims=True), 1e-6)


@lru_cache(maxsize=1)
def open_feature_file(folder: Path) -> FeatureFile:
    """The files in a folder; in each process they are opened once."""
    return FeatureFile(folder)
