"""Cameras and rows of the benchmark of smooth objects."""

import numpy as np

from tests.benchmarks.smooth_objects.__main__ import measures
from tests.benchmarks.smooth_objects.objects import DISTANCE, OBJECTS, draw_pose


def test_cameras_look_at_the_object_from_above() -> None:
    generator = np.random.default_rng(0)
    for _ in range(20):
        pose = draw_pose(generator)
        np.testing.assert_allclose(pose[:, :3].T @ pose[:, :3], np.eye(3), atol=1e-12)
        assert np.linalg.det(pose[:, :3]) > 0
        np.testing.assert_allclose(pose[:, 3] - DISTANCE * pose[:, 2], 0, atol=1e-12)
        assert pose[2, 3] > 0


def test_parts_of_objects_are_read_by_the_kernels_in_one_form() -> None:
    for make in OBJECTS.values():
        rows = np.array([part.row() for part in make(np.random.default_rng(0))])
        assert rows.shape[1] == 12
        assert np.isfinite(rows).all()
        assert (rows[:, 3:6] > 0).all()


def test_a_run_that_failed_has_no_figures() -> None:
    result = {"pose": {"rotation_error_deg": {"mean": 1.0, "max": 2.0}, "translation_error": {"mean": 0.5}}}
    rows = measures({("balls", "as it is"): [result, {"history": [], "failure": "no"}]})
    assert [row.values for row in rows] == [[1.0, None], [2.0, None], [0.5, None]]
