"""Matching and verification of pairs of photos."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from engine.sfm.events import Pair
from engine.sfm.quick.features import open_feature_file
from engine.sfm.quick.options import OPTIONS

KnownLens = tuple[str, tuple[float, ...]]  # a camera model of COLMAP and its parameters


@dataclass(frozen=True)
class SmallCamera:
    """The camera of small copies before its lens is known.

    Attributes:
        size: (width, height), pixels.
        focal: initial focal length, pixels.
        nominal: whether it comes from EXIF; else it is a guess.
        lens: a camera model of COLMAP and its parameters (fx, fy, cx, cy first, pixels), where a lens is known that
            two-view geometry has to be computed with; None for an ideal pinhole.
    """

    size: tuple[int, int]
    focal: float
    nominal: bool
    lens: KnownLens | None = None


@dataclass(frozen=True)
class MatchedPair:
    """The matches of a pair, as indices of features, smaller photo first.

    Attributes:
        pair: numbers of the photos.
        raw: mutually nearest descriptors that pass the ratio test.
        geometry: entries `config`, `E`, `F` and `H` of the `pycolmap.TwoViewGeometry`; None where matches are too few
            or do not agree.
        model: name of its model (`CALIBRATED`, `UNCALIBRATED`, `PLANAR`, ...).
        inliers: those of the raw matches that agree with it.
    """

    pair: Pair
    raw: Int[np.ndarray, "raw 2"]
    geometry: dict[str, Any] | None
    model: str
    inliers: Int[np.ndarray, "inliers 2"]

    @property
    def agrees(self) -> Bool[np.ndarray, " raw"]:
        """Which of the raw matches are among the inliers; a feature of the first photo has one match at most."""
        return np.isin(self.raw[:, 0], self.inliers[:, 0])


def match_descriptors(
    first: Float[np.ndarray, "first 128"],
    second: Float[np.ndarray, "second 128"],
    ratio: float = OPTIONS.maximum_ratio,
) -> Int[np.ndarray, "matches 2"]:
    """Matches of unit descriptors: mutual nearest neighbours that pass the ratio test.

    Args:
        first, second: descriptors of two photos, unit length.
        ratio: largest ratio of the distances to the nearest and the second nearest descriptor.
    Returns:
        indices of a feature of the first photo and one of the second.
    """
    if min(len(first), len(second)) < 2:
        return np.zeros((0, 2), dtype=np.uint32)
    similarity = first @ second.T
    rows = np.arange(len(first))
    nearest = similarity.argmax(axis=1)
    best = similarity[rows, nearest]
    similarity[rows, nearest] = -np.inf
    next_best = similarity.max(axis=1)
    similarity[rows, nearest] = best
    # of unit vectors the squared distance is 2 - 2 times the similarity; below 1e-5 it is rounding
    passes = np.nonzero(np.maximum(1 - best, 1e-5) < ratio**2 * (1 - next_best))[0]
    chosen = nearest[passes]
    mutual = similarity[:, chosen].argmax(axis=0) == passes
    return np.stack([passes[mutual], chosen[mutual]], axis=-1).astype(np.uint32)


def match_pairs(folder: Path, pairs: Sequence[Pair], cameras: Sequence[SmallCamera]) -> Iterator[MatchedPair]:
    """Matches pairs and verifies the matches by RANSAC (a task of `Workers`).

    Args:
        folder: of a `FeatureFile`.
        pairs: numbers of the photos, the smaller one first.
        cameras: of all photos.
    """
    features = open_feature_file(folder)
    for first, second in pairs:
        raw = match_descriptors(features.read_descriptors(first), features.read_descriptors(second))
        points = features.read_points(first), features.read_points(second)
        yield verify_pair((first, second), raw, points, (cameras[first], cameras[second]))


def verify_pairs(folder: Path, pairs: Sequence[MatchedPair], cameras: Sequence[SmallCamera]) -> Iterator[MatchedPair]:
    """Verifies raw matches by RANSAC (a task of `Workers`).

    Args:
        folder: of a `FeatureFile`.
        pairs: of which the raw matches count.
        cameras: of all photos.
    """
    features = open_feature_file(folder)
    for found in pairs:
        first, second = found.pair
        points = features.read_points(first), features.read_points(second)
        yield verify_pair(found.pair, found.raw, points, (cameras[first], cameras[second]))


def verify_pair(
    pair: Pair,
    raw: Int[np.ndarray, "raw 2"],
    points: tuple[Float[np.ndarray, "first 2"], Float[np.ndarray, "second 2"]],
    cameras: tuple[SmallCamera, SmallCamera],
) -> MatchedPair:
    """The matches of a pair that agree with a two-view geometry."""
    import pycolmap

    none = MatchedPair(pair, raw, None, "UNDEFINED", raw[:0])
    if len(raw) < OPTIONS.minimum_inliers:
        return none
    options = pycolmap.TwoViewGeometryOptions(min_num_inliers=OPTIONS.minimum_inliers)
    options.ransac.random_seed, options.ransac.max_num_trials = 0, OPTIONS.maximum_trials
    options.ransac.max_error = OPTIONS.maximum_error
    first, second = make_camera(cameras[0]), make_camera(cameras[1])
    geometry = pycolmap.estimate_two_view_geometry(first, points[0], second, points[1], raw, options)
    inliers = np.asarray(geometry.inlier_matches)
    if len(inliers) < OPTIONS.minimum_inliers:
        return none
    model = pycolmap.TwoViewGeometryConfiguration(geometry.config).name
    entries = {name: getattr(geometry, name) for name in ("config", "E", "F", "H")}
    return MatchedPair(pair, raw, entries, model, inliers)


def shrink_lens(lens: KnownLens | None, factor: float) -> KnownLens | None:
    """A lens in pixels of photos that are smaller by a factor."""
    if lens is None:
        return None
    return lens[0], (*(value / factor for value in lens[1][:4]), *lens[1][4:])


def make_camera(camera: SmallCamera) -> Any:
    """A `pycolmap.Camera` with the known lens, or else of the model SIMPLE_RADIAL, without distortion."""
    import pycolmap

    width, height = camera.size
    model, parameters = camera.lens or ("SIMPLE_RADIAL", (camera.focal, width / 2, height / 2, 0.0))
    made = pycolmap.Camera(model=model, width=width, height=height, params=list(parameters))
    made.has_prior_focal_length = camera.nominal
    return made
