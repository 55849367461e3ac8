"""Pairs in which an object was turned before a still room, and sets of photos that show a repeated pattern."""

from __future__ import annotations

import numpy as np
import pytest

from engine.sfm.quick.features import measure_repetition
from engine.sfm.quick.matching import MatchedPair
from engine.sfm.quick.still_parts import measure_still_part, summarise_still_parts


def matches(still: int, moving: int, wrong: int = 20) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions in two photos of 640 pixels: a room, an object that moves by 20 pixels, wrong matches; and which."""
    generator = np.random.default_rng(0)
    first = generator.uniform(0, 640, (still + moving + wrong, 2))
    kind = np.repeat([0, 1, 2], [still, moving, wrong])
    first[kind == 1] = 300 + first[kind == 1] / 8
    second = first + generator.normal(0, 0.2, first.shape)
    second[kind == 1] += np.array([20.0, 3.0])
    second[kind == 2] = generator.uniform(0, 640, (wrong, 2))
    return first, second, kind


@pytest.mark.parametrize("agreeing", [0, 1])
def test_an_object_that_is_turned_is_told_whichever_part_the_geometry_explains(agreeing: int) -> None:
    first, second, kind = matches(150, 50)
    share = measure_still_part(first, second, kind == agreeing, 1.0)
    assert share == pytest.approx(0.75, abs=0.03)
    assert measure_still_part(2 * first, 2 * second, kind == agreeing, 2.0) == pytest.approx(share)


def test_a_camera_that_moves_has_no_still_part() -> None:
    first, second, kind = matches(150, 50)
    assert measure_still_part(first, second, kind < 2, 1.0) == 0.0  # what is far away agrees with the geometry
    assert measure_still_part(*matches(0, 200)[:2], np.ones(220, dtype=bool), 1.0) == 0.0


def test_wrong_matches_beside_a_camera_that_stands_still_are_no_object() -> None:
    first, second, kind = matches(150, 0, wrong=60)
    assert measure_still_part(first, second, kind == 0, 1.0) == 0.0


def test_some_pairs_have_to_agree() -> None:
    assert summarise_still_parts([0.6, 0.7, 0.8, 0.0]) == pytest.approx(0.7)
    assert summarise_still_parts([0.6, 0.7]) == 0.0
    assert summarise_still_parts([0.6, 0.7, 0.8] + 100 * [0.0]) == 0.0
    assert summarise_still_parts([]) == 0.0


def test_matches_that_are_inliers_agree() -> None:
    pair = MatchedPair((0, 1), np.array([[0, 5], [3, 1], [4, 4]]), None, "UNDEFINED", np.array([[3, 1]]))
    assert pair.agrees.tolist() == [False, True, False]


def test_features_of_a_pattern_look_like_another_place() -> None:
    generator = np.random.default_rng(1)
    different = generator.gamma(0.5, 40, (60, 128)).clip(0, 255).astype(np.uint8)
    points = generator.uniform(0, 600, (60, 2))
    assert measure_repetition(points, different) == 0.0
    pattern = np.concatenate([different[:20]] * 3)
    assert measure_repetition(points, pattern) > 0.9
    assert measure_repetition(np.repeat(points[:20], 3, axis=0), np.repeat(different[:20], 3, axis=0)) == 0.0
    assert measure_repetition(points[:1], different[:1]) == 0.0
