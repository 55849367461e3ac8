"""Matches that contradict known poses are left out."""

import numpy as np
import pytest

from engine.sfm.lens import Lens
from engine.sfm.quick.epipolar import find_consistent_matches, undistort
from tests.engine.sfm.quick.matched_points import FOCAL, SIZE, match_points


@pytest.mark.parametrize("radial", [0.0, 0.05])
def test_a_wrong_match_is_left_out_and_right_ones_stay(radial: float) -> None:
    found = match_points(2, 300, turned=0.1, noise=0.3, radial=radial)
    points = [one.points.copy() for one in found.features]
    _, first, second = np.intersect1d(found.seen[0], found.seen[1], return_indices=True)
    matches = np.stack([first, second], axis=-1)
    points[0][matches[:30, 0]] += np.array([30.0, -40.0])
    camera = Lens(FOCAL, radial, np.eye(2)), np.array(SIZE) / 2
    ((pair, kept),) = find_consistent_matches([((0, 1), matches)], points, found.poses, [camera] * 2)
    assert pair == (0, 1)
    kept_rows = set(map(tuple, kept.tolist()))
    assert np.mean([tuple(row) in kept_rows for row in matches[30:].tolist()]) > 0.98
    assert np.mean([tuple(row) in kept_rows for row in matches[:30].tolist()]) < 0.15


def test_pairs_without_poses_keep_all_matches() -> None:
    found = match_points(2, 100, turned=0.1)
    poses = found.poses.copy()
    poses[1] = np.nan
    matches = np.array([[0, 5], [1, 7]])
    camera = Lens(FOCAL, 0.0, np.eye(2)), np.array(SIZE) / 2
    points = [one.points for one in found.features]
    ((_, kept),) = find_consistent_matches([((0, 1), matches)], points, poses, [camera] * 2)
    np.testing.assert_array_equal(kept, matches)


def test_undistorting_is_the_inverse_of_the_lens() -> None:
    ideal = np.random.default_rng(0).uniform(-0.6, 0.6, (50, 2))
    radial = -0.1
    pixels = ideal * (1 + radial * (ideal**2).sum(axis=1, keepdims=True)) * FOCAL + np.array(SIZE) / 2
    np.testing.assert_allclose(undistort(pixels, Lens(FOCAL, radial, np.eye(2)), np.array(SIZE) / 2), ideal, atol=1e-4)
