"""A quick check of how photos overlap, on small copies, to choose where registration starts.

SIFT features of small images are matched in pairs, and RANSAC verifies the matches by a two-view geometry. This takes
seconds where COLMAP's pipeline takes minutes. It finds photos that overlap with no other, photos that are upside down,
and whether all cameras look in the same direction or stand around something.
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


@dataclass(frozen=True)
class OverlapCheckOptions:
    """Numbers of the quick check, chosen so that 20 photos take a few seconds on two cores.

    Attributes:
        maximum_features: SIFT features per photo.
        longer_side: pixels; larger images are subsampled by an integer factor.
        exhaustive_photos: up to so many photos, all pairs are matched.
        sampled_photos: of more photos so many, evenly spaced in order, are matched with each other, and every photo
            with the two before it.
        maximum_ratio: of the distances to the nearest and second nearest descriptor (Lowe, IJCV 2004, section 7.1).
        minimum_inliers: from which a pair counts as overlapping; COLMAP's default.
        maximum_trials: of RANSAC; pairs that do not overlap take all of them.
        same_direction_share: share of the evenly spaced pairs that overlap, from which all cameras are taken to look
            in the same direction.
    """

    maximum_features: int = 800
    longer_side: int = 640
    exhaustive_photos: int = 20
    sampled_photos: int = 12
    maximum_ratio: float = 0.8
    minimum_inliers: int = 15
    maximum_trials: int = 1500
    same_direction_share: float = 0.6


OPTIONS = OverlapCheckOptions()


@dataclass(frozen=True)
class OverlapCheck:
    """Result of the quick check.

    Attributes:
        inliers: verified matches of each pair, symmetric; zero where a pair was not matched.
        checked: which pairs were matched, symmetric.
        turned: rotation of each photo in its image plane relative to most others, radians in (-pi, pi]; NaN if
            unknown.
        same_direction: whether photos far apart in order still overlap, as in a forward-facing scene.
        lens: estimate from the matches, in pixels of the images; None where the photos do not look in the same
            direction or matches are too few.
    """

    inliers: Int[np.ndarray, "frames frames"]
    checked: Bool[np.ndarray, "frames frames"]
    turned: Float[np.ndarray, " frames"]
    same_direction: bool
    lens: Lens | None = None

    @property
    def connected(self) -> Bool[np.ndarray, " frames"]:
        """Whether each photo belongs to the largest group of photos that are connected by overlapping pairs."""
        return _find_largest_group(self.inliers >= OPTIONS.minimum_inliers)

    def select(self, kept: Int[np.ndarray, " kept"]) -> OverlapCheck:
        """The result for some of the photos, by their indices."""
        block = np.ix_(kept, kept)
        return replace(self, inliers=self.inliers[block], checked=self.checked[block], turned=self.turned[kept])

    @property
    def overlap(self) -> float:
        """Share in [0, 1] of the evenly spaced pairs of connected photos that overlap."""
        return _measure_overlap(self.inliers, self.checked, self.connected)


@dataclass(frozen=True)
class _Features:
    """SIFT features of one photo: positions (pixels), orientations (radians) and unit descriptors (features 128)."""

    points: Float[np.ndarray, "features 2"]
    orientation: Float[np.ndarray, " features"]
    descriptors: torch.Tensor


def check_overlap(
    images: UInt8[np.ndarray, "frames height width 3"],
    focal: float,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> OverlapCheck:
    """Matches small photos in pairs; see the module's docstring.

    Args:
        images: in the order in which they were taken.
        focal: approximate focal length, pixels of the images, > 0.
        progress: called with the number of photos and pairs that are done, and with that of all.
    """
    silence_pycolmap()
    import pycolmap

    step = max(1, math.ceil(max(images.shape[1:3]) / OPTIONS.longer_side))
    pairs = choose_pairs(len(images))
    total = len(images) + len(pairs)
    options = pycolmap.FeatureExtractionOptions(use_gpu=False, num_threads=1)
    options.sift.max_num_features = OPTIONS.maximum_features
    extractor = pycolmap.FeatureExtractor.create(options, pycolmap.Device.cpu)
    features = []
    for index, image in enumerate(images):
        grey = np.ascontiguousarray(image[::step, ::step].mean(axis=-1).round().astype(np.uint8))
        features.append(_make_features(*extractor.extract_from_uint8_array(grey)))
        progress(index + 1, total)
    height, width = images[0, ::step, ::step].shape[:2]
    camera = pycolmap.Camera(
        model="SIMPLE_PINHOLE", width=width, height=height, params=[focal / step, width / 2, height / 2]
    )
    matrix = _PairTable(features, camera)
    for done, pair in enumerate(pairs):
        matrix.match(*pair)
        progress(len(images) + done + 1, total)
    for isolated in np.nonzero(~matrix.find_connected())[0].tolist():  # these are also matched with every other photo
        for other in range(len(images)):
            matrix.match(isolated, other)
    overlap = _measure_overlap(matrix.inliers, matrix.checked, matrix.find_connected())
    same_direction = overlap >= OPTIONS.same_direction_share
    lens = matrix.estimate_lens() if same_direction else None
    turned = _find_rotations(matrix.inliers, matrix.turns)
    lens = None if lens is None else lens.scaled(step)
    return OverlapCheck(matrix.inliers, matrix.checked, turned, same_direction, lens)


class _PairTable:
    """Inliers, relative rotations (radians) and two-view geometries of all pairs; each pair is matched once."""

    def __init__(self, features: list[_Features], camera: Any) -> None:
        count = len(features)
        self.features, self.camera = features, camera
        self.inliers = np.zeros((count, count), dtype=np.int64)
        self.checked = np.eye(count, dtype=bool)
        self.turns = np.full((count, count), np.nan)
        self.geometries: dict[tuple[int, int], Any] = {}

    def match(self, first: int, second: int) -> None:
        if self.checked[first, second]:
            return
        geometry = _estimate_geometry(self.features[first], self.features[second], self.camera)
        inliers = np.zeros((0, 2), dtype=np.uint32) if geometry is None else np.asarray(geometry.inlier_matches)
        self.inliers[first, second] = self.inliers[second, first] = len(inliers)
        self.checked[first, second] = self.checked[second, first] = True
        if len(inliers) >= OPTIONS.minimum_inliers:
            turn = _measure_rotation(self.features[first], self.features[second], inliers)
            self.turns[first, second], self.turns[second, first] = turn, -turn
            self.geometries[first, second] = geometry

    def estimate_lens(self) -> Lens | None:
        """From the connected photos of which all pairs were matched."""
        chosen = [frame for frame in _choose_spaced(len(self.features)) if self.find_connected()[frame]]
        pairs = {(a, b): (chosen[a], chosen[b]) for a, b in permutations(range(len(chosen)), 2)}
        found = {new: self.geometries[old] for new, old in pairs.items() if old in self.geometries}
        size = self.camera.width, self.camera.height
        return estimate_lens([self.features[frame].points for frame in chosen], found, size, self.camera.params[0])

    def find_connected(self) -> NDArray[np.bool_]:
        return _find_largest_group(self.inliers >= OPTIONS.minimum_inliers)


def choose_pairs(frames: int) -> list[tuple[int, int]]:
    """The pairs (first < second) to match: all of a few photos; of many, those of an evenly spaced selection, and each
    photo with the two before it."""
    if frames <= OPTIONS.exhaustive_photos:
        return list(combinations(range(frames), 2))
    near = {(index - back, index) for index in range(frames) for back in (1, 2) if index >= back}
    return sorted(near | set(combinations(_choose_spaced(frames), 2)))


def _choose_spaced(frames: int) -> list[int]:
    """The photos of which all pairs are matched."""
    count = frames if frames <= OPTIONS.exhaustive_photos else OPTIONS.sampled_photos
    return np.linspace(0, frames - 1, count).round().astype(int).tolist()


def _make_features(keypoints: Any, descriptors: Any) -> _Features:
    import pycolmap

    table = pycolmap.keypoints_to_matrix(keypoints).reshape(-1, 4)  # x, y, scale, orientation
    data = torch.tensor(np.asarray(descriptors.data)).float().reshape(-1, 128)
    return _Features(table[:, :2].astype(np.float64), table[:, 3], torch.nn.functional.normalize(data, dim=-1))


def match_descriptors(first: torch.Tensor, second: torch.Tensor) -> Int[np.ndarray, "matches 2"]:
    """Matches of unit descriptors: mutual nearest neighbours that pass the ratio test.

    Args:
        first, second: descriptors of two photos, (features, 128), unit length.
    Returns:
        indices of a feature of the first photo and one of the second.
    """
    if min(len(first), len(second)) < 2:
        return np.zeros((0, 2), dtype=np.uint32)
    similarity = first @ second.mT
    best, index = similarity.topk(2, dim=1)
    back = similarity.argmax(dim=0)
    squared_distance = (2 - 2 * best).clamp(min=0)
    rows = torch.arange(len(first))
    passes_ratio = squared_distance[:, 0] < OPTIONS.maximum_ratio**2 * squared_distance[:, 1]
    good = (back[index[:, 0]] == rows) & passes_ratio
    return torch.stack([rows[good], index[good, 0]], dim=-1).numpy().astype(np.uint32)


def _estimate_geometry(first: _Features, second: _Features, camera: Any) -> Any:
    """`pycolmap.TwoViewGeometry`, or None where matches are too few."""
    import pycolmap

    matches = match_descriptors(first.descriptors, second.descriptors)
    if len(matches) < OPTIONS.minimum_inliers:
        return None
    options = pycolmap.TwoViewGeometryOptions()
    options.ransac.random_seed, options.ransac.max_num_trials = 0, OPTIONS.maximum_trials
    return pycolmap.estimate_two_view_geometry(camera, first.points, camera, second.points, matches, options)


def _measure_rotation(first: _Features, second: _Features, matches: NDArray[np.uint32]) -> float:
    """Mean rotation of the second photo's features relative to the first's, radians in (-pi, pi]."""
    difference = second.orientation[matches[:, 1]] - first.orientation[matches[:, 0]]
    return float(np.angle(np.exp(1j * difference).mean()))


def _find_rotations(inliers: NDArray[np.int64], turns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each photo's rotation in its plane relative to most others, radians; NaN for photos without overlap.

    Rotations of pairs are added up along the pairs with most inliers (a maximum spanning tree).
    """
    turned = np.full(len(inliers), np.nan)
    turned[inliers.sum(axis=1).argmax()] = 0.0
    while True:
        known = np.isfinite(turned)
        candidates = np.where(known[:, None] & ~known[None] & np.isfinite(turns), inliers, 0)
        one, other = np.unravel_index(candidates.argmax(), candidates.shape)
        if candidates[one, other] == 0:
            break
        turned[other] = turned[one] + turns[one, other]
    angles = np.angle(np.exp(1j * turned[np.isfinite(turned)]))
    upright = angles[np.argmax([np.cos(angles - angle).round().sum() for angle in angles])]  # most agree with it
    return np.angle(np.exp(1j * (turned - upright)))


def _find_largest_group(overlapping: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The photos of the largest connected component of the graph of overlapping pairs (frames, frames)."""
    group = np.arange(len(overlapping))
    for one, other in zip(*np.nonzero(overlapping), strict=True):
        group[group == group[other]] = group[one]
    return group == np.bincount(group).argmax()


def _measure_overlap(inliers: NDArray[np.int64], checked: NDArray[np.bool_], connected: NDArray[np.bool_]) -> float:
    """Share of the evenly spaced pairs of connected photos that overlap; 0 where there are none."""
    members = [frame for frame in _choose_spaced(len(connected)) if connected[frame]]
    pairs = [pair for pair in combinations(members, 2) if checked[pair]]
    return float(np.mean([inliers[pair] >= OPTIONS.minimum_inliers for pair in pairs])) if pairs else 0.0
