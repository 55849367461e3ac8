"""Labels that would overlap are moved apart. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

Box = tuple[float, float, float, float]  # left, top, width, height


def separate_labels(boxes: Sequence[Box], gap: float = 2.0) -> list[tuple[float, float]]:
    """Upper left corners at which boxes do not overlap, `gap` pixels apart.

    Each box stays at its place, or is moved down by as little as keeps it clear of those before it.
    """
    placed: list[Box] = []
    for left, top, width, height in boxes:
        free = top
        while below := [
            other[1] + other[3] + gap
            for other in placed
            if left < other[0] + other[2] and other[0] < left + width
            if free < other[1] + other[3] + gap and other[1] < free + height + gap
        ]:
            free = max(below)
        placed.append((left, free, width, height))
    return [(left, top) for left, top, _, _ in placed]
