"""Panels are filled where one lies over another."""

from __future__ import annotations

import pytest

from app.window.backdrop import Box, any_overlap

LEFT, RIGHT = (0.0, 0.0, 300.0, 900.0), (302.0, 0.0, 500.0, 900.0)


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([LEFT, RIGHT], False),
        ([LEFT, (300.0, 0.0, 500.0, 900.0)], False),  # they share an edge
        ([LEFT, RIGHT, (250.0, 100.0, 100.0, 50.0)], True),  # one was lifted, and lies over both
        ([LEFT, RIGHT, (400.0, 100.0, 100.0, 50.0)], True),  # over one of them
        ([LEFT, LEFT], True),  # two tabs of one place
        ([], False),
    ],
)
def test_overlapping(boxes: list[Box], expected: bool) -> None:
    assert any_overlap(boxes) == expected
