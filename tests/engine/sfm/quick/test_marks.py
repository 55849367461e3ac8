"""Marks at one place of all photos are left out; a still camera, or a room behind a turned object, is none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jaxtyping import Float

from engine.sfm.quick.features import FeatureFile, Features
from engine.sfm.quick.marks import find_marks, leave_out_marks
from engine.sfm.quick.matching import MatchedPair
from engine.sfm.quick.workers import Task
from tests.engine.sfm.quick.matched_points import SIZE, camera, match_points

PHOTOS, SCENE, MARK = 5, 200, 30


class Direct:
    """Performs tasks in this process, in place of `Workers`."""

    def run(self, tasks: Iterable[Task]) -> Iterator[tuple[int, Any]]:
        for number, (function, arguments) in enumerate(tasks):
            for item in function(*arguments):
                yield number, item


def features_at(points: Float[np.ndarray, "features 2"]) -> Features:
    count = len(points)
    return Features(points, np.ones(count), np.zeros(count), np.zeros((count, 128), dtype=np.uint8))


def pair_all(photos: int, count: int) -> list[MatchedPair]:
    raw = np.stack([np.arange(count)] * 2, axis=-1)
    return [MatchedPair(pair, raw, None, "UNDEFINED", raw[:0]) for pair in combinations(range(photos), 2)]


def find(points: list[Float[np.ndarray, "features 2"]]) -> np.ndarray:
    marks = find_marks(
        pair_all(len(points), len(points[0])), [features_at(one) for one in points], [SIZE] * len(points)
    )
    return np.stack(marks)


def test_what_stands_still_in_one_corner_while_the_rest_moves_is_a_mark() -> None:
    generator = np.random.default_rng(0)
    mark = np.array(SIZE) - generator.uniform(10, 100, (MARK, 2))
    moving = [generator.uniform(0, SIZE, (SCENE, 2)) for _ in range(PHOTOS)]
    marks = find([np.concatenate([one, mark + generator.normal(scale=0.1, size=mark.shape)]) for one in moving])
    assert marks[:, SCENE:].all()
    assert not marks[:, :SCENE].any()


@pytest.mark.parametrize("still", ["all", "half"])
def test_a_camera_that_stands_still_and_a_room_behind_a_turned_object_are_no_marks(still: str) -> None:
    generator = np.random.default_rng(0)
    room = generator.uniform(0, SIZE, (SCENE, 2))
    things = [room if still == "all" else generator.uniform(200, 300, (SCENE, 2)) for _ in range(PHOTOS)]
    assert not find([np.concatenate([room, one]) for one in things]).any()


def test_matches_of_a_mark_are_left_out_before_they_are_verified(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    found = match_points(4, 250, turned=0.2)
    mark = np.array(SIZE) - generator.uniform(10, 90, (120, 2))
    features, first = list[Features](), [len(one.points) for one in found.features]
    for one in found.features:
        features.append(features_at(np.concatenate([one.points, mark])))
    FeatureFile.write(tmp_path, features)
    pairs = list[MatchedPair]()
    for pair in found.pairs:
        own = np.stack([np.arange(len(mark)) + first[photo] for photo in pair.pair], axis=-1)
        pairs.append(replace(pair, raw=np.concatenate([pair.raw, own]), inliers=own))  # as if the mark had won
    left, share = leave_out_marks(pairs, features, [camera()] * 4, tmp_path, Direct())  # type: ignore[arg-type]
    assert share == pytest.approx(np.mean([120 / len(one.points) for one in features]))
    assert [one.pair for one in left] == [pair.pair for pair in pairs]
    for one, pair in zip(left, found.pairs, strict=True):
        assert (one.raw[:, 0] < first[one.pair[0]]).all()
        assert len(one.inliers) > 0.9 * len(pair.inliers)


def test_photos_without_a_mark_are_left_as_they_are(tmp_path: Path) -> None:
    found = match_points(3, 200, turned=0.2)
    left, share = leave_out_marks(found.pairs, found.features, [camera()] * 3, tmp_path, Direct())  # type: ignore[arg-type]
    assert share == 0
    assert all(one is pair for one, pair in zip(left, found.pairs, strict=True))
