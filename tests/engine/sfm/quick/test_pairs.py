"""Of few photos all pairs are matched; of many a number that grows slowly, and every photo takes part."""

import pytest

from engine.sfm.quick.options import OPTIONS
from engine.sfm.quick.pairs import choose_pairs, split_pairs


def test_all_pairs_of_few_photos() -> None:
    few = OPTIONS.exhaustive_photos
    assert len(choose_pairs(few)) == few * (few - 1) // 2


@pytest.mark.parametrize("photos", [100, 400])
def test_many_photos(photos: int) -> None:
    pairs = choose_pairs(photos)
    assert len(pairs) == len(set(pairs)) < 14 * photos
    assert {photo for pair in pairs for photo in pair} == set(range(photos))
    assert all(first < second for first, second in pairs)
    assert all((photo, photo + 1) in set(pairs) for photo in range(photos - 1))


def test_parts_hold_all_pairs_once() -> None:
    pairs = choose_pairs(9)
    parts = list(split_pairs(pairs, 7))
    assert [pair for part in parts for pair in part] == pairs
    assert max(map(len, parts)) == 7
