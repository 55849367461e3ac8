"""A quick look at how photos overlap, on small copies, before anybody decides where registration starts.

SIFT features of small images are matched in pairs, and RANSAC says which of the matches agree on a geometry. It takes
seconds where COLMAP's pipeline takes minutes, and tells enough: which photos have nothing to do with the others,
which are upside down, and whether all look the same way or go round something.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations, permutations
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from numpy.typing import NDArray

from engine.sfm.background_call import silence_pycolmap
from engine.sfm.lens import Lens, estimate_lens

MOST_FEATURES = 800
LONGER_SIDE = 640  # pixels; larger images are thinned out
ALL_PAIRS = 20  # so many photos are matched each with each
SPREAD = 12  # of more, so many, evenly spread, are; the others with the two before them
RATIO = 0.8  # largest distance to the nearest descriptor relative to the second nearest (Lowe 2004, section 7.1)
FEWEST_INLIERS = 15  # as COLMAP's
MOST_TRIALS = 1500  # of RANSAC; pairs that do not overlap take them all
OVERLAPPING = 0.6  # of the spread pairs must agree where all photos look the same way


@dataclass(frozen=True)
class OverlapCheck:
    """What a quick look found.

    Attributes:
        inliers: matches of each pair that agree on a geometry; zero where a pair was not looked at.
        looked_at: which pairs were.
        turned: how far each photo is turned in its plane against most others, radians in (-pi, pi]; NaN if unknown.
        facing: whether photos far apart in order still overlap, as in a forward-facing scene.
        lens: what the matches of photos that do tell about it, in pixels of the images; None if too little.
    """

    inliers: Int[np.ndarray, "frames frames"]
    looked_at: Bool[np.ndarray, "frames frames"]
    turned: Float[np.ndarray, " frames"]
    facing: bool
    lens: Lens | None = None

    @property
    def joined(self) -> Bool[np.ndarray, " frames"]:
        """Whether each photo belongs to the largest group that hangs together by agreeing pairs."""
        return _largest_group(self.inliers >= FEWEST_INLIERS)

    def only(self, kept: Int[np.ndarray, " kept"]) -> OverlapCheck:
        """What was found about some of the photos."""
        block = np.ix_(kept, kept)
        return replace(self, inliers=self.inliers[block], looked_at=self.looked_at[block], turned=self.turned[kept])

    @property
    def overlap(self) -> float:
        """Share of the pairs that were looked at, among joined photos, that agree."""
        return _overlap(self.inliers, self.looked_at, self.joined)


@dataclass(frozen=True)
class _Features:
    points: Float[np.ndarray, "features 2"]
    orientation: Float[np.ndarray, " features"]
    descriptors: torch.Tensor


def check_overlap(
    images: UInt8[np.ndarray, "frames height width 3"],
    focal: float,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> OverlapCheck:
    """Match small photos in pairs.

    Args:
        images: in the order in which they were taken.
        focal: a guess, in pixels of the images.
        progress: is told how many of all photos and pairs are done.
    """
    silence_pycolmap()
    import pycolmap

    step = max(1, math.ceil(max(images.shape[1:3]) / LONGER_SIDE))
    pairs = choose_pairs(len(images))
    total = len(images) + len(pairs)
    options = pycolmap.FeatureExtractionOptions(use_gpu=False, num_threads=1)
    options.sift.max_num_features = MOST_FEATURES
    extractor = pycolmap.FeatureExtractor.create(options, pycolmap.Device.cpu)
    features = []
    for index, image in enumerate(images):
        grey = np.ascontiguousarray(image[::step, ::step].mean(axis=-1).round().astype(np.uint8))
        features.append(_features(*extractor.extract_from_uint8_array(grey)))
        progress(index + 1, total)
    height, width = images[0, ::step, ::step].shape[:2]
    camera = pycolmap.Camera(
        model="SIMPLE_PINHOLE", width=width, height=height, params=[focal / step, width / 2, height / 2]
    )
    matrix = _Matrix(features, camera)
    for done, pair in enumerate(pairs):
        matrix.look_at(*pair)
        progress(len(images) + done + 1, total)
    for lonely in np.nonzero(~matrix.joined())[0].tolist():  # the last hope: with every other photo
        for other in range(len(images)):
            matrix.look_at(lonely, other)
    facing = _overlap(matrix.inliers, matrix.looked_at, matrix.joined()) >= OVERLAPPING
    lens = matrix.lens() if facing else None
    turned = _turned(matrix.inliers, matrix.turns)
    return OverlapCheck(matrix.inliers, matrix.looked_at, turned, facing, None if lens is None else lens.scaled(step))


class _Matrix:
    """What is known of all pairs; a pair is looked at once."""

    def __init__(self, features: list[_Features], camera: Any) -> None:
        count = len(features)
        self.features, self.camera = features, camera
        self.inliers = np.zeros((count, count), dtype=np.int64)
        self.looked_at = np.eye(count, dtype=bool)
        self.turns = np.full((count, count), np.nan)
        self.geometries: dict[tuple[int, int], Any] = {}

    def look_at(self, first: int, second: int) -> None:
        if self.looked_at[first, second]:
            return
        geometry = _geometry(self.features[first], self.features[second], self.camera)
        agreeing = np.zeros((0, 2), dtype=np.uint32) if geometry is None else np.asarray(geometry.inlier_matches)
        self.inliers[first, second] = self.inliers[second, first] = len(agreeing)
        self.looked_at[first, second] = self.looked_at[second, first] = True
        if len(agreeing) >= FEWEST_INLIERS:
            turn = _turn(self.features[first], self.features[second], agreeing)
            self.turns[first, second], self.turns[second, first] = turn, -turn
            self.geometries[first, second] = geometry

    def lens(self) -> Lens | None:
        """From the photos that were matched each with each."""
        chosen = [frame for frame in _spread(len(self.features)) if self.joined()[frame]]
        pairs = {(a, b): (chosen[a], chosen[b]) for a, b in permutations(range(len(chosen)), 2)}
        found = {new: self.geometries[old] for new, old in pairs.items() if old in self.geometries}
        size = self.camera.width, self.camera.height
        return estimate_lens([self.features[frame].points for frame in chosen], found, size, self.camera.params[0])

    def joined(self) -> NDArray[np.bool_]:
        return _largest_group(self.inliers >= FEWEST_INLIERS)


def choose_pairs(frames: int) -> list[tuple[int, int]]:
    """Which photos to match: all pairs of a few photos; of many those of an even selection, and each photo with the
    two before it."""
    if frames <= ALL_PAIRS:
        return list(combinations(range(frames), 2))
    spread = _spread(frames)
    near = {(index - back, index) for index in range(frames) for back in (1, 2) if index >= back}
    return sorted(near | set(combinations(spread, 2)))


def _spread(frames: int) -> list[int]:
    """Photos that are matched each with each."""
    return np.linspace(0, frames - 1, frames if frames <= ALL_PAIRS else SPREAD).round().astype(int).tolist()


def _features(keypoints: Any, descriptors: Any) -> _Features:
    import pycolmap

    table = pycolmap.keypoints_to_matrix(keypoints).reshape(-1, 4)  # x, y, scale, orientation
    data = torch.tensor(np.asarray(descriptors.data)).float().reshape(-1, 128)
    return _Features(table[:, :2].astype(np.float64), table[:, 3], torch.nn.functional.normalize(data, dim=-1))


def match_descriptors(first: torch.Tensor, second: torch.Tensor) -> Int[np.ndarray, "matches 2"]:
    """Mutually nearest unit descriptors (features 128) that are clearly nearer than the second nearest."""
    if min(len(first), len(second)) < 2:
        return np.zeros((0, 2), dtype=np.uint32)
    alike = first @ second.mT
    best, index = alike.topk(2, dim=1)
    back = alike.argmax(dim=0)
    distance = (2 - 2 * best).clamp(min=0)
    rows = torch.arange(len(first))
    good = (back[index[:, 0]] == rows) & (distance[:, 0] < RATIO**2 * distance[:, 1])
    return torch.stack([rows[good], index[good, 0]], dim=-1).numpy().astype(np.uint32)


def _geometry(first: _Features, second: _Features, camera: Any) -> Any:
    """`pycolmap.TwoViewGeometry`, or None where too few features are alike."""
    import pycolmap

    matches = match_descriptors(first.descriptors, second.descriptors)
    if len(matches) < FEWEST_INLIERS:
        return None
    options = pycolmap.TwoViewGeometryOptions()
    options.ransac.random_seed, options.ransac.max_num_trials = 0, MOST_TRIALS
    return pycolmap.estimate_two_view_geometry(camera, first.points, camera, second.points, matches, options)


def _turn(first: _Features, second: _Features, matches: NDArray[np.uint32]) -> float:
    """By how much the features of the second photo are turned against those of the first, radians."""
    difference = second.orientation[matches[:, 1]] - first.orientation[matches[:, 0]]
    return float(np.angle(np.exp(1j * difference).mean()))


def _turned(inliers: NDArray[np.int64], turns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each photo's turn against most others, carried from photo to photo along the best matched pairs."""
    turned = np.full(len(inliers), np.nan)
    turned[inliers.sum(axis=1).argmax()] = 0.0
    while True:
        known = np.isfinite(turned)
        candidates = np.where(known[:, None] & ~known[None] & np.isfinite(turns), inliers, 0)
        one, other = np.unravel_index(candidates.argmax(), candidates.shape)
        if candidates[one, other] == 0:
            break
        turned[other] = turned[one] + turns[one, other]
    usual = np.angle(np.exp(1j * turned[np.isfinite(turned)]))
    upright = usual[np.argmax([np.cos(usual - angle).round().sum() for angle in usual])]  # most agree with it
    return np.angle(np.exp(1j * (turned - upright)))


def _largest_group(joined: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The photos of the largest group, those of a group being joined, maybe over others."""
    group = np.arange(len(joined))
    for one, other in zip(*np.nonzero(joined), strict=True):
        group[group == group[other]] = group[one]
    return group == np.bincount(group).argmax()


def _overlap(inliers: NDArray[np.int64], looked_at: NDArray[np.bool_], joined: NDArray[np.bool_]) -> float:
    members = [frame for frame in _spread(len(joined)) if joined[frame]]
    pairs = [pair for pair in combinations(members, 2) if looked_at[pair]]
    return float(np.mean([inliers[pair] >= FEWEST_INLIERS for pair in pairs])) if pairs else 0.0
