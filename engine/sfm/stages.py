"""The stages before mapping: features, matches, verification. pycolmap works, its database is looked at meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import UserError
from engine.sfm.background_call import run_in_background
from engine.sfm.database import DatabaseView
from engine.sfm.events import FeaturesFound, Matching, PairMatched, PairVerified

# pycolmap.TwoViewGeometryConfiguration in the words of the textbooks
MODELS = {
    "CALIBRATED": "essential matrix",
    "UNCALIBRATED": "fundamental matrix",
    "PLANAR": "homography of a plane",
    "PANORAMIC": "homography of a rotation",
    "PLANAR_OR_PANORAMIC": "homography",
    "WATERMARK": "watermark",
    "MULTIPLE": "several models",
    "CALIBRATED_RIG": "essential matrix of a rig",
}
ADVICE = "take photos that overlap by two thirds, of something textured and sharp, from places some steps apart"


class SfmPhotos:
    """The photos of a run and the database that their features and matches are in."""

    def __init__(self, folder: Path, names: tuple[str, ...], database: Path) -> None:
        self.folder, self.names, self.database = folder, names, database
        self.view = DatabaseView(database)
        self._number = {name: number for number, name in enumerate(names)}

    def numbers(self) -> dict[int, int]:
        """Number of each photo by COLMAP's own."""
        return {image: self._number[name] for image, name in self.view.names().items()}

    def number_of(self, name: str) -> int:
        """Number of the photo of that name."""
        return self._number[name]

    def numbers_of(self, model: Any) -> tuple[int, ...]:
        """The photos that a model has poses of, in order."""
        return tuple(sorted(self._number[image.name] for image in model.images.values() if image.has_pose))


def find_features(
    photos: SfmPhotos, longer_side: int, one_camera: bool, focal: float | None
) -> Iterator[FeaturesFound]:
    """SIFT features of every photo.

    Raises:
        UserError: fewer than two photos have any.
    """
    import pycolmap

    options = pycolmap.FeatureExtractionOptions(max_image_size=longer_side)
    reader = pycolmap.ImageReaderOptions()
    if focal is not None:
        camera = pycolmap.infer_camera_from_image(photos.folder / photos.names[0])
        reader.camera_params = f"{focal}, {camera.width / 2}, {camera.height / 2}, 0"
    mode = pycolmap.CameraMode.SINGLE if one_camera else pycolmap.CameraMode.AUTO

    def extract(token: Any) -> None:
        pycolmap.extract_features(
            photos.database, photos.folder, list(photos.names), mode, reader, options, cancellation_token=token
        )

    told: set[int] = set()
    found = 0
    for last_look in run_in_background(extract):
        if not (last_look or photos.view.worth_a_look):
            continue
        fresh = photos.view.features(told)
        numbers = photos.numbers() if fresh else {}
        for image, table in fresh.items():
            told.add(image)
            found += len(table) > 0
            yield FeaturesFound(numbers[image], table[:, :2], table[:, 2], table[:, 3], len(told), len(photos.names))
    if found < 2:
        raise UserError(f"{photos.folder}: no features were found in the photos; {ADVICE}.")


def match_pairs(photos: SfmPhotos, window: int | None) -> Iterator[Matching | PairMatched]:
    """Raw matches: counts while they are found, then each pair's own.

    Raises:
        UserError: there are none.
    """
    import pycolmap

    options = pycolmap.FeatureMatchingOptions(skip_geometric_verification=True)
    count = len(photos.names)

    def match(token: Any) -> None:
        if window is None:
            pycolmap.match_exhaustive(photos.database, options, cancellation_token=token)
        else:
            pairing = pycolmap.SequentialPairingOptions(overlap=window, quadratic_overlap=True)
            pycolmap.match_sequential(photos.database, options, pairing, cancellation_token=token)

    numbers, told = photos.numbers(), -1
    near = 0 if window is None else min(window, count - 1)
    total = count * (count - 1) // 2 if window is None else sum(count - 1 - back for back in range(near))
    matched: dict[tuple[int, int], int] = {}
    for last_look in run_in_background(match):
        if last_look or photos.view.worth_a_look:
            matched = photos.view.matched()
            if last_look or len(matched) > told:
                told = len(matched)
                yield Matching(_counts(matched, numbers, count), told, told if last_look else max(total, told))
    if not any(matched.values()):
        raise UserError(f"{photos.folder}: no two photos have anything in common that could be matched; {ADVICE}.")
    for (first, second), matches in photos.view.matches().items():
        if len(matches):
            yield PairMatched(*_ordered(numbers[first], numbers[second], matches))


def verify_pairs(photos: SfmPhotos) -> Iterator[PairVerified]:
    """RANSAC on the matches of every pair.

    Raises:
        UserError: no pair's matches agree on anything.
    """
    import pycolmap

    raw = {pair: matches for pair, matches in photos.view.matches().items() if len(matches)}

    def verify(token: Any) -> None:
        pycolmap.geometric_verification(photos.database, cancellation_token=token)

    for _ in run_in_background(verify):
        pass  # it takes a second; what it found is told below, pair by pair
    numbers, inliers, models = photos.numbers(), photos.view.matches("two_view_geometries"), photos.view.models()
    for done, (pair, matches) in enumerate(raw.items(), start=1):
        good = inliers.get(pair, matches[:0])
        kept = {(int(a), int(b)) for a, b in good}
        bad = np.array([row for row in matches if (int(row[0]), int(row[1])) not in kept], dtype=np.uint32)
        first, second = numbers[pair[0]], numbers[pair[1]]
        ordered, good = _ordered(first, second, good)
        bad = _ordered(first, second, bad.reshape(-1, 2))[1]
        chosen = pycolmap.TwoViewGeometryConfiguration(models.get(pair, 0)).name
        model = MODELS.get(chosen, "none") if len(good) else "none"
        yield PairVerified(ordered, good, bad, model, done, len(raw))
    if not any(len(found) for found in inliers.values()):
        raise UserError(f"{photos.folder}: no two photos agree on what they show; {ADVICE}.")


def _ordered(first: int, second: int, matches: np.ndarray) -> tuple[tuple[int, int], np.ndarray]:
    return ((first, second), matches) if first < second else ((second, first), matches[:, ::-1])


def _counts(matched: dict[tuple[int, int], int], numbers: dict[int, int], count: int) -> np.ndarray:
    table = np.zeros((count, count), dtype=np.int64)
    for (first, second), found in matched.items():
        table[numbers[first], numbers[second]] = table[numbers[second], numbers[first]] = found
    return table
