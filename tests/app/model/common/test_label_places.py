"""Labels do not lie over each other."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from app.model.common.label_places import separate_labels

boxes = st.tuples(st.floats(0, 200), st.floats(0, 200), st.floats(10, 90), st.floats(10, 20))


@given(st.lists(boxes, max_size=8))
def test_they_are_moved_down_until_none_overlaps_another(found: list[tuple[float, float, float, float]]) -> None:
    places = separate_labels(found)
    assert all(x == box[0] and y >= box[1] for (x, y), box in zip(places, found, strict=True))
    for (place, box), (other, its) in combinations(zip(places, found, strict=True), 2):
        across = place[0] + box[2] <= other[0] or other[0] + its[2] <= place[0]
        down = place[1] + box[3] <= other[1] or other[1] + its[3] <= place[1]
        assert across or down


def test_those_that_are_alone_stay() -> None:
    assert separate_labels([(0, 0, 50, 15), (60, 0, 50, 15), (0, 40, 50, 15)]) == [(0, 0), (60, 0), (0, 40)]
