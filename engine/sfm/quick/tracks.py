"""Tracks from verified matches and from the points of a model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from engine.sfm.events import Pair

CONFIRMED = 3  # features that both of a match are matched with, at least, for it to join a track that contradicts
# itself: as many of the observations fit then as without such tracks (lego at 200 pixels: 83 %; with 1 fewer: 79 %)


@dataclass(frozen=True)
class PhotoTracks:
    """Observations of scene points, sorted by track; a track has at least two, all in different photos.

    Attributes:
        photo: of each observation, number of the photo.
        track: of each observation, from 0, ascending without gaps.
        pixels: where it was seen, pixels of the photo as the lens shows it.
        points: position of each track in the model's world; NaN where it was not triangulated.
    """

    photo: Int[np.ndarray, " observations"]
    track: Int[np.ndarray, " observations"]
    pixels: Float[np.ndarray, "observations 2"]
    points: Float[np.ndarray, "tracks 3"]


class FeatureNumbers:
    """Numbers of all features of all photos in one row; features of one photo at the same place count as one.

    SIFT describes a place once for each dominant direction.
    """

    def __init__(self, points: Sequence[Float[np.ndarray, "features 2"]]) -> None:
        """Args:
        points: positions of each photo's features.
        """
        self.first = np.cumsum([0, *map(len, points)])
        self.points = np.concatenate(points) if points else np.zeros((0, 2))
        self.photo = np.repeat(np.arange(len(points)), np.diff(self.first))
        keys = np.column_stack([self.photo, self.points])
        _, index, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        self.same = index[inverse.reshape(-1)]  # the first feature at the same place

    def find(self, photo: int | NDArray[np.int64], feature: NDArray[np.integer]) -> NDArray[np.int64]:
        """Numbers of features of photos."""
        return self.same[self.first[photo] + feature.astype(np.int64)]


def join_matches(numbers: FeatureNumbers, matches: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each feature the smallest number among those that matches connect it with, directly or over others."""
    label = np.arange(len(numbers.photo))
    while True:
        smaller = np.minimum(label[matches[:, 0]], label[matches[:, 1]])
        joined = label.copy()
        for column in (0, 1):
            np.minimum.at(joined, matches[:, column], smaller)
            np.minimum.at(joined, label[matches[:, column]], smaller)
        joined = joined[joined]
        if np.array_equal(joined, label):
            return label
        label = joined


def split_contradictory(
    matches: Int[np.ndarray, "matches 2"], photo: Int[np.ndarray, " features"], label: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Labels of tracks into which features fall that matches connect, though two of one photo are among them.

    One wrong match joins two tracks, and the longer tracks are, the more of them would be lost. A right match is
    confirmed by others: its two features are both matched with third ones. Features are joined over matches from the
    best confirmed one on, where they have no photo in common, and not at all over those that hardly anything confirms.

    Args:
        matches: numbers of their features.
        photo: of every feature.
        label: of every feature, changed for those that are joined: the number of one of the track's features.
    """
    partners = defaultdict[int, set[int]](set)
    pairs = sorted({(min(pair), max(pair)) for pair in matches.tolist()})
    for one, other in pairs:
        partners[one].add(other)
        partners[other].add(one)
    confirmed = [(len(partners[one] & partners[other]), one, other) for one, other in pairs]
    track = {feature: {feature} for feature in partners}
    photos = {feature: {int(photo[feature])} for feature in partners}
    of = {feature: feature for feature in partners}
    for support, one, other in sorted(confirmed, key=lambda each: -each[0]):
        kept, joined = of[one], of[other]
        if support < CONFIRMED or kept == joined or photos[kept] & photos[joined]:
            continue
        track[kept] |= track.pop(joined)
        photos[kept] |= photos.pop(joined)
        for feature in track[kept]:
            of[feature] = kept
    found = label.copy()
    for kept, features in track.items():
        if len(features) > 1:
            found[list(features)] = kept
    return found


def make_tracks(
    numbers: FeatureNumbers,
    pairs: Sequence[tuple[Pair, Int[np.ndarray, "matches 2"]]],
    registered: Bool[np.ndarray, " photos"] | None = None,
    point_of: NDArray[np.int64] | None = None,
    points: Float[np.ndarray, "points 3"] | None = None,
) -> PhotoTracks:
    """Tracks in pixels of `numbers.points`.

    A track is the observations of a point of the model, and the features of photos that were not registered that are
    matched with them and with no other point; or, without a point, features that matches connect. What has two
    features in one photo contradicts itself: from a track with a point these observations are removed, a track
    without is split.

    Args:
        numbers: of the features.
        pairs: verified matches.
        registered: which photos the model has; None if there is no model, also for the next two.
        point_of: point of each feature, -1 for none.
        points: of the model.
    """
    if registered is None or point_of is None or points is None:
        registered = np.zeros(len(numbers.first) - 1, dtype=bool)
        point_of, points = np.full(len(numbers.photo), -1), np.zeros((0, 3))
    edges = [
        np.stack([numbers.find(first, found[:, 0]), numbers.find(second, found[:, 1])], axis=-1)
        for (first, second), found in pairs
    ]
    matches = np.concatenate(edges) if edges else np.zeros((0, 2), dtype=np.int64)
    point_of = _extend(point_of, matches, registered[numbers.photo])
    seen = np.nonzero(point_of >= 0)[0]
    seen = seen[numbers.same[seen] == seen]
    keep = ~_find_repeated(point_of[seen], numbers.photo[seen])
    with_point = seen[keep], point_of[seen][keep]

    free = (point_of[matches] < 0).all(axis=1)
    label = join_matches(numbers, matches[free])
    loose = np.unique(matches[free])
    bad = np.unique(label[loose][_find_repeated(label[loose], numbers.photo[loose])])
    within = matches[free][np.isin(label[matches[free][:, 0]], bad)]
    label[loose[np.isin(label[loose], bad)]] = -1
    label = split_contradictory(within, numbers.photo, label)
    loose = loose[label[loose] >= 0]
    feature = np.concatenate([with_point[0], loose])
    group = np.concatenate([with_point[1], len(points) + label[loose]])
    return _sort(numbers, feature, group, points)


def _extend(
    point_of: NDArray[np.int64], matches: NDArray[np.int64], registered: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Points of features, also of those of other photos that are matched with features of one point only."""
    extended = point_of.copy()
    ambiguous = np.zeros(len(point_of), dtype=bool)
    for one, other in ((0, 1), (1, 0)):
        known = (point_of[matches[:, one]] >= 0) & ~registered[matches[:, other]]
        source, target = matches[known, one], matches[known, other]
        order = np.argsort(target, kind="stable")
        for feature, point in zip(target[order].tolist(), point_of[source[order]].tolist(), strict=True):
            ambiguous[feature] |= extended[feature] not in (-1, point)
            extended[feature] = point
    extended[ambiguous] = -1
    return extended


def _find_repeated(group: NDArray[np.int64], photo: NDArray[np.int64]) -> Bool[np.ndarray, " features"]:
    """Whether another feature of the same group lies in the same photo."""
    _, inverse, counts = np.unique(np.column_stack([group, photo]), axis=0, return_inverse=True, return_counts=True)
    return np.asarray(counts[inverse.reshape(-1)] > 1, dtype=bool)


def _sort(
    numbers: FeatureNumbers, feature: NDArray[np.int64], group: NDArray[np.int64], points: NDArray[np.float64]
) -> PhotoTracks:
    """Tracks by their groups; a group below `len(points)` is that point. Groups of one feature are left out."""
    _, inverse, counts = np.unique(group, return_inverse=True, return_counts=True)
    enough = counts[inverse.reshape(-1)] >= 2
    feature, group = feature[enough], group[enough]
    order = np.lexsort([numbers.photo[feature], group])
    feature, group = feature[order], group[order]
    names, track = np.unique(group, return_inverse=True)
    where = np.full((len(names), 3), np.nan)
    where[names < len(points)] = points[names[names < len(points)]]
    return PhotoTracks(numbers.photo[feature], track.reshape(-1), numbers.points[feature], where)
