"""Marks at one place of all photos: a watermark, the date, the bonnet of a car. Their matches say nothing of cameras.

A feature of a mark stands still in nearly all pairs of photos, while the rest of each pair moves. What is far away
stands still only while the camera does not turn, and where the camera stands still everything does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool

from engine.sfm.quick.features import Features
from engine.sfm.quick.matching import MatchedPair, SmallCamera, verify_pairs
from engine.sfm.quick.options import OPTIONS as QUICK_OPTIONS
from engine.sfm.quick.pairs import split_pairs
from engine.sfm.quick.still_parts import REFERENCE_SIDE
from engine.sfm.quick.workers import Workers


@dataclass(frozen=True)
class MarkOptions:
    """When features belong to a mark; pixels are those of an image whose longer side is 640.

    Attributes:
        still_px: matches no farther apart than this stand still: a mark is drawn at the same pixels of each photo.
        moving_px: matches farther apart than this move.
        moving: matches of a pair that have to move, at least, and
        moving_share: at least so many times as many as stand still, for the pair to be asked.
        photos: in which a feature has to stand still, at least, and
        share: of the pairs asked of its photo. SIFT finds half of a mark's features again, for what lies behind it
            changes.
        cells: of a grid over the photo, along either side, and
        area: share of them that marks lie in, at most. Where more stands still, an object was turned before a room.
    """

    still_px: float = 0.7
    moving_px: float = 6.0
    moving: int = 12
    moving_share: float = 0.15
    photos: int = 3
    share: float = 0.3
    cells: int = 16
    area: float = 0.2


OPTIONS = MarkOptions()


def find_marks(
    pairs: Sequence[MatchedPair], features: Sequence[Features], sizes: Sequence[tuple[int, int]]
) -> list[Bool[np.ndarray, " features"]]:
    """Which features of each photo belong to marks; none where they would cover much of the photos.

    Args:
        pairs: that were matched.
        features: of each photo.
        sizes: (width, height) of the small copies, pixels.
    """
    still = [np.zeros(len(one.points), dtype=np.int64) for one in features]
    asked: np.ndarray = np.zeros(len(features), dtype=np.int64)
    for pair in pairs:
        points = [features[photo].points[pair.raw[:, side]] for side, photo in enumerate(pair.pair)]
        if sizes[pair.pair[0]] != sizes[pair.pair[1]]:
            continue
        apart = np.linalg.norm(points[1] - points[0], axis=1) / (max(sizes[pair.pair[0]]) / REFERENCE_SIDE)
        stands, moving = apart < OPTIONS.still_px, int((apart > OPTIONS.moving_px).sum())
        if moving < max(OPTIONS.moving, OPTIONS.moving_share * stands.sum()):
            continue
        for side, photo in enumerate(pair.pair):
            asked[photo] += 1
            still[photo][pair.raw[stands, side]] += 1
    marks = [
        count >= max(OPTIONS.photos, OPTIONS.share * number)
        for count, number in zip(still, asked.tolist(), strict=True)
    ]
    cells = set[tuple[int, int]]()
    for marked, one, size in zip(marks, features, sizes, strict=True):
        place = (OPTIONS.cells * one.points[marked] / np.array(size)).astype(np.int64)
        cells |= set(map(tuple, place.tolist()))
    if len(cells) > OPTIONS.area * OPTIONS.cells**2:
        return [np.zeros_like(marked) for marked in marks]
    return marks


def leave_out_marks(
    pairs: Sequence[MatchedPair],
    features: Sequence[Features],
    cameras: Sequence[SmallCamera],
    folder: Path,
    workers: Workers,
) -> tuple[list[MatchedPair], float]:
    """The pairs without the matches of marks, verified again where they had such; and the share of marked features.

    Args:
        pairs: that were matched.
        features: of each photo.
        cameras: of each photo.
        folder: of a `FeatureFile`.
        workers: processes that do the work.
    """
    marks = find_marks(pairs, features, [camera.size for camera in cameras])
    share = float(np.mean([marked.mean() if len(marked) else 0.0 for marked in marks])) if marks else 0.0
    if not share:
        return list(pairs), 0.0
    left = {pair.pair: pair for pair in pairs}
    changed = list[MatchedPair]()
    for pair in pairs:
        marked = marks[pair.pair[0]][pair.raw[:, 0]] | marks[pair.pair[1]][pair.raw[:, 1]]
        if marked.any():
            changed.append(replace(pair, raw=pair.raw[~marked]))
    tasks = [
        (verify_pairs, (folder, part, list(cameras))) for part in split_pairs(changed, QUICK_OPTIONS.pairs_per_task)
    ]
    left |= {found.pair: found for _, found in workers.run(tasks)}
    return [left[pair.pair] for pair in pairs], share
