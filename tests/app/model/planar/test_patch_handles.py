"""Dragging a patch by its handles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.model.common.plane_view import PlaneView
from app.model.planar.patch_handles import (
    CORNERS,
    find_part_at,
    find_patch_at,
    grab_part,
    is_convex,
    is_inside,
    place_knob,
    turn_corners,
)
from tests.support.runs.planar_runs import shifted

VIEW, SIZE = PlaneView((50, 40), 4.0), (600, 500)
pixels = st.floats(-60, 60)


def at(point: np.ndarray) -> tuple[float, float]:
    x, y = VIEW.on_screen(point, SIZE).tolist()
    return x, y


def sides(corners: np.ndarray) -> np.ndarray:
    return np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)


def test_what_lies_under_the_mouse() -> None:
    corners = shifted(30, 25)
    for corner, name in enumerate(CORNERS):
        assert find_part_at(corners, VIEW, SIZE, at(corners[corner])) == name
    x, y = place_knob(corners, VIEW, SIZE)[1]
    assert find_part_at(corners, VIEW, SIZE, (x, y)) == "turn"
    assert y < at(corners[0])[1] - 15, "the knob of an upright patch stands above it"
    assert find_part_at(corners, VIEW, SIZE, at(corners.mean(axis=0))) == "body"
    assert find_part_at(corners, VIEW, SIZE, at(np.array([10.0, 70.0]))) is None


def test_the_patch_under_a_point_is_the_one_whose_middle_is_nearest() -> None:
    outlines = np.stack([shifted(0, 0), shifted(15, 0), shifted(100, 0)])
    assert find_patch_at(outlines, np.array([36.0, 15.0])) == 1
    assert find_patch_at(outlines, np.array([17.0, 15.0])) == 0
    assert find_patch_at(outlines, np.array([70.0, 15.0])) is None


@given(st.floats(-3, 3), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_inside_however_it_is_turned(angle: float, across: float, down: float) -> None:
    corners = turn_corners(shifted(5, 7), np.array([20.0, 20.0]), angle)
    right, below = corners[1] - corners[0], corners[3] - corners[0]
    assert is_inside(corners, corners[0] + across * right + down * below)
    assert not is_inside(corners, corners[0] - across * right + down * below)


@given(pixels, pixels)
def test_a_corner_of_a_homography_goes_alone_and_never_folds_the_patch(x: float, y: float) -> None:
    corners = shifted(30, 25)
    dragged = grab_part("bottom right", "homography", corners, corners[2]).to(corners[2] + (x, y)).corners
    np.testing.assert_array_equal(np.delete(dragged, 2, axis=0), np.delete(corners, 2, axis=0))
    assert is_convex(dragged)
    wanted = corners.copy()
    wanted[2] += (x, y)
    if is_convex(wanted):
        np.testing.assert_allclose(dragged, wanted)


@pytest.mark.parametrize("family", ["translation", "rigid", "homography"])
def test_the_body_goes_with_the_mouse(family: str) -> None:
    corners = shifted(30, 25)
    drag = grab_part("body", family, corners, np.array([40.0, 35.0]))  # type: ignore[arg-type]
    np.testing.assert_allclose(drag.to(np.array([47.0, 30.0])).corners, corners + np.array((7, -5)))


@given(st.sampled_from(CORNERS), pixels, pixels)
def test_a_rigid_patch_keeps_its_shape_and_its_opposite_corner(part: str, x: float, y: float) -> None:
    corners = shifted(30, 25)
    index = CORNERS.index(part)  # type: ignore[arg-type]
    dragged = grab_part(part, "rigid", corners, corners[index]).to(corners[index] + (x, y)).corners  # type: ignore[arg-type]
    np.testing.assert_allclose(sides(dragged), sides(corners), rtol=1e-9)
    opposite = (index + 2) % 4
    np.testing.assert_allclose(dragged[opposite], corners[opposite], atol=1e-9)
    towards, along = corners[index] + (x, y) - corners[opposite], dragged[index] - corners[opposite]
    if np.linalg.norm(towards) > 1e-3:
        assert towards @ along == pytest.approx(np.linalg.norm(towards) * np.linalg.norm(along), rel=1e-6)


def test_the_knob_turns_about_the_middle() -> None:
    corners = shifted(30, 25)
    middle = corners.mean(axis=0)
    dragged = (
        grab_part("turn", "homography", corners, middle + np.array((0, -30))).to(middle + np.array((30, 0))).corners
    )
    np.testing.assert_allclose(dragged, turn_corners(corners, middle, np.pi / 2), atol=1e-9)
    np.testing.assert_allclose(dragged[0] - middle, [15, -20], atol=1e-9)  # upper left to upper right: clockwise


def test_where_only_turns_are_fitted_the_body_turns() -> None:
    corners = shifted(30, 25)
    middle = corners.mean(axis=0)
    dragged = grab_part("body", "rotation", corners, middle + np.array((10, 0))).to(middle + np.array((0, 10))).corners
    np.testing.assert_allclose(dragged.mean(axis=0), middle, atol=1e-9)
    assert not np.allclose(dragged, corners)
