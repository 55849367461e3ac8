"""Cameras of photos within seconds, from matches of small copies.

SIFT features of small grey copies are matched in pairs, RANSAC verifies the matches, and COLMAP's incremental mapper
registers the photos one after another. Copies of 1,000 pixels give cameras as exact as photos of full size do, in
seconds instead of minutes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from numpy.typing import NDArray

from engine.sfm.events import FeaturesFound, Mapped, Matching, Pair, PairMatched, PairVerified, SfmEvent, Started
from engine.sfm.lens import Lens
from engine.sfm.quick.connections import find_largest_group, find_turns, measure_turn
from engine.sfm.quick.epipolar import find_consistent_matches
from engine.sfm.quick.features import FeatureFile, Features, find_features
from engine.sfm.quick.mapping import SmallModel, map_photos
from engine.sfm.quick.matching import MatchedPair, SmallCamera, match_pairs
from engine.sfm.quick.options import OPTIONS
from engine.sfm.quick.pairs import choose_pairs, find_most_similar, split_pairs
from engine.sfm.quick.result import MatchedPhotos, QuickReconstruction
from engine.sfm.quick.similarity import measure_similarity
from engine.sfm.quick.tracks import FeatureNumbers, PhotoTracks, make_tracks
from engine.sfm.quick.workers import Workers
from engine.sfm.stages import MODELS

EventListener = Callable[[SfmEvent], None]


@dataclass(frozen=True)
class CameraPrior:
    """A camera that took some of the photos.

    Attributes:
        size: (width, height) of its photos, pixels.
        focal: initial focal length, pixels of the photos.
        nominal: whether it comes from EXIF; else it is a guess.
    """

    size: tuple[int, int]
    focal: float
    nominal: bool


@dataclass(frozen=True)
class PhotoCopies:
    """Small copies of photos.

    Attributes:
        folder: of the photos, for the listener.
        names: of the photos, in the order in which they were taken.
        images: grey, of the size that `choose_copy_size` chooses.
        cameras: by which the photos were taken.
        camera_of: number of each photo's camera.
        masks: of each photo, at the size of its copy, True where features are wanted; None for all of it.
        maximum_features: per photo, about.
    """

    folder: Path
    names: tuple[str, ...]
    images: Sequence[UInt8[np.ndarray, "height width"]]
    cameras: Sequence[CameraPrior]
    camera_of: Sequence[int]
    masks: Sequence[Bool[np.ndarray, "height width"] | None] | None = None
    maximum_features: int = OPTIONS.maximum_features

    def factor(self, photo: int) -> float:
        """Pixels of the photo per pixel of its small copy."""
        return max(self.cameras[self.camera_of[photo]].size) / max(self.images[photo].shape)


def reconstruct_quickly(copies: PhotoCopies, workers: Workers, watch: EventListener) -> QuickReconstruction:
    """Registers photos and finds their lenses.

    Args:
        copies: of the photos.
        workers: processes that do the work.
        watch: receives the events of features, matches and mapping, in pixels of the photos.
    Returns:
        the result; without poses and lenses where no three photos could be registered.
    """
    with tempfile.TemporaryDirectory(prefix="l2g-quick-") as folder:
        matched = _match(copies, workers, Path(folder), watch)
        good = [pair for pair in matched.pairs if pair.geometry is not None]
        model = _map(copies, workers, Path(folder), matched.cameras, good, watch) if len(good) > 1 else None
    tracks, contradicted = _make_tracks(copies, matched, model)
    found = replace(_summarise(matched, tracks), contradicted=None if model is None else contradicted)
    if model is None:
        unknown = np.full((len(copies.names), 3, 4), np.nan)
        return QuickReconstruction(found, unknown, (None,) * len(copies.cameras), np.nan)
    first_of = [copies.camera_of.index(number) for number in range(len(copies.cameras))]
    lenses = tuple(
        None if lens is None else lens.scaled(copies.factor(photo))
        for lens, photo in zip(model.lenses, first_of, strict=True)
    )
    registered = np.nonzero(np.isfinite(model.poses[:, 0, 0]))[0].tolist()
    error = model.error * float(np.mean([copies.factor(photo) for photo in registered]))
    return QuickReconstruction(found, model.poses, lenses, error)


def match_photos(copies: PhotoCopies, workers: Workers, watch: EventListener) -> MatchedPhotos:
    """Matches photos without registering them; tracks have no points.

    Args:
        copies: of the photos.
        workers: processes that do the work.
        watch: receives the events of features and matches, in pixels of the photos.
    """
    with tempfile.TemporaryDirectory(prefix="l2g-quick-") as folder:
        matched = _match(copies, workers, Path(folder), watch)
    return _summarise(matched, _make_tracks(copies, matched, None)[0])


@dataclass(frozen=True)
class _Matched:
    """Features and matches in pixels of the small copies."""

    features: list[Features]
    cameras: list[SmallCamera]
    pairs: list[MatchedPair]


def _match(copies: PhotoCopies, workers: Workers, folder: Path, watch: EventListener) -> _Matched:
    watch(Started(copies.folder, copies.names))
    features = _find_features(copies, workers, watch)
    FeatureFile.write(folder, features)
    cameras = [_shrink(copies, number) for number in range(len(copies.cameras))]
    of_photo = [cameras[number] for number in copies.camera_of]
    count = len(features)
    checked: dict[Pair, MatchedPair] = {}
    similarity = _measure_similarity(workers, folder, count)
    wanted = choose_pairs(count, similarity)
    while wanted:
        tasks = [(match_pairs, (folder, part, of_photo)) for part in split_pairs(wanted, OPTIONS.pairs_per_task)]
        total = len(checked) + len(wanted)
        for _, found in workers.run(tasks):
            checked[found.pair] = found
            if len(checked) % OPTIONS.pairs_per_task == 0 or len(checked) == total:
                raw = _count(checked.values(), count, lambda pair: len(pair.raw))
                watch(Matching(raw, len(checked), total))
            _report(found, len(checked), total, watch)
        wanted = _find_unchecked(checked, count, similarity)
    return _Matched(features, cameras, [checked[pair] for pair in sorted(checked)])


def _measure_similarity(workers: Workers, folder: Path, count: int) -> Float[np.ndarray, "photos photos"] | None:
    """None where all pairs will be matched."""
    if count <= OPTIONS.exhaustive_photos:
        return None
    ((_, similarity),) = workers.run([(measure_similarity, (folder, count))])
    return similarity


def _find_unchecked(
    checked: dict[Pair, MatchedPair], count: int, similarity: Float[np.ndarray, "photos photos"] | None
) -> list[Pair]:
    """Pairs that were not matched, of photos that do not belong to the largest group: with all others, or, of many
    photos, with those that are most similar."""
    overlapping = np.zeros((count, count), dtype=bool)
    for (first, second), found in checked.items():
        overlapping[first, second] = overlapping[second, first] = found.geometry is not None
    alone = np.nonzero(~find_largest_group(overlapping))[0].tolist()
    if similarity is not None:
        return sorted(find_most_similar(alone, similarity, OPTIONS.similar_photos_if_alone) - checked.keys())
    pairs = {(min(one, other), max(one, other)) for one in alone for other in range(count) if one != other}
    return sorted(pairs - checked.keys())


def _find_features(copies: PhotoCopies, workers: Workers, watch: EventListener) -> list[Features]:
    masks = copies.masks or [None] * len(copies.images)
    tasks = [
        (find_features, (image, mask, copies.maximum_features))
        for image, mask in zip(copies.images, masks, strict=True)
    ]
    found: dict[int, Features] = {}
    for photo, features in workers.run(tasks):
        found[photo] = features
        factor = copies.factor(photo)
        points, scale = features.points * factor, features.scale * factor
        size = copies.cameras[copies.camera_of[photo]].size
        watch(FeaturesFound(photo, size, points, scale, features.orientation, len(found), len(tasks)))
    return [found[photo] for photo in range(len(tasks))]


def _shrink(copies: PhotoCopies, number: int) -> SmallCamera:
    """A camera in pixels of the small copies of its photos."""
    camera, photo = copies.cameras[number], copies.camera_of.index(number)
    height, width = copies.images[photo].shape
    return SmallCamera((width, height), camera.focal / copies.factor(photo), camera.nominal)


def _report(found: MatchedPair, done: int, total: int, watch: EventListener) -> None:
    if not len(found.raw):
        return
    watch(PairMatched(found.pair, found.raw))
    # a feature of the first photo has one match at most
    rejected = found.raw[~np.isin(found.raw[:, 0], found.inliers[:, 0])]
    model = MODELS.get(found.model, "none") if found.geometry is not None else "none"
    watch(PairVerified(found.pair, found.inliers, rejected, model, done, total))


def _map(
    copies: PhotoCopies,
    workers: Workers,
    folder: Path,
    cameras: list[SmallCamera],
    pairs: list[MatchedPair],
    watch: EventListener,
) -> SmallModel | None:
    sent = [replace(pair, raw=pair.raw[:0]) for pair in pairs]
    factor, model, last = copies.factor(0), None, None
    for _, item in workers.run([(map_photos, (folder, cameras, list(copies.camera_of), sent))]):
        if isinstance(item, Mapped):
            last = replace(item, before=item.before * factor, after=item.after * factor, focal=item.focal * factor)
            watch(last)
        else:
            model = item
    if model is not None and last is not None:
        lens = next((lens for lens in model.lenses if lens is not None), None)
        focal = last.focal if lens is None else lens.focal * factor
        watch(make_model_event(model.poses, model.points, model.error * factor, focal))
    return model


def make_model_event(
    poses: Float[np.ndarray, "photos 3 4"], points: Float[np.ndarray, "points 3"], error: float, focal: float
) -> Mapped:
    """The event of a result.

    Args:
        poses: world-to-camera of all photos; NaN where one was not registered.
        points: of the model.
        error: mean reprojection error, pixels of the photos.
        focal: focal length, pixels of the photos.
    """
    frames = np.nonzero(np.isfinite(poses[:, 0, 0]))[0]
    black = np.zeros((len(points), 3), dtype=np.uint8)
    return Mapped("model", tuple(frames.tolist()), poses[frames], points, black, error, error, focal, len(poses))


def _make_tracks(
    copies: PhotoCopies, matched: _Matched, model: SmallModel | None
) -> tuple[PhotoTracks, Int[np.ndarray, "photos photos"]]:
    """The tracks that agree with a model, and how many matches of each pair do not."""
    count = len(copies.names)
    contradicted: NDArray[np.int64] = np.zeros((count, count), dtype=np.int64)
    numbers = FeatureNumbers([one.points for one in matched.features])
    pairs = [(pair.pair, pair.inliers) for pair in matched.pairs if pair.geometry is not None]
    if model is None:
        tracks = make_tracks(numbers, pairs)
    else:
        point_of = np.full(len(numbers.photo), -1)
        point_of[numbers.find(model.photo, model.feature)] = model.point
        lenses = [
            Lens(camera.focal, 0.0, np.eye(2)) if lens is None else lens
            for lens, camera in zip(model.lenses, matched.cameras, strict=True)
        ]
        of_photo = [(lenses[number], matched.cameras[number].size) for number in copies.camera_of]
        before = pairs
        pairs = find_consistent_matches(pairs, [one.points for one in matched.features], model.poses, of_photo)
        for (pair, verified), (_, kept) in zip(before, pairs, strict=True):
            contradicted[pair] = contradicted[pair[::-1]] = len(verified) - len(kept)
        registered = np.isfinite(model.poses[:, 0, 0])
        tracks = make_tracks(numbers, pairs, registered, point_of, model.points)
    factors = np.array([copies.factor(photo) for photo in range(len(copies.names))])
    return replace(tracks, pixels=tracks.pixels * factors[tracks.photo, None]), contradicted


def _summarise(matched: _Matched, tracks: PhotoTracks) -> MatchedPhotos:
    count = len(matched.features)
    turns = np.full((count, count), np.nan)
    checked, planar = np.eye(count, dtype=bool), np.zeros((count, count), dtype=bool)
    for pair in matched.pairs:
        first, second = pair.pair
        checked[first, second] = checked[second, first] = True
        if pair.geometry is None:
            continue
        orientations = matched.features[first].orientation, matched.features[second].orientation
        turn = measure_turn(*orientations, pair.inliers)
        turns[first, second], turns[second, first] = turn, -turn
        planar[first, second] = planar[second, first] = pair.model.startswith(("PLANAR", "PANORAMIC"))
    inliers = _count(matched.pairs, count, lambda pair: len(pair.inliers))
    return MatchedPhotos(inliers, checked, planar, find_turns(inliers, turns), tracks)


def _count(
    pairs: Iterable[MatchedPair], count: int, measure: Callable[[MatchedPair], int]
) -> Int[np.ndarray, "photos photos"]:
    """A number of each pair as a symmetric table."""
    table: NDArray[np.int64] = np.zeros((count, count), dtype=np.int64)
    for pair in pairs:
        table[pair.pair] = table[pair.pair[::-1]] = measure(pair)
    return table
