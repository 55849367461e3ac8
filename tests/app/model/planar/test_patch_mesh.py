"""The bent mesh of a local warp."""

from __future__ import annotations

import numpy as np
import pytest

from app.model.planar.patch_mesh import bend_lattice, choose_arrow_scale, list_mesh_lines, measure_cell, thin_lattice
from tests.support.runs.planar_runs import patch_warp


def test_the_mesh_bends_by_the_residual_and_only_that_is_magnified() -> None:
    warp = patch_warp(residual=0.25)
    np.testing.assert_allclose(bend_lattice(warp, 1), warp.local_points, atol=1e-5)
    np.testing.assert_allclose(bend_lattice(warp, 8) - warp.global_points, np.tile([2.0, 0.0], (35, 1)), atol=1e-5)


def test_it_is_drawn_along_rows_and_columns() -> None:
    warp = patch_warp()
    found = list_mesh_lines(warp.global_points, warp.shape)
    assert [len(line) for line in found] == [7] * 5 + [5] * 7
    np.testing.assert_allclose(found[0][[0, -1]], [(20, 10), (60, 10)])
    np.testing.assert_allclose(found[5][[0, -1]], [(20, 10), (20, 40)])


@pytest.mark.parametrize("residual", [0.002, 0.03, 0.4, 5.0])
def test_residuals_are_drawn_long_enough_to_be_seen_and_not_across_each_other(residual: float) -> None:
    warp = patch_warp(residual)
    drawn = residual * choose_arrow_scale(warp)
    assert 0.5 * measure_cell(warp) < drawn < 2 * measure_cell(warp)


def test_large_residuals_are_never_drawn_smaller_than_they_are_and_none_not_at_all() -> None:
    assert choose_arrow_scale(patch_warp(80.0)) == 1
    assert choose_arrow_scale(patch_warp(0.0)) == 1


def test_thinned_lattices_keep_their_rim() -> None:
    assert thin_lattice((4, 5), 2).tolist() == [0, 2, 4, 10, 12, 14, 15, 17, 19]
