"""Matches of descriptors are mutual and clear; RANSAC keeps those that agree with a geometry."""

from pathlib import Path

import numpy as np

from engine.sfm.quick.matching import match_descriptors, match_pairs
from tests.engine.sfm.quick.matched_points import camera, match_points


def test_matches_are_mutual_and_clear() -> None:
    rng = np.random.default_rng(0)
    descriptors = rng.random((50, 128), dtype=np.float32) - 0.5
    descriptors /= np.linalg.norm(descriptors, axis=1, keepdims=True)
    order = rng.permutation(50)
    found = match_descriptors(descriptors, descriptors[order])
    assert np.array_equal(order[found[:, 1]], found[:, 0])
    assert len(found) == 50
    twice = np.concatenate([descriptors, descriptors])  # two candidates that are equally near
    assert len(match_descriptors(descriptors, twice)) == 0
    assert len(match_descriptors(descriptors[:1], descriptors)) == 0


def test_wrong_matches_are_rejected_by_the_geometry(tmp_path: Path) -> None:
    found = match_points(2, 200, turned=0.1)
    moved = found.features[1].points.copy()
    moved[:20] = np.random.default_rng(0).uniform(0, 480, (20, 2))
    object.__setattr__(found.features[1], "points", moved)
    (pair,) = match_pairs(found.write(tmp_path), [(0, 1)], [camera()] * 2)
    right = [found.seen[0][one] == found.seen[1][other] for one, other in pair.raw]
    assert all(right)
    assert len(pair.raw) > 100
    wrong = np.isin(pair.inliers[:, 1], np.arange(20))
    assert wrong.mean() < 0.03
    assert len(pair.inliers) > 0.8 * len(pair.raw)


def test_photos_of_different_points_have_no_geometry(tmp_path: Path) -> None:
    found = match_points(2, 200, turned=0.1)
    other = np.random.default_rng(7).integers(0, 120, found.features[1].descriptors.shape, dtype=np.uint8)
    object.__setattr__(found.features[1], "descriptors", other)
    (pair,) = match_pairs(found.write(tmp_path), [(0, 1)], [camera()] * 2)
    assert pair.geometry is None
    assert len(pair.inliers) == 0
