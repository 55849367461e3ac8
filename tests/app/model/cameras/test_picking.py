"""Pointing at frames of the 3D view."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.model.cameras.picking import REACH, find_screen_place, pick_frame
from app.model.common.pictures import CameraSet
from tests.support.window.cameras_scene import IMAGE_PLANE, SIZE, at, from_behind, one_colour, picture_of, seen_at


def test_a_photo_is_hit_anywhere_within_its_borders() -> None:
    picture = picture_of(one_colour(at(0, 0, 0)[None], 1, 1, 1, 1))
    for u, v in ((0, 0), (0.45, 0.35), (-0.45, -0.35), (0.45, -0.35)):
        assert pick_frame(picture, *seen_at(picture, np.array([u, v, 1.0])), SIZE) == 0
    assert pick_frame(picture, 3.0, 3.0, SIZE) is None


def test_the_nearer_of_two_photos_is_hit() -> None:
    poses = np.stack([at(0, 0, 0.5), at(0.1, 0, 0)])
    picture = picture_of(one_colour(poses, 1, 1, 1, 1), camera=from_behind())
    assert pick_frame(picture, *seen_at(picture, np.array([0.1, 0, 1.0])), SIZE) == 1


def test_edges_are_hit_within_a_few_pixels_and_only_where_no_photo_is() -> None:
    picture = picture_of(one_colour(at(0, 0, 0)[None], 1, 1, 1, 1))
    apex = np.array(seen_at(picture, np.zeros(3)))
    away = apex - np.array(find_screen_place(picture, 0))
    away /= np.linalg.norm(away)
    assert pick_frame(picture, *(apex + (REACH - 1) * away), SIZE) == 0
    assert pick_frame(picture, *(apex + (REACH + 2) * away), SIZE) is None


def test_frames_behind_the_viewer_or_not_finite_or_hidden_are_not_hit() -> None:
    behind = picture_of(one_colour(at(0, 0, -6)[None], 1, 1, 1, 1), camera=from_behind())
    spots = [(x, y) for x in range(0, SIZE[0], 16) for y in range(0, SIZE[1], 16)]
    assert all(pick_frame(behind, x, y, SIZE) is None for x, y in spots)
    broken = picture_of(one_colour(np.full((1, 3, 4), np.nan, np.float32), 1, 1, 1, 1))
    assert all(pick_frame(broken, x, y, SIZE) is None for x, y in spots)
    hidden = picture_of(CameraSet(at(0, 0, 0)[None], np.zeros((1, 4), np.float32)))
    assert all(pick_frame(hidden, x, y, SIZE) is None for x, y in spots)
    assert pick_frame(picture_of(one_colour(np.empty((0, 3, 4), np.float32), 1, 1, 1, 1)), 5, 5, SIZE) is None


def test_a_frustum_that_reaches_behind_the_viewer_is_hit_by_what_is_before_him() -> None:
    # the viewer stands within the pyramid: its apex lies behind, its photo before
    picture = picture_of(one_colour(at(0, 0, -3.5)[None], 1, 1, 1, 1), camera=from_behind(), frustum_depth=4.0)
    assert pick_frame(picture, SIZE[0] / 2, SIZE[1] / 2, SIZE) == 0


def test_the_size_at_which_a_picture_is_shown_counts() -> None:
    picture = picture_of(one_colour(at(0, 0, 0)[None], 1, 1, 1, 1))
    x, y = seen_at(picture, np.array([0.4, 0.3, 1.0]))
    assert pick_frame(picture, 2.5 * x, 2.5 * y, (800, 600)) == 0


@given(
    st.lists(st.tuples(*[st.floats(-1, 1)] * 3), min_size=1, max_size=6),
    st.floats(-0.95, 0.95),
    st.floats(-0.95, 0.95),
)
def test_picking_agrees_with_geometry(places: list[tuple[float, float, float]], u: float, v: float) -> None:
    """A point of a photo gives its frame, or one that hides it there."""
    poses = np.stack([at(*place) for place in places])
    picture = replace(picture_of(one_colour(poses, 1, 1, 1, 1)), frustum_depth=0.3)
    x, y, z = places[0]
    point = np.array([x + 0.3 * u * IMAGE_PLANE[0], y + 0.3 * v * IMAGE_PLANE[1], z + 0.3])
    found = pick_frame(picture, *seen_at(picture, point), SIZE)
    assert found is not None
    if found != 0:
        view = picture.camera.world_to_camera
        assert view[2, :3] @ np.add(places[found], [0, 0, 0.3]) < view[2, :3] @ point + 0.5
