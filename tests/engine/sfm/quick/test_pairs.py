"""Of few photos all pairs are matched; of many a number that grows slowly, and every photo takes part."""

import itertools

import numpy as np
import pytest

from engine.sfm.quick.options import OPTIONS
from engine.sfm.quick.pairs import choose_first_photos, choose_pairs, find_most_similar, split_pairs


def test_all_pairs_of_few_photos() -> None:
    few = OPTIONS.exhaustive_photos
    assert len(choose_pairs(few)) == few * (few - 1) // 2


def test_neighbours_are_the_first_and_in_a_video_some_frames_apart() -> None:
    assert choose_first_photos(OPTIONS.first_from - 1) == []
    assert choose_first_photos(OPTIONS.first_from) == list(range(OPTIONS.first_photos))
    of_video = choose_first_photos(300)
    assert len(of_video) == OPTIONS.first_photos
    assert {second - first for first, second in itertools.pairwise(of_video)} == {7}


@pytest.mark.parametrize("photos", [100, 400])
def test_many_photos(photos: int) -> None:
    similarity = np.random.default_rng(0).random((photos, photos))
    pairs = choose_pairs(photos, (similarity + similarity.T) / 2)
    assert len(pairs) == len(set(pairs)) < 30 * photos
    assert {photo for pair in pairs for photo in pair} == set(range(photos))
    assert all(first < second for first, second in pairs)
    assert all((photo, photo + 1) in set(pairs) for photo in range(photos - 1))
    assert any(second - first > photos // 3 for first, second in pairs)


def test_a_photo_is_matched_with_what_looks_like_it_however_far_away() -> None:
    similarity = np.zeros((100, 100))
    similarity[3, 90] = similarity[90, 3] = 1.0
    assert (3, 90) in choose_pairs(100, similarity)
    assert find_most_similar([90], similarity, 1) == {(3, 90)}
    assert len(find_most_similar([0, 1], similarity, 500)) == 99 + 98


def test_parts_hold_all_pairs_once() -> None:
    pairs = choose_pairs(9)
    parts = list(split_pairs(pairs, 7))
    assert [pair for part in parts for pair in part] == pairs
    assert max(map(len, parts)) == 7
