"""Groups of overlapping photos, and rotations in the image plane along them."""

import numpy as np

from engine.sfm.quick.connections import find_largest_group, find_turns, measure_turn


def test_the_largest_group_is_found() -> None:
    pairs = np.zeros((6, 6), dtype=bool)
    for one, other in ((0, 1), (2, 3), (3, 5)):
        pairs[one, other] = pairs[other, one] = True
    assert find_largest_group(pairs).tolist() == [False, False, True, True, False, True]


def test_turns_add_up_along_pairs_and_most_photos_are_upright() -> None:
    truth = np.radians([0.0, 90.0, 0.0, 0.0])
    inliers = np.zeros((5, 5), dtype=np.int64)
    turns = np.full((5, 5), np.nan)
    for one, other in ((0, 1), (1, 2), (2, 3)):
        inliers[one, other] = inliers[other, one] = 50
        turns[one, other], turns[other, one] = truth[other] - truth[one], truth[one] - truth[other]
    found = find_turns(inliers, turns)
    np.testing.assert_allclose(found[:4], truth, atol=1e-9)
    assert np.isnan(found[4])


def test_the_turn_of_a_pair_is_a_mean_over_the_circle() -> None:
    first = np.array([3.0, -3.1, 0.2])
    matches = np.stack([np.arange(3)] * 2, axis=-1)
    np.testing.assert_allclose(abs(measure_turn(first, first + np.pi, matches)), np.pi)
    np.testing.assert_allclose(measure_turn(first, first - 0.5, matches), -0.5)
