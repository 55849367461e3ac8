"""The pipeline's stages before mapping: features, matches, verification.

pycolmap does the work in a thread; events are made from its database, read at the same time.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import UserError
from engine.sfm.background_call import run_in_background
from engine.sfm.database import DatabaseView
from engine.sfm.events import FeaturesFound, Matching, PairMatched, PairVerified

# Names for the user of the values of pycolmap.TwoViewGeometryConfiguration.
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
PHOTO_ADVICE = "take photos that overlap by two thirds, of something textured and sharp, from places some steps apart"


class SfmPhotos:
    """The photos of a run, numbered in the order in which they were given, and their COLMAP database."""

    def __init__(self, folder: Path, names: tuple[str, ...], database: Path) -> None:
        self.folder, self.names, self.database = folder, names, database
        self.view = DatabaseView(database)
        self._number = {name: number for number, name in enumerate(names)}

    def read_numbers(self) -> dict[int, int]:
        """Number of each photo by COLMAP's image id."""
        return {image: self._number[name] for image, name in self.view.read_names().items()}

    def find_number(self, name: str) -> int:
        """Number of the photo with that name."""
        return self._number[name]

    def list_registered(self, model: Any) -> tuple[int, ...]:
        """Numbers of the photos that have a pose in a `pycolmap.Reconstruction`, ascending."""
        return tuple(sorted(self._number[image.name] for image in model.images.values() if image.has_pose))


def find_features(
    photos: SfmPhotos, longer_side: int, one_camera: bool, focal: float | None, masks: Path | None = None
) -> Iterator[FeaturesFound]:
    """Extracts SIFT features of every photo.

    Args:
        photos: the photos; their database is created.
        longer_side: photos larger than this are shrunk first, pixels.
        one_camera: whether all photos share their intrinsics.
        focal: initial focal length, pixels; None lets COLMAP read EXIF.
        masks: as in `SfmOptions`.
    Yields:
        one event per photo, when its features are in the database.
    Raises:
        UserError: fewer than two photos have features.
    """
    import pycolmap

    options = pycolmap.FeatureExtractionOptions(max_image_size=longer_side)
    reader = pycolmap.ImageReaderOptions()
    if focal is not None:
        camera = pycolmap.infer_camera_from_image(photos.folder / photos.names[0])
        reader.camera_params = f"{focal}, {camera.width / 2}, {camera.height / 2}, 0"
    if masks is not None:
        reader.mask_path = masks
    mode = pycolmap.CameraMode.SINGLE if one_camera else pycolmap.CameraMode.AUTO

    def extract(token: Any) -> None:
        pycolmap.extract_features(
            photos.database, photos.folder, list(photos.names), mode, reader, options, cancellation_token=token
        )

    reported: set[int] = set()
    found = 0
    for ended in run_in_background(extract):
        if not (ended or photos.view.is_due):
            continue
        fresh = photos.view.read_features(reported)
        numbers = photos.read_numbers() if fresh else {}
        sizes = photos.view.read_sizes() if fresh else {}
        for image, table in fresh.items():
            if image not in numbers or image not in sizes:  # a read failed; they come with the next one
                continue
            reported.add(image)
            found += len(table) > 0
            features = (table[:, :2], table[:, 2], table[:, 3])
            yield FeaturesFound(numbers[image], sizes[image], *features, len(reported), len(photos.names))
    if found < 2:
        raise UserError(f"{photos.folder}: no features were found in the photos; {PHOTO_ADVICE}.")


def match_pairs(photos: SfmPhotos, window: int | None) -> Iterator[Matching | PairMatched]:
    """Matches the features of pairs of photos.

    Args:
        photos: the photos, with features.
        window: match each photo with so many after it; None matches all pairs.
    Yields:
        counts while pairs are matched, then the raw matches of each pair.
    Raises:
        UserError: no pair has a match.
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

    numbers, reported = photos.read_numbers(), -1
    near = 0 if window is None else min(window, count - 1)
    total = count * (count - 1) // 2 if window is None else sum(count - 1 - back for back in range(near))
    matched: dict[tuple[int, int], int] = {}
    for ended in run_in_background(match):
        if ended or photos.view.is_due:
            matched = photos.view.read_match_counts()
            if ended or len(matched) > reported:
                reported = len(matched)
                table = _make_count_table(matched, numbers, count)
                yield Matching(table, reported, reported if ended else max(total, reported))
    if not any(matched.values()):
        raise UserError(
            f"{photos.folder}: no two photos have anything in common that could be matched; {PHOTO_ADVICE}."
        )
    for (first, second), matches in photos.view.read_matches().items():
        if len(matches):
            yield PairMatched(*_order_pair(numbers[first], numbers[second], matches))


def verify_pairs(photos: SfmPhotos) -> Iterator[PairVerified]:
    """Verifies the matches of every pair by RANSAC.

    Yields:
        one event per pair that has raw matches.
    Raises:
        UserError: no pair has inliers.
    """
    import pycolmap

    raw = {pair: matches for pair, matches in photos.view.read_matches().items() if len(matches)}

    def verify(token: Any) -> None:
        pycolmap.geometric_verification(photos.database, cancellation_token=token)

    for _ in run_in_background(verify):
        pass  # this takes about a second; the results are reported afterwards, pair by pair
    numbers, models = photos.read_numbers(), photos.view.read_models()
    inliers = photos.view.read_matches("two_view_geometries")
    for done, (pair, matches) in enumerate(raw.items(), start=1):
        good = inliers.get(pair, matches[:0])
        kept = {(int(a), int(b)) for a, b in good}
        bad = np.array([row for row in matches if (int(row[0]), int(row[1])) not in kept], dtype=np.uint32)
        first, second = numbers[pair[0]], numbers[pair[1]]
        ordered, good = _order_pair(first, second, good)
        bad = _order_pair(first, second, bad.reshape(-1, 2))[1]
        chosen = pycolmap.TwoViewGeometryConfiguration(models.get(pair, 0)).name
        model = MODELS.get(chosen, "none") if len(good) else "none"
        yield PairVerified(ordered, good, bad, model, done, len(raw))
    if not any(len(found) for found in inliers.values()):
        raise UserError(f"{photos.folder}: no two photos agree on what they show; {PHOTO_ADVICE}.")


def _order_pair(first: int, second: int, matches: np.ndarray) -> tuple[tuple[int, int], np.ndarray]:
    """The pair with its smaller number first, and the columns of its matches in the same order."""
    return ((first, second), matches) if first < second else ((second, first), matches[:, ::-1])


def _make_count_table(matched: dict[tuple[int, int], int], numbers: dict[int, int], count: int) -> np.ndarray:
    """Match counts as a symmetric table (photos, photos), by our numbers."""
    table = np.zeros((count, count), dtype=np.int64)
    for (first, second), found in matched.items():
        table[numbers[first], numbers[second]] = table[numbers[second], numbers[first]] = found
    return table
