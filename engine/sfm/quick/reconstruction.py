"""Cameras of photos within seconds, from matches of small copies.

SIFT features of small grey copies are matched in pairs, RANSAC verifies the matches, and COLMAP's incremental mapper
registers the photos one after another. Then the keypoints of each point are brought into agreement by their
surroundings (`keypoint_refinement`), which makes the cameras more exact than features of the full photos do, in
seconds instead of minutes.
"""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from engine.sfm.events import FeaturesFound, Mapped, Matching, PairMatched, PairVerified, SfmEvent, Started
from engine.sfm.lens import Lens
from engine.sfm.quick.connections import find_turns, measure_turn
from engine.sfm.quick.copies import PhotoCopies
from engine.sfm.quick.epipolar import find_consistent_matches
from engine.sfm.quick.features import FeatureFile, Features, find_features
from engine.sfm.quick.lenses.own_lenses import PhotoLenses
from engine.sfm.quick.mapping import SmallModel, map_photos
from engine.sfm.quick.marks import leave_out_marks
from engine.sfm.quick.matching import MatchedPair, SmallCamera, match_pairs
from engine.sfm.quick.model_event import make_model_event
from engine.sfm.quick.options import OPTIONS
from engine.sfm.quick.pairs import choose_first_photos, choose_pairs, find_unchecked, split_pairs
from engine.sfm.quick.refinement import refine_model, refine_photo_lenses
from engine.sfm.quick.result import MatchedPhotos, QuickReconstruction
from engine.sfm.quick.sideways import Sideways
from engine.sfm.quick.similarity import measure_similarity
from engine.sfm.quick.still_parts import measure_still_parts
from engine.sfm.quick.tracks import FeatureNumbers, PhotoTracks, make_tracks
from engine.sfm.quick.workers import Task, Workers
from engine.sfm.stages import MODELS

EventListener = Callable[[SfmEvent], None]


def reconstruct_quickly(copies: PhotoCopies, workers: Workers, watch: EventListener) -> QuickReconstruction:
    """Registers photos and finds their lenses.

    Args:
        copies: of the photos.
        workers: processes that do the work.
        watch: receives the events of features, matches and mapping, in pixels of the photos.
    Returns:
        the result; without poses and lenses where no three photos could be registered.
    """
    sideways = Sideways(copies)
    found = _reconstruct(sideways.copies, workers, sideways.listen(watch))
    poses = sideways.turn_poses_back(found.poses, np.arange(len(found.poses)))
    own = None if found.own is None else sideways.turn_lenses_back(found.own)
    return replace(found, matches=sideways.turn_matches_back(found.matches), poses=poses, own=own)


def _reconstruct(copies: PhotoCopies, workers: Workers, watch: EventListener) -> QuickReconstruction:
    with tempfile.TemporaryDirectory(prefix="l2g-quick-") as folder:
        first = choose_first_photos(len(copies.names))
        matched = _match(copies, workers, Path(folder), watch, first)
        model = _map(copies, workers, Path(folder), matched, watch)
        if model is not None:
            model = _refine(copies, workers, Path(folder), model, watch)
    tracks, contradicted = _make_tracks(copies, matched, model)
    found = replace(_summarise(matched, tracks), contradicted=None if model is None else contradicted)
    if model is None:
        unknown = np.full((len(copies.names), 3, 4), np.nan)
        return QuickReconstruction(found, unknown, (None,) * len(copies.cameras), np.nan)
    lenses = tuple(
        None if lens is None else lens.scaled(copies.shrink(number)[1]) for number, lens in enumerate(model.lenses)
    )
    registered = np.nonzero(np.isfinite(model.poses[:, 0, 0]))[0].tolist()
    factors = np.array([copies.factor(photo) for photo in range(len(copies.names))])
    error = model.error * float(np.mean(factors[registered]))
    own = None if model.own is None else model.own.scaled(factors)
    return QuickReconstruction(found, model.poses, lenses, error, own)


def match_photos(copies: PhotoCopies, workers: Workers, watch: EventListener) -> MatchedPhotos:
    """Matches photos without registering them; tracks have no points.

    Args:
        copies: of the photos.
        workers: processes that do the work.
        watch: receives the events of features and matches, in pixels of the photos.
    """
    sideways = Sideways(copies)
    with tempfile.TemporaryDirectory(prefix="l2g-quick-") as folder:
        matched = _match(sideways.copies, workers, Path(folder), sideways.listen(watch))
    return sideways.turn_matches_back(_summarise(matched, _make_tracks(sideways.copies, matched, None)[0]))


@dataclass(frozen=True)
class _Matched:
    """Features and matches in pixels of the small copies.

    Attributes:
        shown: cameras that `watch` has been shown already.
        marked: share of the features that belong to a mark at one place of all photos.
    """

    features: list[Features]
    cameras: list[SmallCamera]
    pairs: list[MatchedPair]
    shown: int = 0
    marked: float = 0.0


def _match(
    copies: PhotoCopies, workers: Workers, folder: Path, watch: EventListener, first: Sequence[int] = ()
) -> _Matched:
    """Features and matches; cameras of the `first` photos are shown while the features of the others are found."""
    watch(Started(copies.folder, copies.names))
    count = len(copies.images)
    cameras = [copies.shrink(number)[0] for number in range(len(copies.cameras))]
    of_photo = [cameras[number] for number in copies.camera_of]
    features: dict[int, Features] = {}
    known, beside, shown = list[MatchedPair](), list[Task](), 0
    if first:
        deque(_find_features(copies, workers, first, features, watch), maxlen=0)
        known, beside = _match_first(copies, workers, folder / "first", first, features, cameras)
    rest = [photo for photo in range(count) if photo not in features]
    for item in _find_features(copies, workers, rest, features, watch, beside):
        if isinstance(item, Mapped):
            numbers = tuple(first[number] for number in item.frames)
            watch(replace(_enlarge(item, copies.factor(0)), frames=numbers, total=count))
            shown = max(shown, len(numbers))
    FeatureFile.write(folder, [features[photo] for photo in range(count)])
    checked = {pair.pair: pair for pair in known}
    similarity = _measure_similarity(workers, folder, count)
    wanted = sorted(set(choose_pairs(count, similarity)) - checked.keys())
    for number, found in enumerate(known, 1):
        _report(found, number, len(checked) + len(wanted), watch)
    while wanted:
        tasks = [(match_pairs, (folder, part, of_photo)) for part in split_pairs(wanted, OPTIONS.pairs_per_task)]
        total = len(checked) + len(wanted)
        for _, found in workers.run(tasks):
            checked[found.pair] = found
            if len(checked) % OPTIONS.pairs_per_task == 0 or len(checked) == total:
                raw = _count(checked.values(), count, lambda pair: len(pair.raw))
                watch(Matching(raw, len(checked), total))
            _report(found, len(checked), total, watch)
        overlapping = _count(checked.values(), count, lambda pair: len(pair.inliers)) > 0
        wanted = find_unchecked(overlapping, checked.keys(), similarity)
    in_order = [features[photo] for photo in range(count)]
    pairs, marked = leave_out_marks([checked[pair] for pair in sorted(checked)], in_order, of_photo, folder, workers)
    return _Matched(in_order, cameras, pairs, shown, marked)


def _match_first(
    copies: PhotoCopies,
    workers: Workers,
    folder: Path,
    first: Sequence[int],
    features: dict[int, Features],
    cameras: list[SmallCamera],
) -> tuple[list[MatchedPair], list[Task]]:
    """Matches of all pairs of the first photos, and the task that maps them, numbered from 0, if they overlap."""
    folder.mkdir()
    FeatureFile.write(folder, [features[photo] for photo in first])
    camera_of = [copies.camera_of[photo] for photo in first]
    each = len(first) // 2  # small parts, so that all processes have one
    parts = split_pairs(choose_pairs(len(first)), each)
    tasks = [(match_pairs, (folder, part, [cameras[number] for number in camera_of])) for part in parts]
    found = [pair for _, pair in workers.run(tasks)]
    good = _choose_overlapping(found)
    beside: list[Task] = [(map_photos, (folder, cameras, camera_of, good))] if len(good) > 1 else []
    return [replace(pair, pair=(first[pair.pair[0]], first[pair.pair[1]])) for pair in found], beside


def _choose_overlapping(pairs: Iterable[MatchedPair]) -> list[MatchedPair]:
    """The pairs that the mapper needs, without the raw matches, which it does not."""
    return [replace(pair, raw=pair.raw[:0]) for pair in pairs if pair.geometry is not None]


def _measure_similarity(workers: Workers, folder: Path, count: int) -> Float[np.ndarray, "photos photos"] | None:
    """None where all pairs will be matched."""
    if count <= OPTIONS.exhaustive_photos:
        return None
    ((_, similarity),) = workers.run([(measure_similarity, (folder, count))])
    return similarity


def _find_features(
    copies: PhotoCopies,
    workers: Workers,
    photos: Sequence[int],
    features: dict[int, Features],
    watch: EventListener,
    beside: Sequence[Task] = (),
) -> Iterator[Any]:
    """Adds the features of some photos to `features`; yields what the tasks `beside` yield, which begin before."""
    masks = copies.masks or [None] * len(copies.images)
    tasks: list[Task] = [
        (find_features, (copies.images[photo], masks[photo], copies.maximum_features)) for photo in photos
    ]
    for number, found in workers.run([*beside, *tasks]):
        if number < len(beside):
            yield found
            continue
        photo = photos[number - len(beside)]
        features[photo] = found
        factor = copies.factor(photo)
        points, scale = found.points * factor, found.scale * factor
        done = len(features), len(copies.images)
        watch(FeaturesFound(photo, copies.size(photo), points, scale, found.orientation, *done))


def _report(found: MatchedPair, done: int, total: int, watch: EventListener) -> None:
    if not len(found.raw):
        return
    watch(PairMatched(found.pair, found.raw))
    model = MODELS.get(found.model, "none") if found.geometry is not None else "none"
    watch(PairVerified(found.pair, found.inliers, found.raw[~found.agrees], model, done, total))


def _map(
    copies: PhotoCopies, workers: Workers, folder: Path, matched: _Matched, watch: EventListener
) -> SmallModel | None:
    """The model of all photos; what it has is shown from when it has more than was shown before."""
    good = _choose_overlapping(matched.pairs)
    if len(good) < 2:
        return None
    factor, model = copies.factor(0), None
    task = (map_photos, (folder, matched.cameras, list(copies.camera_of), good, copies.shrink_cropped()))
    for _, item in workers.run([task]):
        if not isinstance(item, Mapped):
            model = item
            continue
        event = _enlarge(item, factor)
        if len(event.frames) > matched.shown:
            watch(event)
    return model


def _enlarge(item: Mapped, factor: float) -> Mapped:
    """The event in pixels of the photos; `factor` of them are one of the small copies."""
    return replace(item, before=item.before * factor, after=item.after * factor, focal=item.focal * factor)


def _refine(
    copies: PhotoCopies, workers: Workers, folder: Path, model: SmallModel, watch: EventListener
) -> SmallModel:
    """The model with refined keypoints; tells of it."""
    refined = refine_model(model, copies.images, copies.camera_of, folder, workers)
    refined = refine_photo_lenses(refined, copies.images, copies.group_photos(), folder, workers)
    lens = next((lens for lens in refined.lenses if lens is not None), None)
    factor = copies.factor(0)
    focal = np.nan if lens is None else lens.focal * factor
    watch(make_model_event(refined.poses, refined.points, refined.error * factor, focal))
    return refined


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
        observed = numbers.find(model.photo, model.feature)
        point_of[observed] = model.point
        numbers.points[observed] = model.pixels
        lenses = [
            Lens(camera.focal, 0.0, np.eye(2)) if lens is None else lens
            for lens, camera in zip(model.lenses, matched.cameras, strict=True)
        ]
        of_photo = [
            _lens_of(photo, model.own, lenses[number], matched.cameras[number].size)
            for photo, number in enumerate(copies.camera_of)
        ]
        before = pairs
        pairs = find_consistent_matches(pairs, [one.points for one in matched.features], model.poses, of_photo)
        for (pair, verified), (_, kept) in zip(before, pairs, strict=True):
            contradicted[pair] = contradicted[pair[::-1]] = len(verified) - len(kept)
        registered = np.isfinite(model.poses[:, 0, 0])
        tracks = make_tracks(numbers, pairs, registered, point_of, model.points)
    factors = np.array([copies.factor(photo) for photo in range(len(copies.names))])
    return replace(tracks, pixels=tracks.pixels * factors[tracks.photo, None]), contradicted


def _lens_of(
    photo: int, own: PhotoLenses | None, shared: Lens, size: tuple[int, int]
) -> tuple[Lens, NDArray[np.float64]]:
    """A photo's lens and principal point, pixels of its small copy."""
    if own is None or np.isnan(own.focal[photo]):
        return shared, np.array(size) / 2
    return replace(shared, focal=float(own.focal[photo]), radial=float(own.radial[photo])), own.centre[photo]


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
    still = measure_still_parts(matched.pairs, matched.features, max(matched.cameras[0].size))
    repeated = float(np.median([one.repeated for one in matched.features])) if matched.features else 0.0
    return MatchedPhotos(
        inliers,
        checked,
        planar,
        find_turns(inliers, turns),
        tracks,
        still_part=still,
        repeated=repeated,
        marked=matched.marked,
    )


def _count(
    pairs: Iterable[MatchedPair], count: int, measure: Callable[[MatchedPair], int]
) -> Int[np.ndarray, "photos photos"]:
    """A number of each pair as a symmetric table."""
    table: NDArray[np.int64] = np.zeros((count, count), dtype=np.int64)
    for pair in pairs:
        table[pair.pair] = table[pair.pair[::-1]] = measure(pair)
    return table
