"""What is drawn of keypoints, matches and pairs, looked at pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest

from app.model.colmap.colmap_drawing import (
    BAD,
    GOOD,
    GROUND,
    LOOK,
    UNSEEN,
    draw_keypoints,
    draw_matches,
    draw_matrix,
    find_cell_at,
    fit_pair_size,
)
from app.model.state.colmap_progress import NOT_YET

BLACK = np.zeros((60, 80, 3), np.float32)


def coloured(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Where a black picture has taken on a colour, however faintly; (height, width)."""
    direction = np.array(colour) / np.linalg.norm(colour)
    length = np.linalg.norm(picture, axis=2)
    return np.logical_and(length > 0.08, picture @ direction > 0.99 * length)


def test_a_keypoint_is_a_circle_of_its_size_with_its_direction() -> None:
    points, scale = np.array([[40.0, 30.0]]), np.array([12.0])
    picture = draw_keypoints(BLACK, points, scale, np.array([np.pi / 2]))
    seen = coloured(picture, GOOD)
    down, across = np.nonzero(seen)
    assert np.ptp(across) == pytest.approx(24, abs=2)
    assert np.ptp(down) == pytest.approx(24, abs=2)
    assert seen[32:40, 38:42].any(axis=1).all()  # the line from the centre goes down
    assert not seen[22:28, 38:42].any()
    assert not seen[28:32, 44:50].any()


def test_thousands_of_features_can_be_drawn_and_none_too() -> None:
    numbers = np.random.default_rng(0)
    points = numbers.uniform((0, 0), (80, 60), (20_000, 2))
    picture = draw_keypoints(BLACK, points, numbers.uniform(0.5, 9, 20_000), numbers.uniform(-3, 3, 20_000))
    assert picture.shape == BLACK.shape
    assert picture.max() <= 1
    assert (picture.sum(axis=2) > 0).mean() > 0.8
    nothing = draw_keypoints(BLACK, np.zeros((0, 2)), np.zeros(0), np.zeros(0))
    assert nothing.max() == 0


def test_lines_join_features_of_two_photos_green_over_red() -> None:
    good = (np.array([[10.0, 20.0]]), np.array([[60.0, 20.0]]))
    bad = (np.array([[10.0, 50.0]]), np.array([[60.0, 50.0]]))
    picture = draw_matches(BLACK, BLACK, bad, good)
    assert picture.shape == (60, 160 + LOOK.gap, 3)
    green, red = coloured(picture, GOOD), coloured(picture, BAD)
    assert np.any(green[18:23], axis=0)[12:140].all()
    assert np.any(red[48:53], axis=0)[12:140].all()
    assert not green[40:].any()
    assert not red[:30].any()


def test_of_too_many_matches_as_large_a_share_of_either_kind_is_drawn() -> None:
    rows = np.linspace(2, 58, 10 * LOOK.lines)
    ends = np.stack([np.full_like(rows, 5.0), rows], axis=1)
    some = draw_matches(BLACK, BLACK, (ends[::2], ends[::2]), (ends[1::2], ends[1::2]))
    assert coloured(some, GOOD).any()
    few = draw_matches(BLACK, BLACK, (ends[:0], ends[:0]), (ends[:3], ends[:3]))
    assert not coloured(few, BAD).any()


@pytest.mark.parametrize("box", [(400, 200), (300, 900), (9, 9)])
def test_two_photos_fit_into_their_box(box: tuple[int, int]) -> None:
    width, height = fit_pair_size((504, 378), box)
    assert 2 * width + LOOK.gap <= max(box[0], 20)
    assert height <= max(box[1], 8)


def test_the_matrix_has_raw_matches_below_and_inliers_above_its_diagonal() -> None:
    counts, agreeing = np.full((4, 4), NOT_YET), np.full((4, 4), NOT_YET)
    counts[0, 1] = counts[1, 0] = 400
    counts[2, 3] = counts[3, 2] = 0
    agreeing[0, 1] = agreeing[1, 0] = 350
    picture = draw_matrix(counts, agreeing, 80)
    assert picture.shape == (80, 80, 3)
    raw, good = picture[30, 10], picture[10, 30]
    assert raw.argmax() == 2  # blue
    assert good.argmax() == 1  # green
    assert np.allclose(picture[10, 10], np.array(GROUND) / 255)
    unseen, empty = picture[70, 10], picture[70, 50]
    assert np.allclose(unseen, np.array(UNSEEN) / 255)
    assert empty.sum() > unseen.sum()
    assert raw.sum() > 3 * empty.sum()


def test_more_matches_are_brighter() -> None:
    counts = np.full((3, 3), NOT_YET)
    for (row, column), value in {(1, 0): 20, (2, 0): 200, (2, 1): 2000}.items():
        counts[row, column] = value
    picture = draw_matrix(counts, np.full((3, 3), NOT_YET), 90)
    sums = [float(picture[y, x].sum()) for y, x in ((45, 15), (75, 15), (75, 45))]
    assert sums[0] < sums[1] < sums[2]


def test_a_place_on_the_matrix_is_a_pair() -> None:
    assert find_cell_at(70, 10, 80, 4) == (0, 3)
    assert find_cell_at(10, 70, 80, 4) == (3, 0)
    assert find_cell_at(10, 10, 80, 4) is None
    assert find_cell_at(-1, 10, 80, 4) is None
    assert find_cell_at(81, 10, 80, 4) is None
